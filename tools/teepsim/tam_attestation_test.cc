#include "tools/teepsim/tam_attestation.h"

#include <optional>
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/eat/eat.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"
#include "tools/teepsim/evidence.h"

namespace tam::teepsim {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const keys::PrivateKey& EvidenceKey() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

eat::Claims ClaimsFor(const std::string& challenge) {
  const keys::Thumbprint& tam = KeyOf(keys::KeyType::kP256).public_key().thumbprint();
  eat::Claims claims;
  claims.profile = eat::kEvidenceProfile;
  claims.nonces = {challenge};
  claims.cnf = eat::Confirmation{std::nullopt, cbor::AsString(tam), std::nullopt};
  return claims;
}

teep::QueryRequest RequestBearing(const eat::Claims& claims,
                                  const keys::PrivateKey& key = EvidenceKey()) {
  teep::QueryRequest request = Request();
  request.attestation_payload_format = EvidenceFormat();
  request.attestation_payload = *cose::Sign1(key, cbor::AsBytes(eat::EncodeClaims(claims)));
  return request;
}

absl::Status Check(const teep::QueryRequest& request) {
  return CheckTamEvidence(request, {EvidenceKey().public_key()}, kChallenge,
                          KeyOf(keys::KeyType::kP256).public_key().thumbprint());
}

TEST(TamEvidenceTest, EveryRuleIsAsked) {
  const eat::Claims good = ClaimsFor(kChallenge);
  EXPECT_OK(Check(RequestBearing(good)));

  const auto refused = [](const teep::QueryRequest& request, const char* what) {
    EXPECT_THAT(Check(request), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr(what)));
  };
  refused(Request(), "got none");
  refused(RequestBearing(good, KeyOf(keys::KeyType::kP256)), "cose");
  refused(RequestBearing(ClaimsFor(std::string(32, 'd'))), "eat_nonce");
  eat::Claims claims = good;
  claims.nonces.clear();
  refused(RequestBearing(claims), "eat_nonce");
  claims = good;
  claims.cnf->kid = std::string(32, 'k');
  refused(RequestBearing(claims), "cnf");
  claims.cnf.reset();
  refused(RequestBearing(claims), "cnf");
  claims = good;
  claims.profile = eat::kTeepProfile;
  refused(RequestBearing(claims), "eat_profile");
  teep::QueryRequest request = RequestBearing(good);
  request.attestation_payload_format.reset();
  refused(request, "format");
  request = RequestBearing(good);
  request.attestation_payload = "no evidence";
  refused(request, "evidence of the TAM");
}

// Answers the first Error 7 with evidence for its challenge, in place of what it was given.
class AttestingTam : public FakeTam {
 public:
  absl::StatusOr<Answer> Exchange(std::string_view message) override {
    auto next = FakeTam::Exchange(message);
    if (!next.ok() || received.empty() || answered_) return next;
    const auto* error = std::get_if<teep::Error>(&received.back());
    if (error == nullptr || !error->challenge.has_value()) return next;
    answered_ = true;
    return SignOne(
        RequestBearing(ClaimsFor(answers_another ? std::string(32, 'x') : *error->challenge)));
  }
  bool answers_another = false;

 private:
  bool answered_ = false;
};

class TamAttestationTest : public DeviceFixture {
 protected:
  absl::StatusOr<SessionResult> RunWith(AttestingTam& tam) {
    tam.agent = state_->agent_key().public_key();
    Transcript transcript(&transcript_);
    LoopbackPayloadSource payloads;
    SessionOptions options;
    options.tam_evidence_keys = {EvidenceKey().public_key()};
    return Device(*state_, tam, payloads, transcript, options).RunSession();
  }
};

TEST_F(TamAttestationTest, TheDeviceAsksFirstAndGoesOnWithATamThatAttests) {
  MakeDevice(keys::KeyType::kP256);
  AttestingTam tam;
  tam.answers = {SignBoth(Request()), "replaced", SignOne(UpdateWith({EnvelopeOf(3)}))};
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunWith(tam));
  EXPECT_TRUE(result.ok());
  ASSERT_THAT(tam.received, SizeIs(3));
  const auto& error = std::get<teep::Error>(tam.received[0]);
  EXPECT_EQ(error.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_EQ(error.supported_freshness_mechanisms, std::vector<uint64_t>{teep::kFreshnessNonce});
  EXPECT_EQ(error.challenge->size(), 32u);
  EXPECT_TRUE(std::holds_alternative<teep::QueryResponse>(tam.received[1]));
  EXPECT_EQ(state_->ReadComponent(kTa), kPayload);
}

TEST_F(TamAttestationTest, ATamThatAttestsWithAnotherChallengeLearnsNothing) {
  MakeDevice(keys::KeyType::kP256);
  AttestingTam tam;
  tam.answers_another = true;
  tam.answers = {SignBoth(Request()), "replaced", SignOne(UpdateWith({EnvelopeOf(3)}))};
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunWith(tam));
  EXPECT_EQ(result.sent_error, teep::ErrorCode::kPermanentError);
  for (const teep::Message& message : tam.received) {
    EXPECT_TRUE(std::holds_alternative<teep::Error>(message));
  }
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
}

}  // namespace
}  // namespace tam::teepsim
