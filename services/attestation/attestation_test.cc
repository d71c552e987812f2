// Evidence and results as a session brings them.
#include <string>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "services/attestation/attestation_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::attestation {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST_F(AttestationTest, AcceptedEvidenceGivesASignedResult) {
  TAM_ROW("T-33");
  const auto response = Appraise();
  EXPECT_EQ(response.verdict(), v1::VERDICT_ACCEPTED) << response.DebugString();
  EXPECT_FALSE(response.was_result());
  EXPECT_EQ(response.reasons_size(), 0);
  EXPECT_EQ(response.claims().ueid(), *claims_.ueid);
  EXPECT_EQ(response.claims().device_class().hwmodel(), "model");
  EXPECT_EQ(response.claims().hwversion(), "1.0");
  EXPECT_THAT(response.claims().text(), HasSubstr("affirming: instance-identity=2"));
  EXPECT_EQ(response.attestation_result(), "signed");
  EXPECT_EQ(response.attestation_result_format(),
            "application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"");
  ASSERT_TRUE(signer_.asked.has_value());
  EXPECT_EQ(signer_.asked->nonce(), std::string(32, 'c'));
  EXPECT_EQ(signer_.asked->agent_thumbprint(), cbor::AsString(agent_.public_key().thumbprint()));
  EXPECT_EQ(signer_.asked->profile(), eat::kTeepProfile);
  EXPECT_EQ(signer_.asked->lifetime_seconds(), 3600);
  EXPECT_EQ(signer_.asked->hwversion(),
            "\x81\x63"
            "1.0");
  EXPECT_FALSE(signer_.asked->measurements().empty());
}

TEST_F(AttestationTest, ARefusalTellsClaimExpectedAndFoundAndSignsNothing) {
  claims_.measurements = {eat::EncodeMeasurements({{"tee-os", std::string(32, 'x')}})};
  const auto response = Appraise();
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  ASSERT_EQ(response.reasons_size(), 1);
  EXPECT_EQ(response.reasons(0).claim(), "measurements.tee-os");
  EXPECT_EQ(response.reasons(0).expected(), HexText(std::string(32, 'g')));
  EXPECT_EQ(response.reasons(0).found(), HexText(std::string(32, 'x')));
  EXPECT_FALSE(response.has_claims());
  EXPECT_EQ(response.attestation_result(), "");
  EXPECT_FALSE(signer_.asked.has_value());
}

TEST_F(AttestationTest, AnotherDevicesKeyIsNamed) {
  const auto other = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  EXPECT_OK(Import(storage::NewId<storage::DeviceId>(FillRandom), other.public_key()));
  const auto response = Appraise(Request(other));
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  ASSERT_EQ(response.reasons_size(), 1);
  EXPECT_EQ(response.reasons(0).claim(), "signature");
  EXPECT_THAT(response.reasons(0).found(),
              HasSubstr(keys::ThumbprintHex(other.public_key().thumbprint())));
}

TEST_F(AttestationTest, AReplayedNonceAndAnotherAgentKeyAreRefused) {
  TAM_ROW("T-35", "T-56");
  auto request = Request(attester_);
  request.set_challenge(std::string(32, 'd'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "eat_nonce");
  request = Request(attester_);
  request.set_agent_thumbprint(std::string(32, 'a'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "cnf");
  request = Request(attester_);
  request.set_ueid("\x01" + std::string(16, 'v'));
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "ueid");
}

TEST_F(AttestationTest, MalformedPayloadsAreAnswersNotErrors) {
  for (const char* payload : {"", "junk", "\xd2\x80"}) {
    auto request = Request(attester_);
    request.set_payload(payload);
    EXPECT_EQ(Appraise(request).verdict(), v1::VERDICT_REFUSED);
  }
  auto request = Request(attester_);
  request.set_payload_format("text/plain");
  EXPECT_EQ(Appraise(request).reasons(0).claim(), "attestation-payload-format");
}

TEST_F(AttestationTest, WrongSizesInTheRequestAreErrors) {
  auto request = Request(attester_);
  request.set_challenge("short");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid, HasSubstr("challenge")));
  request = Request(attester_);
  request.set_device_uid("x");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid));
}

TEST_F(AttestationTest, EvidenceWithATimestampGetsAResultWithoutNonce) {
  claims_.nonces.clear();
  claims_.audience = "/tam/acme/main";
  claims_.issued_at = absl::FromUnixSeconds(1'790'000'000);
  claims_.manifests = {{60, "m"}};
  auto request = Request(attester_);
  request.set_timestamp_audience("/tam/acme/main");
  EXPECT_THAT(session_.Appraise(gateway_, request), StatusIs(kInvalid, HasSubstr("beside")));
  request.clear_challenge();
  EXPECT_EQ(Appraise(request).verdict(), v1::VERDICT_ACCEPTED);
  EXPECT_EQ(signer_.asked->nonce(), "");
  EXPECT_EQ(signer_.asked->manifests(), "\x81\x82\x18\x3c\x41m");
}

TEST_F(AttestationTest, AnUnreachableSignerIsAnErrorNotAVerdict) {
  signer_.status = absl::UnavailableError("down");
  EXPECT_THAT(session_.Appraise(gateway_, Request(attester_)),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AttestationTest, ResultsNeedARegisteredVerifier) {
  TAM_ROW("T-32", "T-34");
  claims_.profile = eat::kTeepProfile;
  claims_.manifests = {{60, "m"}};
  const auto verifier = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  auto request = Request(verifier);
  request.clear_payload_format();
  auto response = Appraise(request);
  EXPECT_TRUE(response.was_result());
  EXPECT_EQ(response.verdict(), v1::VERDICT_REFUSED);
  EXPECT_EQ(response.reasons(0).claim(), "verifier");

  v1::SetAttestationPolicyRequest set;
  set.set_name("tenants/acme/attestationPolicy");
  set.mutable_policy()->add_verifier_keys(verifier.public_key().cose_key());
  EXPECT_OK(admin_.SetAttestationPolicy(operator_, set));
  response = Appraise(request);
  EXPECT_EQ(response.verdict(), v1::VERDICT_ACCEPTED) << response.DebugString();
  EXPECT_EQ(response.attestation_result(), "");
  EXPECT_FALSE(signer_.asked.has_value());
}

TEST_F(AttestationTest, InputsAreKeptWhileTheGenerationStands) {
  Appraise();
  Appraise();
  EXPECT_EQ(reader_.inputs, 1);
  EXPECT_EQ(reader_.generations, 1);
  monotonic_ += absl::Seconds(1);
  Appraise();
  EXPECT_EQ(reader_.inputs, 1);
  EXPECT_EQ(reader_.generations, 2);
}

TEST_F(AttestationTest, AWriteHereCountsAtOnceAndOneElsewhereWithinASecond) {
  EXPECT_EQ(Appraise().verdict(), v1::VERDICT_ACCEPTED);
  v1::UpdateReferenceValueRequest update;
  update.set_name("tenants/acme/referenceValues/tee-os");
  update.mutable_reference_value()->add_digests(std::string(32, 'z'));
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  EXPECT_EQ(Appraise().verdict(), v1::VERDICT_REFUSED);

  InputsCache other_inputs(reader_, clock_);
  SessionHandler other(other_inputs, signer_, time_);
  EXPECT_EQ(other.Appraise(gateway_, Request(attester_))->verdict(), v1::VERDICT_REFUSED);
  update.mutable_reference_value()->set_digests(0, std::string(32, 'g'));
  EXPECT_OK(admin_.UpdateReferenceValue(operator_, update));
  monotonic_ += absl::Seconds(1);
  EXPECT_EQ(other.Appraise(gateway_, Request(attester_))->verdict(), v1::VERDICT_ACCEPTED);
}

}  // namespace
}  // namespace tam::attestation
