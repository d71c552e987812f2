// Tenants, endpoints, attestation, signing and audit.
#include <thread>

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
  auto updated = endpoints.Update(endpoint_, second, Audit("update"), soon_);
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->current.generation, 2u);
  EXPECT_EQ(updated->previous, stored->current);
  EXPECT_THAT(endpoints.Update(endpoint_, second, Audit("update"), soon_),
              StatusIs(StatusCode::kAborted));
  second.generation = 0;
  auto third = endpoints.Update(endpoint_, second, Audit("update"), soon_);
  ASSERT_THAT(third, IsOk());
  EXPECT_EQ(third->current.generation, 3u);
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

TEST_P(StorageContract, ANewSigningKeyRetiresTheOneBefore) {
  auto& signing = storage().signing();
  SigningKey first;
  first.tenant = tenant_;
  first.thumbprint = RandomFixed<KeyThumbprint>();
  first.algorithm = -9;
  first.wrapped_private_key = BytesOf("wrapped");
  first.public_key = BytesOf("public");
  first.not_after = absl::FromUnixSeconds(2000000000);
  ASSERT_THAT(signing.AddKey(first, Audit("add"), soon_), IsOk());
  SigningKey stolen = first;
  stolen.tenant = RandomFixed<TenantId>();
  EXPECT_THAT(signing.AddKey(stolen, Audit("add"), soon_), StatusIs(StatusCode::kAlreadyExists));
  SigningKey other = first;
  other.thumbprint = RandomFixed<KeyThumbprint>();
  other.algorithm = -19;
  ASSERT_THAT(signing.AddKey(other, Audit("add"), soon_), IsOk());
  Advance(absl::Seconds(1));
  SigningKey second = first;
  second.thumbprint = RandomFixed<KeyThumbprint>();
  ASSERT_THAT(signing.AddKey(second, Audit("add"), soon_), IsOk());
  auto keys = signing.ListKeys(tenant_, soon_);
  ASSERT_THAT(keys, IsOk());
  ASSERT_THAT(*keys, SizeIs(3));
  EXPECT_EQ((*keys)[0].thumbprint, second.thumbprint);
  auto stored = signing.GetKey(tenant_, first.thumbprint, soon_);
  ASSERT_THAT(stored, IsOk());
  EXPECT_EQ(stored->state, SigningKeyState::kRetired);
  EXPECT_EQ(absl::ToUnixMillis(*stored->retired), NowMs());
  EXPECT_EQ(stored->wrapped_private_key, BytesOf("wrapped"));
  EXPECT_EQ(stored->not_after, first.not_after);
  EXPECT_EQ(signing.GetKey(tenant_, other.thumbprint, soon_)->state, SigningKeyState::kActive);
  EXPECT_THAT(signing.GetKey(stolen.tenant, first.thumbprint, soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, ADestroyedSigningKeyIsEmptied) {
  auto& signing = storage().signing();
  SigningKey key;
  key.tenant = tenant_;
  key.thumbprint = RandomFixed<KeyThumbprint>();
  key.wrapped_private_key = BytesOf("wrapped");
  ASSERT_THAT(signing.AddKey(key, Audit("add"), soon_), IsOk());
  const auto set = [&](SigningKeyState state) {
    return signing.SetKeyState(tenant_, key.thumbprint, state, Audit("state"), soon_);
  };
  EXPECT_THAT(set(SigningKeyState::kRetired), IsOk());
  EXPECT_THAT(set(SigningKeyState::kRetired), IsOk());
  EXPECT_THAT(set(SigningKeyState::kActive), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(set(SigningKeyState::kDestroyed), IsOk());
  EXPECT_THAT(set(SigningKeyState::kRetired), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(signing.GetKey(tenant_, key.thumbprint, soon_)->wrapped_private_key, IsEmpty());
  EXPECT_THAT(AuditOf("state"), SizeIs(2));
  EXPECT_THAT(signing.SetKeyState(RandomFixed<TenantId>(), key.thumbprint,
                                  SigningKeyState::kRetired, Audit("state"), soon_),
              StatusIs(StatusCode::kNotFound));
}

TEST_P(StorageContract, EveryReplicaGetsTheSameChallengeRoot) {
  std::vector<absl::StatusOr<ChallengeRoot>> roots(8);
  std::vector<std::thread> threads;
  for (auto& root : roots) {
    threads.emplace_back([&] {
      const ChallengeRoot candidate{RandomFixed<ChallengeRootId>(), BytesOf("wrapped"), {}};
      root = storage().challenge_roots().GetOrCreate(candidate, Audit("root"), soon_);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& root : roots) {
    ASSERT_THAT(root, IsOk());
    EXPECT_EQ(root->id, roots[0]->id);
    EXPECT_EQ(root->wrapped_secret, BytesOf("wrapped"));
  }
  EXPECT_LE(AuditOf("root").size(), 1u);
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
