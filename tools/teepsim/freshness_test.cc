// The ways to be believed other than by Evidence with the challenge in it: the Passport model and
// timestamps (draft -26 sections 4.2 and 9).
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/eat/eat.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"

namespace tam::teepsim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FreshnessTest : public DeviceFixture {
 protected:
  void SetUp() override { MakeDevice(keys::KeyType::kEd25519); }

  absl::StatusOr<eat::Claims> ClaimsBy(const keys::PublicKey& key) const {
    const std::string payload = Response().attestation_payload.value_or("");
    const auto token = cose::Message::Parse(cbor::AsBytes(payload), cose::TagRule::kRequired);
    if (!token.ok()) return token.status();
    const auto verified = token->Verify(key, cose::AlgorithmPolicy::Strict());
    if (!verified.ok()) return verified.status();
    return eat::ParseClaims(verified->bytes());
  }
  static teep::QueryRequest PassportRequest() {
    teep::QueryRequest request = Request();
    request.challenge.reset();
    request.token = kToken;
    return request;
  }
  static SessionOptions ByTimestamp() {
    SessionOptions options;
    options.attestation.timestamps = true;
    options.attestation.audience = "/tam/demo/main";
    options.attestation.clock = [] { return absl::FromUnixMillis(1800000000999); };
    return options;
  }
};

TEST_F(FreshnessTest, APassportIsAResultOfItsVerifierForTheToken) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto verifier, keys::PrivateKey::Generate(keys::KeyType::kP256));
  SessionOptions options;
  options.attestation.passport_verifier = verifier;
  ASSERT_OK(Run({SignBoth(PassportRequest())}, options));
  EXPECT_EQ(Response().token, kToken);
  EXPECT_EQ(Response().attestation_payload_format, std::nullopt) << "the default's";
  TAM_ASSERT_OK_AND_ASSIGN(const eat::Claims claims, ClaimsBy(verifier.public_key()));
  EXPECT_EQ(claims.profile, eat::kTeepProfile);
  EXPECT_THAT(claims.nonces, ElementsAre(kToken));
  EXPECT_TRUE(claims.cnf->Names(state_->agent_key().public_key().thumbprint()));
  EXPECT_EQ(claims.ueid, state_->record().profile.ueid);
  EXPECT_FALSE(claims.manifests.empty());
  EXPECT_TRUE(claims.measurements.empty());

  // Of a TAM that sends a challenge it is Evidence all the same.
  ASSERT_OK(Run({SignBoth(Request())}, options));
  EXPECT_EQ(Response().attestation_payload_format, EvidenceFormat());
  EXPECT_OK(ClaimsBy(state_->attestation_key().public_key()));
}

TEST_F(FreshnessTest, ATokenForTheChallengeIsAnErrorToWhoHasNoVerifier) {
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignBoth(PassportRequest())}));
  EXPECT_EQ(result.sent_error, teep::ErrorCode::kPermanentError);
  EXPECT_EQ(LastError().token, kToken);
}

TEST_F(FreshnessTest, TimestampedEvidenceSaysWhenAndForWhom) {
  teep::QueryRequest request = Request();
  request.supported_freshness_mechanisms = {teep::kFreshnessNonce, teep::kFreshnessTimestamp};
  ASSERT_OK(Run({SignBoth(request)}, ByTimestamp()));
  TAM_ASSERT_OK_AND_ASSIGN(const eat::Claims claims,
                           ClaimsBy(state_->attestation_key().public_key()));
  EXPECT_THAT(claims.nonces, IsEmpty());
  EXPECT_EQ(claims.issued_at, absl::FromUnixSeconds(1800000000));
  EXPECT_EQ(claims.audience, "/tam/demo/main");
}

TEST_F(FreshnessTest, ATamThatTakesNoTimestampsIsToldThatTheyAreWanted) {
  const std::vector<std::vector<uint64_t>> lists = {{}, {teep::kFreshnessNonce}};
  for (const auto& list : lists) {
    teep::QueryRequest request = Request();
    request.supported_freshness_mechanisms = list;
    TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignBoth(request)}, ByTimestamp()));
    EXPECT_EQ(result.sent_error, teep::ErrorCode::kUnsupportedFreshnessMechanisms);
    EXPECT_THAT(LastError().supported_freshness_mechanisms, ElementsAre(teep::kFreshnessTimestamp));
  }
}

TEST_F(FreshnessTest, ARequestWithoutANonceIsNoneToADeviceThatGoesByNonces) {
  teep::QueryRequest request = Request();
  request.challenge.reset();
  request.supported_freshness_mechanisms = {teep::kFreshnessNonce, teep::kFreshnessTimestamp};
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignBoth(request)}));
  EXPECT_EQ(result.sent_error, teep::ErrorCode::kUnsupportedFreshnessMechanisms);
  EXPECT_THAT(LastError().supported_freshness_mechanisms, ElementsAre(teep::kFreshnessNonce));
  ASSERT_OK(Run({SignBoth(request)}, ByTimestamp()));
  EXPECT_TRUE(std::holds_alternative<teep::QueryResponse>(tam_.received.at(0)));
}

}  // namespace
}  // namespace tam::teepsim
