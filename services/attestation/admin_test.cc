// What an operator registers: keys, reference values, the policy.
#include <string>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "services/attestation/attestation_fixture.h"
#include "teep/eat/ear.h"
#include "tests/support/status_matchers.h"

namespace tam::attestation {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(AttestationTest, ADeletedKeyCountsNoMore) {
  v1::ListAttestationKeysRequest list;
  list.set_parent("tenants/acme/devices/" + device_.ToString());
  TAM_ASSERT_OK_AND_ASSIGN(const auto keys, admin_.ListAttestationKeys(operator_, list));
  ASSERT_EQ(keys.keys_size(), 1);
  EXPECT_EQ(keys.keys(0).cose_key(), attester_.public_key().cose_key());
  v1::DeleteAttestationKeyRequest remove;
  remove.set_name(keys.keys(0).name());
  EXPECT_OK(admin_.DeleteAttestationKey(operator_, remove));
  EXPECT_EQ(Appraise().reasons(0).claim(), "signature");
  EXPECT_THAT(admin_.DeleteAttestationKey(operator_, remove),
              StatusIs(absl::StatusCode::kNotFound));
}

// A device's UUID may be known to nobody any more; its key still has a thumbprint.
TEST_F(AttestationTest, AKeyIsFoundAndDeletedWithoutItsDevicesUuid) {
  v1::ListAttestationKeysRequest list;
  list.set_parent("tenants/acme/devices/-");
  TAM_ASSERT_OK_AND_ASSIGN(const auto keys, admin_.ListAttestationKeys(operator_, list));
  ASSERT_EQ(keys.keys_size(), 1);
  const std::string name = keys.keys(0).name();
  EXPECT_THAT(name, HasSubstr(device_.ToString()));
  v1::DeleteAttestationKeyRequest remove;
  remove.set_name("tenants/acme/devices/-/attestationKeys/" + std::string(64, '0'));
  EXPECT_THAT(admin_.DeleteAttestationKey(operator_, remove),
              StatusIs(absl::StatusCode::kNotFound));
  remove.set_name("tenants/acme/devices/-" + name.substr(name.find("/attestationKeys/")));
  EXPECT_OK(admin_.DeleteAttestationKey(operator_, remove));
  EXPECT_OK(Import(storage::NewId<storage::DeviceId>(FillRandom), attester_.public_key()));
}

TEST_F(AttestationTest, KeysAreRegisteredOnceAndPublicOnly) {
  EXPECT_THAT(Import(storage::NewId<storage::DeviceId>(FillRandom), attester_.public_key()),
              StatusIs(absl::StatusCode::kAlreadyExists));
  v1::ImportAttestationKeyRequest request;
  request.set_parent("tenants/acme/devices/" + device_.ToString());
  EXPECT_THAT(admin_.ImportAttestationKey(operator_, request),
              StatusIs(kInvalid, HasSubstr("key: want cose_key or pem")));
  const auto secret = agent_.ToCoseKey();
  request.mutable_key()->set_cose_key(cbor::AsString(secret.Reveal()));
  EXPECT_THAT(admin_.ImportAttestationKey(operator_, request), StatusIs(kInvalid));
}

TEST_F(AttestationTest, ReferenceValuesHaveEtags) {
  v1::GetReferenceValueRequest get;
  get.set_name("tenants/acme/referenceValues/tee-os");
  TAM_ASSERT_OK_AND_ASSIGN(const auto value, admin_.GetReferenceValue(operator_, get));
  v1::UpdateReferenceValueRequest update;
  update.set_name(get.name());
  update.mutable_reference_value()->set_etag(value.reference_value().etag());
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  EXPECT_THAT(admin_.UpdateReferenceValue(operator_, update), StatusIs(absl::StatusCode::kAborted));
  v1::DeleteReferenceValueRequest remove;
  remove.set_name(get.name());
  EXPECT_OK(admin_.DeleteReferenceValue(operator_, remove));
  EXPECT_THAT(admin_.GetReferenceValue(operator_, get), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(AttestationTest, ReferenceValuesAreChecked) {
  EXPECT_THAT(CreateValue("tee-os", std::string(32, 'g')),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(CreateValue("boot", "short"), StatusIs(kInvalid, HasSubstr("digests[0]")));
  EXPECT_THAT(CreateValue("Not-A-Name", std::string(32, 'g')), StatusIs(kInvalid));
  v1::ListReferenceValuesRequest list;
  list.set_parent("tenants/acme");
  TAM_ASSERT_OK_AND_ASSIGN(const auto values, admin_.ListReferenceValues(operator_, list));
  EXPECT_EQ(values.reference_values_size(), 1);
}

TEST_F(AttestationTest, PolicyShowsItsDefaultsAndIsChecked) {
  v1::GetAttestationPolicyRequest get;
  get.set_name("tenants/acme/attestationPolicy");
  TAM_ASSERT_OK_AND_ASSIGN(const auto policy, admin_.GetAttestationPolicy(operator_, get));
  EXPECT_EQ(policy.policy().evidence_profiles(0), eat::kEvidenceProfile);
  EXPECT_EQ(policy.policy().result_profiles(0), eat::kTeepProfile);
  EXPECT_EQ(policy.policy().result_lifetime_seconds(), 3600);
  auto code = [&](auto change) {
    v1::SetAttestationPolicyRequest set;
    set.set_name(get.name());
    change(*set.mutable_policy());
    return admin_.SetAttestationPolicy(operator_, set).status();
  };
  EXPECT_THAT(code([](auto& p) { p.set_result_lifetime_seconds(59); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& p) { p.add_verifier_keys("junk"); }), StatusIs(kInvalid));
  EXPECT_THAT(code([](auto& p) { p.add_evidence_profiles(eat::kTeepProfile); }),
              StatusIs(kInvalid, HasSubstr("want none of result_profiles")));
  EXPECT_THAT(code([](auto& p) { p.add_result_profiles(eat::kEarProfile); }),
              StatusIs(kInvalid, HasSubstr("EARs")));
  EXPECT_THAT(code([](auto& p) { p.set_etag("junk"); }), StatusIs(absl::StatusCode::kAborted));
  EXPECT_OK(code([&](auto& p) { p = policy.policy(); })) << "as it was read, set by nobody";
  EXPECT_OK(code([](auto& p) { p.set_result_lifetime_seconds(60); }));
}

}  // namespace
}  // namespace tam::attestation
