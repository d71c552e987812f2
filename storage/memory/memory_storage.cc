#include "storage/memory/memory_storage.h"

#include <utility>

#include "storage/memory/state.h"

namespace tam::storage {
namespace {

class MemoryStorage : public Storage {
 public:
  explicit MemoryStorage(std::function<absl::Time()> now) : state_(std::move(now)) {}

  TenantStore& tenants() override { return *tenants_; }
  EndpointStore& endpoints() override { return *endpoints_; }
  DeviceStore& devices() override { return *devices_; }
  DeviceKeyStore& device_keys() override { return *device_keys_; }
  DeviceRecordReader& device_records() override { return *device_records_; }
  SessionStore& sessions() override { return *sessions_; }
  DomainStore& domains() override { return *domains_; }
  ManifestStore& manifests() override { return *manifests_; }
  DeploymentStore& deployments() override { return *deployments_; }
  CatalogReader& catalog() override { return *catalog_; }
  BlobStore& blobs() override { return *blobs_; }
  AttestationStore& attestation() override { return *attestation_; }
  ReferenceValueStore& reference_values() override { return *reference_values_; }
  AppraisalReader& appraisal() override { return *appraisal_; }
  SigningStore& signing() override { return *signing_; }
  ChallengeRootStore& challenge_roots() override { return *challenge_roots_; }
  AuditStore& audit() override { return *audit_; }
  AuditWriter& audit_writer() override { return *audit_writer_; }
  PseudonymStore& pseudonyms() override { return *pseudonyms_; }
  DatabaseClock& clock() override { return *clock_; }

 private:
  memory::State state_;
  std::unique_ptr<TenantStore> tenants_ = memory::NewTenantStore(state_);
  std::unique_ptr<EndpointStore> endpoints_ = memory::NewEndpointStore(state_);
  std::unique_ptr<DeviceStore> devices_ = memory::NewDeviceStore(state_);
  std::unique_ptr<DeviceKeyStore> device_keys_ = memory::NewDeviceKeyStore(state_);
  std::unique_ptr<DeviceRecordReader> device_records_ = memory::NewDeviceRecordReader(state_);
  std::unique_ptr<SessionStore> sessions_ = memory::NewSessionStore(state_);
  std::unique_ptr<DomainStore> domains_ = memory::NewDomainStore(state_);
  std::unique_ptr<ManifestStore> manifests_ = memory::NewManifestStore(state_);
  std::unique_ptr<DeploymentStore> deployments_ = memory::NewDeploymentStore(state_);
  std::unique_ptr<CatalogReader> catalog_ = memory::NewCatalogReader(state_);
  std::unique_ptr<BlobStore> blobs_ = memory::NewBlobStore(state_);
  std::unique_ptr<AttestationStore> attestation_ = memory::NewAttestationStore(state_);
  std::unique_ptr<ReferenceValueStore> reference_values_ = memory::NewReferenceValueStore(state_);
  std::unique_ptr<AppraisalReader> appraisal_ = memory::NewAppraisalReader(state_);
  std::unique_ptr<SigningStore> signing_ = memory::NewSigningStore(state_);
  std::unique_ptr<ChallengeRootStore> challenge_roots_ = memory::NewChallengeRootStore(state_);
  std::unique_ptr<AuditStore> audit_ = memory::NewAuditStore(state_);
  std::unique_ptr<AuditWriter> audit_writer_ = memory::NewAuditWriter(state_);
  std::unique_ptr<PseudonymStore> pseudonyms_ = memory::NewPseudonymStore(state_);
  std::unique_ptr<DatabaseClock> clock_ = memory::NewDatabaseClock(state_);
};

}  // namespace

std::unique_ptr<Storage> NewMemoryStorage(std::function<absl::Time()> now) {
  return std::make_unique<MemoryStorage>(std::move(now));
}

}  // namespace tam::storage
