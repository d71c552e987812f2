#include "storage/testing/contract.h"

#include <algorithm>

namespace tam::storage {

using ::tam::testing::IsOk;

StorageContract::StorageContract() : harness_(GetParam()()) {
  SetNow(absl::FromUnixSeconds(1796126400));  // 2026-12-01T12:00:00Z
}

void StorageContract::SetNow(absl::Time now) {
  now_ = now;
  harness_->SetNow(now);
}

AuditEntry StorageContract::Audit(absl::string_view kind, const DeviceId& device) const {
  return {tenant_, device, std::string(kind), BytesOf(kind)};
}

std::vector<AuditRecord> StorageContract::AuditOf(absl::string_view kind) {
  AuditFilter filter;
  filter.tenant = tenant_;
  filter.kind = std::string(kind);
  auto page = storage().audit().List(filter, {1000, ""}, soon_);
  EXPECT_THAT(page, IsOk());
  return page.ok() ? page->items : std::vector<AuditRecord>();
}

Device StorageContract::NewDevice(const std::string& name) const {
  Device device;
  device.id = RandomFixed<DeviceId>();
  device.tenant = tenant_;
  device.name = name;
  device.device_class = {BytesOf("oem"), BytesOf("model")};
  device.labels = {{"site", "lab \"1\", {a}\\b"}, {"ring", "beta"}};
  return device;
}

DeviceKey StorageContract::NewKey(DeviceKeyState state) const {
  DeviceKey key;
  key.thumbprint = RandomFixed<KeyThumbprint>();
  key.public_key = BytesOf("cose-key");
  key.state = state;
  key.endpoints = {endpoint_};
  return key;
}

StorageContract::Enrolled StorageContract::Enrol(const std::string& name, DeviceKeyState state) {
  Enrolled enrolled{NewDevice(name), NewKey(state)};
  EXPECT_THAT(storage().devices().Create(enrolled.device, {enrolled.key},
                                         Audit("device.create", enrolled.device.id), soon_),
              IsOk());
  return enrolled;
}

AcceptRequest StorageContract::NewRequest(const Enrolled& enrolled) {
  last_issued_ms_ = std::max(last_issued_ms_ + 1, NowMs() - 500);
  AcceptRequest request;
  request.tenant = tenant_;
  request.endpoint = endpoint_;
  request.device = enrolled.device.id;
  request.key = enrolled.key.thumbprint;
  request.pending = enrolled.key.state == DeviceKeyState::kPending;
  request.challenge = {last_issued_ms_, RandomFixed<ChallengeRandom>()};
  request.message = RandomFixed<MessageDigest>();
  request.audit = Audit("session.accept", enrolled.device.id);
  return request;
}

AcceptRequest StorageContract::Proving(const Enrolled& enrolled, absl::string_view ueid) {
  AcceptRequest request = NewRequest(enrolled);
  request.attestation.emplace();
  request.attestation->verdict = AttestationVerdict::kAccepted;
  request.identity = IdentityClaim{
      BytesOf(ueid), {BytesOf("o"), BytesOf("m")}, Audit("claim", enrolled.device.id)};
  return request;
}

Bytes StorageContract::UeidOf(const Enrolled& enrolled) {
  auto stored = storage().devices().Get(tenant_, enrolled.device.id, soon_);
  EXPECT_THAT(stored, IsOk());
  return stored.ok() ? stored->ueid : Bytes();
}

UpdatePlan StorageContract::NewPlan(std::vector<UpdateManifest> manifests) const {
  UpdatePlan plan;
  plan.token = RandomFixed<UpdateToken>();
  plan.manifests = std::move(manifests);
  plan.catalog_generation = 7;
  return plan;
}

UpdateManifest StorageContract::NewManifest(const ComponentId& component, uint64_t sequence) const {
  return {{RandomFixed<DomainId>(), RandomFixed<ManifestDigest>()}, component, sequence};
}

ReportRequest StorageContract::NewReport(const AcceptRequest& request, bool success) {
  ReportRequest report;
  report.tenant = request.tenant;
  report.endpoint = request.endpoint;
  report.device = request.device;
  report.key = request.key;
  report.pending = request.pending;
  report.token = request.update->token;
  report.success = success;
  report.audit = Audit("session.report", request.device);
  return report;
}

AcceptRequest StorageContract::Open(const Enrolled& enrolled, const UpdatePlan& plan) {
  AcceptRequest request = NewRequest(enrolled);
  request.update = plan;
  EXPECT_EQ(OutcomeOf(request), AcceptOutcome::kOpened);
  return request;
}

AcceptOutcome StorageContract::OutcomeOf(const AcceptRequest& request) {
  auto result = storage().sessions().Accept(request, soon_);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? result->outcome : AcceptOutcome::kKeyNotActive;
}

ReportOutcome StorageContract::OutcomeOf(const ReportRequest& request) {
  auto result = storage().sessions().Report(request, soon_);
  EXPECT_THAT(result, IsOk());
  return result.ok() ? result->outcome : ReportOutcome::kKeyNotActive;
}

DeviceRecord StorageContract::Show(const Enrolled& enrolled) {
  auto record = storage().device_records().Show(tenant_, enrolled.device.id, soon_);
  EXPECT_THAT(record, IsOk());
  return record.ok() ? *record : DeviceRecord();
}

Domain StorageContract::NewDomain(const std::string& name,
                                  std::vector<ComponentId> prefixes) const {
  Domain domain;
  domain.id = RandomFixed<DomainId>();
  domain.tenant = tenant_;
  domain.name = name;
  domain.owners = {"spiffe://example.org/tenant/t/developer/ann"};
  domain.prefixes = std::move(prefixes);
  domain.anchors = {{RandomFixed<KeyThumbprint>(), BytesOf("key"), "", std::nullopt, std::nullopt}};
  return domain;
}

Manifest StorageContract::NewManifestOf(const Domain& domain, const ComponentId& component,
                                        uint64_t sequence) const {
  Manifest manifest;
  manifest.tenant = tenant_;
  manifest.domain = domain.id;
  manifest.digest = RandomFixed<ManifestDigest>();
  manifest.manifest_component = component;
  manifest.components = {component};
  manifest.sequence = sequence;
  manifest.signer = domain.anchors.at(0).thumbprint;
  manifest.publisher = "spiffe://example.org/tenant/t/developer/ann";
  return manifest;
}

absl::Status StorageContract::CreateDomain(const Domain& domain) {
  return storage().domains().Create(domain, Audit("domain.create"), soon_);
}

absl::Status StorageContract::UpdateDomain(const Domain& domain) {
  return storage().domains().Update(domain, Audit("domain.update"), soon_);
}

absl::StatusOr<PublishOutcome> StorageContract::Publish(const Manifest& manifest,
                                                        absl::string_view envelope) {
  return storage().manifests().Publish(manifest, BytesOf(envelope), Audit("publish"), soon_);
}

absl::Status StorageContract::Withdraw(const Manifest& manifest) {
  return storage().manifests().Withdraw(tenant_, {manifest.domain, manifest.digest},
                                        Audit("withdraw"), soon_);
}

uint64_t StorageContract::Generation() {
  auto generation = storage().catalog().Generation(tenant_, soon_);
  EXPECT_THAT(generation, IsOk());
  return generation.value_or(0);
}

Deployment StorageContract::NewDeployment(const std::string& name, const Manifest& manifest) const {
  Deployment deployment;
  deployment.id = RandomFixed<DeploymentId>();
  deployment.tenant = tenant_;
  deployment.name = name;
  deployment.domain = manifest.domain;
  deployment.manifest_component = manifest.manifest_component;
  return deployment;
}

}  // namespace tam::storage
