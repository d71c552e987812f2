#include "storage/postgres/postgres_storage.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

class PostgresStorage : public Storage {
 public:
  explicit PostgresStorage(Database& database) : database_(database) {}
  explicit PostgresStorage(std::unique_ptr<Database> owned)
      : owned_(std::move(owned)), database_(*owned_) {}

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
  const std::unique_ptr<Database> owned_;
  Database& database_;
  std::unique_ptr<TenantStore> tenants_ = NewTenantStore(database_);
  std::unique_ptr<EndpointStore> endpoints_ = NewEndpointStore(database_);
  std::unique_ptr<DeviceStore> devices_ = NewDeviceStore(database_);
  std::unique_ptr<DeviceKeyStore> device_keys_ = NewDeviceKeyStore(database_);
  std::unique_ptr<DeviceRecordReader> device_records_ = NewDeviceRecordReader(database_);
  std::unique_ptr<SessionStore> sessions_ = NewSessionStore(database_);
  std::unique_ptr<DomainStore> domains_ = NewDomainStore(database_);
  std::unique_ptr<ManifestStore> manifests_ = NewManifestStore(database_);
  std::unique_ptr<DeploymentStore> deployments_ = NewDeploymentStore(database_);
  std::unique_ptr<CatalogReader> catalog_ = NewCatalogReader(database_);
  std::unique_ptr<BlobStore> blobs_ = NewBlobStore(database_);
  std::unique_ptr<AttestationStore> attestation_ = NewAttestationStore(database_);
  std::unique_ptr<ReferenceValueStore> reference_values_ = NewReferenceValueStore(database_);
  std::unique_ptr<AppraisalReader> appraisal_ = NewAppraisalReader(database_);
  std::unique_ptr<SigningStore> signing_ = NewSigningStore(database_);
  std::unique_ptr<ChallengeRootStore> challenge_roots_ = NewChallengeRootStore(database_);
  std::unique_ptr<AuditStore> audit_ = NewAuditStore(database_);
  std::unique_ptr<AuditWriter> audit_writer_ = NewAuditWriter(database_);
  std::unique_ptr<PseudonymStore> pseudonyms_ = NewPseudonymStore(database_);
  std::unique_ptr<DatabaseClock> clock_ = NewDatabaseClock(database_);
};

// How long a server that starts waits between two looks at a database that does not answer, and for
// one answer.
constexpr absl::Duration kPause = absl::Milliseconds(200);
constexpr absl::Duration kOneTry = absl::Seconds(5);

absl::Status AwaitDatabase(Database& database, absl::string_view role, absl::Time deadline) {
  while (true) {
    const CallDeadline one_try{std::min(deadline, absl::Now() + kOneTry)};
    absl::Status status = CheckSchema(database, one_try);
    if (status.ok()) status = CheckRole(database, role, one_try);
    if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) return status;
    if (absl::Now() + kPause >= deadline) return status;
    absl::SleepFor(kPause);
  }
}

}  // namespace

std::unique_ptr<Storage> NewPostgresStorage(Database& database) {
  return std::make_unique<PostgresStorage>(database);
}

std::unique_ptr<Database> NewDatabase(const std::string& dsn, DatabaseOptions options) {
  return std::make_unique<Database>(
      [dsn](absl::Time deadline) { return ConnectPqxx(dsn, deadline); }, std::move(options));
}

absl::StatusOr<std::unique_ptr<Storage>> OpenPostgresStorage(const std::string& dsn,
                                                             DatabaseOptions options,
                                                             absl::string_view role,
                                                             CallDeadline deadline) {
  std::unique_ptr<Database> database = NewDatabase(dsn, std::move(options));
  if (absl::Status status = AwaitDatabase(*database, role, deadline.at); !status.ok())
    return status;
  return std::make_unique<PostgresStorage>(std::move(database));
}

}  // namespace tam::storage::postgres
