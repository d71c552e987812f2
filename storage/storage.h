// Every interface of one backend, for wiring and for contract suites. A service takes only the
// interfaces that it needs, never this.

#ifndef TAMARACK_STORAGE_STORAGE_H_
#define TAMARACK_STORAGE_STORAGE_H_

#include "storage/attestation_store.h"
#include "storage/audit_store.h"
#include "storage/blob_store.h"
#include "storage/catalog_store.h"
#include "storage/device_store.h"
#include "storage/session_store.h"
#include "storage/signing_store.h"
#include "storage/tenant_store.h"

namespace tam::storage {

// Owns what it returns. Thread safe.
class Storage {
 public:
  virtual ~Storage() = default;
  virtual TenantStore& tenants() = 0;
  virtual EndpointStore& endpoints() = 0;
  virtual DeviceStore& devices() = 0;
  virtual DeviceKeyStore& device_keys() = 0;
  virtual DeviceRecordReader& device_records() = 0;
  virtual SessionStore& sessions() = 0;
  virtual DomainStore& domains() = 0;
  virtual ManifestStore& manifests() = 0;
  virtual DeploymentStore& deployments() = 0;
  virtual CatalogReader& catalog() = 0;
  virtual BlobStore& blobs() = 0;
  virtual AttestationStore& attestation() = 0;
  virtual ReferenceValueStore& reference_values() = 0;
  virtual AppraisalReader& appraisal() = 0;
  virtual SigningStore& signing() = 0;
  virtual ChallengeRootStore& challenge_roots() = 0;
  virtual AuditStore& audit() = 0;
  virtual AuditWriter& audit_writer() = 0;
  virtual PseudonymStore& pseudonyms() = 0;
  virtual DatabaseClock& clock() = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_STORAGE_H_
