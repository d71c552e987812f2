// Tenants, endpoints, attestation and audit.
#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Unique in a database that outlives a test.
std::string UniqueName() { return "t" + RandomFixed<TenantId>().ToString(); }

TEST_P(StorageContract, TenantsReadBackAndCheckVersions) {
  auto& tenants = storage().tenants();
  Tenant tenant;
  tenant.id = tenant_;
  tenant.name = UniqueName();
  tenant.display_name = "Acme";
  ASSERT_THAT(tenants.Create(tenant, Audit("create"), soon_), IsOk());
  Tenant same_name = tenant;
  same_name.id = RandomFixed<TenantId>();
  EXPECT_THAT(tenants.Create(same_name, Audit("create"), soon_),
              StatusIs(StatusCode::kAlreadyExists));
  tenant.version = 1;
  tenant.display_name = "Acme 2";
  ASSERT_THAT(tenants.Update(tenant, Audit("update"), soon_), IsOk());
  EXPECT_THAT(tenants.Update(tenant, Audit("update"), soon_), StatusIs(StatusCode::kAborted));
  for (const auto& stored : {tenants.Get(tenant_, soon_), tenants.GetByName(tenant.name, soon_)}) {
    ASSERT_THAT(stored, IsOk());
    EXPECT_EQ(stored->display_name, "Acme 2");
    EXPECT_EQ(stored->state, TenantState::kActive);
    EXPECT_EQ(stored->version, 2u);
  }
  EXPECT_THAT(tenants.Get(RandomFixed<TenantId>(), soon_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(AuditOf("create"), SizeIs(1));
}

TEST_P(StorageContract, ATenantIsSuspendedAndResumedAndNothingElseDoesIt) {
  auto& tenants = storage().tenants();
  Tenant tenant;
  tenant.id = tenant_;
  tenant.name = UniqueName();
  ASSERT_THAT(tenants.Create(tenant, Audit("create"), soon_), IsOk());
  const auto set = [&](TenantState state, uint64_t version) {
    return tenants.SetState(tenant_, state, version, Audit("state"), soon_);
  };
  EXPECT_THAT(set(TenantState::kSuspended, 2), StatusIs(StatusCode::kAborted));
  ASSERT_THAT(set(TenantState::kSuspended, 1), IsOk());
  ASSERT_THAT(set(TenantState::kSuspended, 2), IsOk());
  EXPECT_THAT(AuditOf("state"), SizeIs(1));
  // Who read it before the suspension does not undo it.
  tenant.display_name = "Acme";
  ASSERT_THAT(tenants.Update(tenant, Audit("update"), soon_), IsOk());
  auto stored = tenants.Get(tenant_, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->state, TenantState::kSuspended);
  EXPECT_EQ(stored->version, 3u);
  ASSERT_THAT(set(TenantState::kActive, 0), IsOk());
  EXPECT_EQ(tenants.GetByName(tenant.name, soon_)->state, TenantState::kActive);
  EXPECT_THAT(AuditOf("state"), SizeIs(2));
  EXPECT_THAT(
      tenants.SetState(RandomFixed<TenantId>(), TenantState::kActive, 0, Audit("state"), soon_),
      StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, ATenantInUseIsNotDeleted) {
  auto& tenants = storage().tenants();
  Tenant tenant;
  tenant.id = tenant_;
  tenant.name = UniqueName();
  ASSERT_THAT(tenants.Create(tenant, Audit("create"), soon_), IsOk());
  const auto remove = [&](uint64_t version) {
    return tenants.Delete(tenant_, version, Audit("delete"), soon_);
  };
  const auto in_use = StatusIs(StatusCode::kFailedPrecondition);
  Endpoint endpoint;
  endpoint.id = endpoint_;
  endpoint.tenant = tenant_;
  endpoint.name = "main";
  endpoint.path = "/tam/" + tenant.name + "/main";
  ASSERT_THAT(storage().endpoints().Create(endpoint, Audit("create"), soon_), IsOk());
  EXPECT_THAT(remove(1), in_use);
  ASSERT_THAT(storage().endpoints().Delete(endpoint_, 1, Audit("delete"), soon_), IsOk());
  const Enrolled dev = Enrol("dev");
  EXPECT_THAT(remove(1), in_use);
  ASSERT_THAT(storage().devices().Delete(tenant_, dev.device.id, 0, Audit("x"), soon_), IsOk());
  Domain domain = NewDomain("acme", {});
  ASSERT_THAT(CreateDomain(domain), IsOk());
  EXPECT_THAT(remove(1), in_use);
  domain.state = DomainState::kDeleted;
  ASSERT_THAT(UpdateDomain(domain), IsOk());
  EXPECT_THAT(remove(2), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(remove(1), IsOk());
  EXPECT_THAT(remove(0), StatusIs(StatusCode::kNotFound));
}

// Certificates name the tenant: those of a deleted one must open no other.
TEST_P(StorageContract, ADeletedTenantsNameIsNeverGivenAgain) {
  auto& tenants = storage().tenants();
  Tenant tenant;
  tenant.id = tenant_;
  tenant.name = UniqueName();
  ASSERT_THAT(tenants.Create(tenant, Audit("create"), soon_), IsOk());
  ASSERT_THAT(tenants.Delete(tenant_, 0, Audit("delete"), soon_), IsOk());
  EXPECT_THAT(tenants.GetByName(tenant.name, soon_), StatusIs(StatusCode::kNotFound));
  for (const TenantId& id : {tenant_, RandomFixed<TenantId>()}) {
    tenant.id = id;
    EXPECT_THAT(tenants.Create(tenant, Audit("create"), soon_),
                StatusIs(StatusCode::kAlreadyExists));
    EXPECT_THAT(tenants.Get(id, soon_), StatusIs(StatusCode::kNotFound));
  }
  EXPECT_THAT(AuditOf("create"), SizeIs(1));
}

TEST_P(StorageContract, AnEndpointKeepsItsPreviousGeneration) {
  Tenant tenant;
  tenant.id = tenant_;
  tenant.name = UniqueName();
  ASSERT_THAT(storage().tenants().Create(tenant, Audit("create"), soon_), IsOk());
  auto& endpoints = storage().endpoints();
  Endpoint endpoint;
  endpoint.id = endpoint_;
  endpoint.tenant = tenant_;
  endpoint.name = "main";
  endpoint.path = "/tam/" + tenant.name + "/main";
  endpoint.current.challenge_lifetime = absl::Minutes(5);
  endpoint.current.max_message_bytes = 4096;
  ASSERT_THAT(endpoints.Create(endpoint, Audit("create"), soon_), IsOk());
  Endpoint taken = endpoint;
  taken.id = RandomFixed<EndpointId>();
  taken.name = "other";
  EXPECT_THAT(endpoints.Create(taken, Audit("create"), soon_),
              StatusIs(StatusCode::kAlreadyExists));
  auto stored = endpoints.GetByPath(endpoint.path, soon_);
  ASSERT_THAT(stored, IsOk());
  endpoint.current.generation = 1;
  EXPECT_EQ(stored->current, endpoint.current);
  EXPECT_FALSE(stored->previous.has_value());

  EndpointConfig second = stored->current;
  second.attestation_required = false;
  second.data_items = 10;
  second.wire_profile = WireProfile::kLegacy;
  second.passport = second.return_results = true;
  second.legacy = {.older_algorithms = true,
                   .untagged = false,
                   .keys_without_kid = true,
                   .sign1 = LegacyOptions::Sign1::kEd25519};
  auto updated = endpoints.Update(endpoint_, second, Audit("update"), soon_);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->current.generation, 2u);
  EXPECT_EQ(updated->previous, stored->current);
  second.generation = 2;
  EXPECT_EQ(updated->current, second);
  second.generation = 1;
  EXPECT_THAT(endpoints.Update(endpoint_, second, Audit("update"), soon_),
              StatusIs(StatusCode::kAborted));
  second.generation = 0;
  second.passport = second.return_results = false;
  second.timestamps = true;
  auto third = endpoints.Update(endpoint_, second, Audit("update"), soon_);
  ASSERT_THAT(third, IsOk());
  second.generation = 3;
  EXPECT_EQ(third->current, second);
  EXPECT_EQ(third->previous, updated->current);
  EXPECT_EQ(endpoints.Get(endpoint_, soon_)->previous, updated->current);
  auto listed = endpoints.List(tenant_, {}, soon_);
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->items, SizeIs(1));
  EXPECT_EQ(endpoints.GetByName(tenant_, "main", soon_)->id, endpoint_);
  EXPECT_THAT(endpoints.Delete(endpoint_, 2, Audit("delete"), soon_),
              StatusIs(StatusCode::kAborted));
  ASSERT_THAT(endpoints.Delete(endpoint_, 3, Audit("delete"), soon_), IsOk());
  EXPECT_THAT(endpoints.GetByPath(endpoint.path, soon_), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(endpoints.Create(endpoint, Audit("create"), soon_), IsOk());
}

TEST_P(StorageContract, AppraisalInputsAreOfTheDeviceAndItsClass) {
  const DeviceClass cls{BytesOf("o"), BytesOf("m")}, other_class{BytesOf("o"), BytesOf("n")};
  const DeviceId device = RandomFixed<DeviceId>();
  auto& attestation = storage().attestation();
  AttestationKey key;
  key.tenant = tenant_;
  key.public_key = BytesOf("k");
  const auto add = [&](std::optional<DeviceId> for_device, std::optional<DeviceClass> for_class) {
    key.thumbprint = RandomFixed<KeyThumbprint>();
    key.device = for_device;
    key.device_class = for_class;
    return attestation.AddKey(key, Audit("key"), soon_);
  };
  EXPECT_THAT(storage().appraisal().Generation(tenant_, soon_), IsOkAndHolds(0u));
  EXPECT_THAT(add(std::nullopt, std::nullopt), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(add(device, cls), StatusIs(StatusCode::kInvalidArgument));
  ASSERT_THAT(add(std::nullopt, other_class), IsOk());
  ASSERT_THAT(add(RandomFixed<DeviceId>(), std::nullopt), IsOk());
  ASSERT_THAT(add(std::nullopt, cls), IsOk());
  ASSERT_THAT(add(device, std::nullopt), IsOk());
  EXPECT_THAT(attestation.AddKey(key, Audit("key"), soon_), StatusIs(StatusCode::kAlreadyExists));
  ReferenceValue value;
  value.tenant = tenant_;
  value.name = "boot";
  value.device_class = cls;
  value.measurement = "boot";
  value.digests = {RandomFixed<MeasurementDigest>(), RandomFixed<MeasurementDigest>()};
  ASSERT_THAT(storage().reference_values().Create(value, Audit("value"), soon_), IsOk());
  auto inputs = storage().appraisal().Inputs(tenant_, device, cls, soon_);
  ASSERT_THAT(inputs, IsOk());
  EXPECT_EQ(inputs->generation, 5u);
  EXPECT_THAT(inputs->keys, SizeIs(2));
  ASSERT_THAT(inputs->reference_values, SizeIs(1));
  EXPECT_EQ(inputs->reference_values[0].digests, value.digests);
  EXPECT_EQ(inputs->policy, AttestationPolicy());
  ASSERT_THAT(attestation.RemoveKey(tenant_, key.thumbprint, Audit("remove"), soon_), IsOk());
  EXPECT_THAT(attestation.RemoveKey(tenant_, key.thumbprint, Audit("remove"), soon_),
              StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(attestation.ListKeys(tenant_, device, {}, soon_)->items, IsEmpty());
  EXPECT_THAT(attestation.ListKeys(tenant_, std::nullopt, {}, soon_)->items, SizeIs(3));
  auto page = attestation.ListKeys(tenant_, std::nullopt, {2, ""}, soon_);
  EXPECT_THAT(attestation.ListKeys(tenant_, std::nullopt, {2, page->next}, soon_)->items,
              SizeIs(1));
}

TEST_P(StorageContract, ReferenceValuesAreUniqueByNameAndByMeasurement) {
  auto& values = storage().reference_values();
  ReferenceValue value;
  value.tenant = tenant_;
  value.name = "boot";
  value.measurement = "boot";
  ASSERT_THAT(values.Create(value, Audit("create"), soon_), IsOk());
  ReferenceValue other = value;
  other.measurement = "os";
  EXPECT_THAT(values.Create(other, Audit("create"), soon_), StatusIs(StatusCode::kAlreadyExists));
  other = value;
  other.name = "another";
  EXPECT_THAT(values.Create(other, Audit("create"), soon_), StatusIs(StatusCode::kAlreadyExists));
  value.digests = {RandomFixed<MeasurementDigest>()};
  value.version = 1;
  ASSERT_THAT(values.Update(value, Audit("update"), soon_), IsOk());
  EXPECT_THAT(values.Update(value, Audit("update"), soon_), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(values.Get(tenant_, "boot", soon_)->digests, value.digests);
  EXPECT_THAT(values.List(tenant_, {}, soon_)->items, SizeIs(1));
  ASSERT_THAT(values.Delete(tenant_, "boot", 2, Audit("delete"), soon_), IsOk());
  EXPECT_THAT(values.Delete(tenant_, "boot", 0, Audit("delete"), soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, APolicyChecksItsVersion) {
  auto& attestation = storage().attestation();
  EXPECT_THAT(attestation.GetPolicy(tenant_, soon_), IsOkAndHolds(AttestationPolicy()));
  AttestationPolicy policy;
  policy.evidence_profiles = {"urn:x", "urn:y"};
  policy.verifier_keys = {BytesOf("k")};
  policy.result_lifetime = absl::Minutes(7);
  ASSERT_THAT(attestation.SetPolicy(tenant_, policy, Audit("policy"), soon_), IsOk());
  policy.version = 2;
  EXPECT_THAT(attestation.SetPolicy(tenant_, policy, Audit("policy"), soon_),
              StatusIs(StatusCode::kAborted));
  policy.version = 1;
  EXPECT_THAT(attestation.GetPolicy(tenant_, soon_), IsOkAndHolds(policy));
}

TEST_P(StorageContract, AuditIsListedNewestFirstAndFiltered) {
  const DeviceId device = RandomFixed<DeviceId>();
  const int64_t start_ms = NowMs();
  for (int n = 0; n < 5; ++n) {
    AuditEntry entry = Audit(n % 2 == 0 ? "even" : "odd", n < 2 ? device : DeviceId());
    entry.entry = {static_cast<uint8_t>(n)};
    ASSERT_THAT(storage().audit_writer().Record(entry, soon_), IsOk());
    Advance(absl::Seconds(1));
  }
  const auto list = [&](const AuditFilter& filter) {
    std::vector<int> got;
    PageRequest page{2, ""};
    do {
      auto result = storage().audit().List(filter, page, soon_);
      EXPECT_THAT(result, IsOk());
      if (!result.ok()) break;
      for (const AuditRecord& record : result->items) got.push_back(record.entry.entry.at(0));
      page.after = result->next;
    } while (!page.after.empty());
    return got;
  };
  AuditFilter filter;
  filter.tenant = tenant_;
  EXPECT_THAT(list(filter), ElementsAre(4, 3, 2, 1, 0));
  filter.kind = "even";
  EXPECT_THAT(list(filter), ElementsAre(4, 2, 0));
  filter.device = device;
  EXPECT_THAT(list(filter), ElementsAre(0));
  filter = {};
  filter.tenant = tenant_;
  filter.from = absl::FromUnixMillis(start_ms + 1000);
  filter.until = absl::FromUnixMillis(start_ms + 3000);
  EXPECT_THAT(list(filter), ElementsAre(2, 1));
  filter = {};
  filter.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(list(filter), IsEmpty());
  EXPECT_THAT(storage().audit().List(filter, {2, "zz"}, soon_),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_P(StorageContract, APseudonymStays) {
  auto& pseudonyms = storage().pseudonyms();
  const Pseudonym first = RandomFixed<Pseudonym>();
  EXPECT_THAT(pseudonyms.GetOrCreate(tenant_, "ann", first, soon_), IsOkAndHolds(first));
  EXPECT_THAT(pseudonyms.GetOrCreate(tenant_, "ann", RandomFixed<Pseudonym>(), soon_),
              IsOkAndHolds(first));
  const Pseudonym other = RandomFixed<Pseudonym>();
  EXPECT_THAT(pseudonyms.GetOrCreate(tenant_, "bob", other, soon_), IsOkAndHolds(other));
  const std::map<Pseudonym, std::string> want = {{first, "ann"}, {other, "bob"}};
  EXPECT_THAT(pseudonyms.Subjects(tenant_, {first, other, RandomFixed<Pseudonym>()}, soon_),
              IsOkAndHolds(want));
  EXPECT_THAT(pseudonyms.Subjects(RandomFixed<TenantId>(), {first}, soon_),
              IsOkAndHolds(IsEmpty()));
}

TEST_P(StorageContract, TheClockIsTheDatabases) {
  Advance(absl::Hours(1));
  auto now = storage().clock().Now(soon_);
  ASSERT_THAT(now, IsOk());
  EXPECT_EQ(absl::ToUnixMillis(*now), NowMs());
}

}  // namespace
}  // namespace tam::storage
