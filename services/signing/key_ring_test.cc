// Keys as their replicas hold them: rotation, standby, retirement, challenge keys.
#include "crypto/cose/cose.h"
#include "services/signing/signing_fixture.h"
#include "tests/support/row.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDenied = absl::StatusCode::kPermissionDenied;
constexpr auto kPrecondition = absl::StatusCode::kFailedPrecondition;

TEST_F(SigningTest, CallersGetWhatTheirPurposeAllows) {
  EXPECT_THAT(replica_.session.SignQueryRequest(attestation_, QueryRequest()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.SignUpdate(attestation_, Update()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.SignAttestationResult(gateway_, Result()), StatusIs(kDenied));
  EXPECT_THAT(replica_.session.GetChallengeKeys(attestation_, {}), StatusIs(kDenied));
  EXPECT_THAT(List(replica_), SizeIs(0));  // a refusal makes no key
}

TEST_F(SigningTest, ReplicasAgreeOnChallengeKeysAndTellTheDatabasesTime) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto here, replica_.session.GetChallengeKeys(gateway_, {}));
  Replica other(*storage_, monotonic_);
  TAM_ASSERT_OK_AND_ASSIGN(const auto there, other.session.GetChallengeKeys(gateway_, {}));
  EXPECT_EQ(here.SerializeAsString(), there.SerializeAsString());
  EXPECT_EQ(here.now_ms(), absl::ToUnixMillis(now_));
  ASSERT_EQ(here.keys_size(), 9);
  EXPECT_EQ(here.keys(7).epoch(), 1'790'000'000 / 3600);
  std::set<std::string> distinct;
  for (const auto& key : here.keys()) {
    EXPECT_EQ(key.key().size(), 32u);
    distinct.insert(key.key());
  }
  EXPECT_EQ(distinct.size(), 9u);
}

TEST_F(SigningTest, ChallengeKeyIsHkdfOfTheRootAndTheWholeEpoch) {
  const std::string root(32, 'r');
  const auto key = ChallengeKeyOf(AsBytes(root), 0x0102);
  const auto want = secret::HkdfSha256(
      AsBytes(root), {},
      std::string("tamarack challenge epoch") + std::string("\0\0\0\0\0\0\x01\x02", 8), 32);
  EXPECT_EQ(cbor::AsString(key.Reveal()), cbor::AsString(want.Reveal()));
}

TEST_F(SigningTest, RotationKeepsTheRetiredKeyListed) {
  const auto first = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  now_ += absl::Seconds(1);
  const auto second = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  const auto listed = List(replica_);
  ASSERT_THAT(listed, SizeIs(2));
  EXPECT_EQ(listed[0].name(), second.name());
  EXPECT_EQ(listed[0].state(), v1::SIGNING_KEY_STATE_ACTIVE);
  EXPECT_EQ(listed[1].name(), first.name());
  EXPECT_EQ(listed[1].state(), v1::SIGNING_KEY_STATE_RETIRED);
  TAM_ASSERT_OK_AND_ASSIGN(const auto key, keys::PublicKey::FromCoseKey(AsBytes(first.cose_key())));
  EXPECT_EQ(cbor::AsString(key.thumbprint()), first.thumbprint());
  EXPECT_EQ(key.ToPem(), first.pem());
  EXPECT_EQ(Active(replica_, v1::KEY_PURPOSE_TEEP_MESSAGE, v1::CIPHER_SUITE_ED25519)->ToPem(),
            second.pem());
}

TEST_F(SigningTest, AKeyOnStandbyIsListedAndSignsOnceActivated) {
  const auto first = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  now_ += absl::Seconds(1);
  v1::CreateSigningKeyRequest create;
  create.set_parent("tenants/acme");
  create.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
  create.set_suite(v1::CIPHER_SUITE_ED25519);
  create.set_standby(true);
  TAM_ASSERT_OK_AND_ASSIGN(const auto made, replica_.admin.CreateSigningKey(operator_, create));
  EXPECT_EQ(made.key().state(), v1::SIGNING_KEY_STATE_STANDBY);
  const auto signs = [this](const v1::SigningKey& key) {
    auto signed_update = replica_.session.SignUpdate(gateway_, Update());
    EXPECT_OK(signed_update);
    auto cose = cose::Message::Parse(AsBytes(signed_update->message()), cose::TagRule::kRequired);
    EXPECT_OK(cose);
    return teep::VerifyMessage(*cose, *keys::PublicKey::FromPem(key.pem()),
                               cose::AlgorithmPolicy::Strict())
        .ok();
  };
  EXPECT_TRUE(signs(first));
  v1::ActivateSigningKeyRequest activate;
  activate.set_name(made.key().name());
  TAM_ASSERT_OK_AND_ASSIGN(const auto now, replica_.admin.ActivateSigningKey(operator_, activate));
  EXPECT_EQ(now.key().state(), v1::SIGNING_KEY_STATE_ACTIVE);
  EXPECT_TRUE(signs(made.key()));
  activate.set_name(first.name());
  EXPECT_THAT(replica_.admin.ActivateSigningKey(operator_, activate), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AKeyOnStandbyDoesNotHinderTheFirstOne) {
  v1::CreateSigningKeyRequest create;
  create.set_parent("tenants/acme");
  create.set_purpose(v1::KEY_PURPOSE_TEEP_MESSAGE);
  create.set_suite(v1::CIPHER_SUITE_ED25519);
  create.set_standby(true);
  EXPECT_OK(replica_.admin.CreateSigningKey(operator_, create));
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
}

TEST_F(SigningTest, NoKeyIsMadeInPlaceOfARetiredOne) {
  const auto key = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
  v1::RetireSigningKeyRequest retire;
  retire.set_name(key.name());
  TAM_ASSERT_OK_AND_ASSIGN(const auto retired, replica_.admin.RetireSigningKey(operator_, retire));
  EXPECT_EQ(retired.key().state(), v1::SIGNING_KEY_STATE_RETIRED);
  EXPECT_THAT(replica_.session.SignUpdate(gateway_, Update()), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AKeyRetiredElsewhereSignsForAShortWhileOnly) {
  Replica other(*storage_, monotonic_);
  const auto key = CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  EXPECT_OK(other.session.SignUpdate(gateway_, Update()));
  v1::RetireSigningKeyRequest retire;
  retire.set_name(key.name());
  EXPECT_OK(replica_.admin.RetireSigningKey(operator_, retire));
  monotonic_ += absl::Minutes(1);
  EXPECT_THAT(other.session.SignUpdate(gateway_, Update()), StatusIs(kPrecondition));
}

TEST_F(SigningTest, AnotherKekOpensNothing) {
  EXPECT_OK(replica_.session.SignUpdate(gateway_, Update()));
  EXPECT_OK(replica_.session.GetChallengeKeys(gateway_, {}));
  Replica other(*storage_, monotonic_, 'x');
  EXPECT_THAT(other.session.SignUpdate(gateway_, Update()),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("does not unwrap")));
  EXPECT_THAT(other.session.GetChallengeKeys(gateway_, {}),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("does not unwrap")));
}

TEST_F(SigningTest, ListsInPages) {
  for (int i = 0; i < 3; ++i) {
    now_ += absl::Seconds(1);
    CreateKey(replica_, v1::CIPHER_SUITE_ED25519);
  }
  v1::ListSigningKeysRequest request;
  request.set_parent("tenants/acme");
  request.set_page_size(2);
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, replica_.admin.ListSigningKeys(operator_, request));
  ASSERT_EQ(first.keys_size(), 2);
  request.set_page_token(first.next_page_token());
  TAM_ASSERT_OK_AND_ASSIGN(const auto second, replica_.admin.ListSigningKeys(operator_, request));
  EXPECT_EQ(second.keys_size(), 1);
  EXPECT_EQ(second.next_page_token(), "");
  request.set_page_token("junk");
  EXPECT_THAT(replica_.admin.ListSigningKeys(operator_, request), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::signing
