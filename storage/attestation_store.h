// Attestation keys, reference values and policy at rest.

#ifndef TAMARACK_STORAGE_ATTESTATION_STORE_H_
#define TAMARACK_STORAGE_ATTESTATION_STORE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/model/attestation.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/id.h"

namespace tam::storage {

// Thread safe. Unavailable: the database cannot be reached by the deadline; the write may or may
// not have happened. Every write adds one to the tenant's generation and appends its audit entry in
// the same transaction: on any error neither happens.
class AttestationStore {
 public:
  virtual ~AttestationStore() = default;
  // AlreadyExists if the thumbprint is registered in the tenant; InvalidArgument unless exactly one
  // of device and class is set.
  virtual absl::Status AddKey(const AttestationKey& key, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::Status RemoveKey(const TenantId& tenant, const KeyThumbprint& key,
                                 const AuditEntry& audit, CallDeadline deadline) = 0;
  // By thumbprint; of one device, or of the tenant with those for classes.
  virtual absl::StatusOr<Page<AttestationKey>> ListKeys(const TenantId& tenant,
                                                        const std::optional<DeviceId>& device,
                                                        const PageRequest& page,
                                                        CallDeadline deadline) = 0;
  // The default policy, version 0, where none was set.
  virtual absl::StatusOr<AttestationPolicy> GetPolicy(const TenantId& tenant,
                                                      CallDeadline deadline) = 0;
  // Aborted if `policy.version` is neither 0 nor the stored one.
  virtual absl::Status SetPolicy(const TenantId& tenant, const AttestationPolicy& policy,
                                 const AuditEntry& audit, CallDeadline deadline) = 0;
};

// Thread safe; Unavailable and generation as above. A version in Update and Delete must be the
// stored one or 0 (whatever it is): Aborted otherwise.
class ReferenceValueStore {
 public:
  virtual ~ReferenceValueStore() = default;
  // AlreadyExists if the name, or class and measurement together, are taken in the tenant.
  virtual absl::Status Create(const ReferenceValue& value, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Sets the digests. NotFound; Aborted.
  virtual absl::Status Update(const ReferenceValue& value, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound; Aborted.
  virtual absl::Status Delete(const TenantId& tenant, absl::string_view name, uint64_t version,
                              const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<ReferenceValue> Get(const TenantId& tenant, absl::string_view name,
                                             CallDeadline deadline) = 0;
  // By name.
  virtual absl::StatusOr<Page<ReferenceValue>> List(const TenantId& tenant, const PageRequest& page,
                                                    CallDeadline deadline) = 0;
};

// What appraising reads. Thread safe; Unavailable as above.
class AppraisalReader {
 public:
  virtual ~AppraisalReader() = default;
  // 0 for a tenant without any. Cheap: ask before using kept inputs.
  virtual absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline deadline) = 0;
  virtual absl::StatusOr<AppraisalInputs> Inputs(const TenantId& tenant, const DeviceId& device,
                                                 const DeviceClass& device_class,
                                                 CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_ATTESTATION_STORE_H_
