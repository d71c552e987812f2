// The engine's answers to Errors by their code (TEEP.md section 8, T-45 to T-47, T-52, T-53, R-02).
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using teep::ErrorCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ErrorsTest : public SessionFixture {
 protected:
  static teep::Error ErrorOf(ErrorCode code) {
    teep::Error error;
    error.err_code = code;
    return error;
  }
  // Errors after which another QueryRequest may do better, with what they have to bring.
  static std::vector<teep::Error> Answerable() {
    teep::Error freshness = ErrorOf(ErrorCode::kUnsupportedFreshnessMechanisms);
    freshness.supported_freshness_mechanisms = {teep::kFreshnessTimestamp, teep::kFreshnessNonce};
    teep::Error version = ErrorOf(ErrorCode::kUnsupportedMsgVersion);
    version.versions = {1, 0};
    teep::Error suites = ErrorOf(ErrorCode::kUnsupportedCipherSuites);
    suites.supported_cipher_suites = {{{18, -7}}, {{18, -19}}};
    teep::Error attestation = ErrorOf(ErrorCode::kAttestationRequired);
    attestation.challenge = std::string(16, 'c');
    teep::Error reports = ErrorOf(ErrorCode::kUnsupportedSuitReport);
    reports.supported_suit_cose_profiles = {teep::MandatorySuitCoseProfiles()[0]};
    return {freshness, version, suites, attestation, reports};
  }
  // Errors after which none can.
  static std::vector<teep::Error> Unanswerable() {
    std::vector<teep::Error> errors;
    for (uint64_t code : {1u, 2u, 6u, 9u, 10u, 11u, 12u, 24u, 200u}) {
      errors.push_back(ErrorOf(ErrorCode(code)));
    }
    errors.push_back(ErrorOf(ErrorCode(uint64_t{1} << 63)));
    teep::Error freshness = ErrorOf(ErrorCode::kUnsupportedFreshnessMechanisms);
    freshness.supported_freshness_mechanisms = {2};
    teep::Error version = ErrorOf(ErrorCode::kUnsupportedMsgVersion);
    version.versions = {7};
    teep::Error suites = ErrorOf(ErrorCode::kUnsupportedCipherSuites);
    suites.supported_cipher_suites = {{{18, -7}}};
    teep::Error long_challenge = ErrorOf(ErrorCode::kAttestationRequired);
    long_challenge.challenge = std::string(65, 'c');
    teep::Error other_mechanism = ErrorOf(ErrorCode::kAttestationRequired);
    other_mechanism.supported_freshness_mechanisms = {2};
    errors.insert(errors.end(), {freshness, version, suites, long_challenge, other_mechanism});
    return errors;
  }
  // The x5chain of a QueryRequest in the answer.
  static std::vector<std::string> ChainIn(
      const absl::StatusOr<std::optional<std::string>>& answer) {
    EXPECT_OK(answer);
    if (!answer.ok() || !answer->has_value()) return {"silence"};
    const auto cose = cose::Message::Parse(cbor::AsBytes(**answer), cose::TagRule::kRequired);
    return cose.ok() ? cose->signers()[0].x5chain : std::vector<std::string>{"malformed"};
  }
  // So that the limit of QueryRequests to one key is not what decides.
  void LimitResends(double burst) {
    GatewayConfig config;
    config.session.error_resends_per_device = {0.001, burst};
    config.session.failures_per_source = {0.001, 1000};
    Restart(config);
  }
};

TEST_F(ErrorsTest, ErrorsWithAnOverlapEarnAQueryRequestWithOrWithoutToken) {
  LimitResends(100);
  for (teep::Error error : Answerable()) {
    SCOPED_TRACE(teep::ErrorCodeName(error.err_code));
    const keys::PrivateKey& tam =
        error.err_code == ErrorCode::kUnsupportedCipherSuites ? tam_ed25519_ : tam_p256_;
    EXPECT_TRUE(QueryIn(Send(Sign(error)), tam).challenge.has_value());
    Advance(absl::Milliseconds(1));
    error.token = Connect("lax");
    const teep::QueryRequest query = QueryIn(Send(Sign(error), "lax"), tam);
    EXPECT_TRUE(query.token.has_value());
    EXPECT_NE(query.token, error.token);
    EXPECT_EQ(query.versions, error.err_code == ErrorCode::kUnsupportedMsgVersion
                                  ? std::vector<uint64_t>{0}
                                  : std::vector<uint64_t>());
    EXPECT_EQ(query.attestation_payload.has_value(),
              error.err_code == ErrorCode::kAttestationRequired);
  }
  EXPECT_EQ(registry_.calls("Accept"), 5);
  EXPECT_EQ(Count(Outcome::kFlagged), 0u);
}

TEST_F(ErrorsTest, ErrorsWithoutOverlapAreSilent) {
  TAM_ROW("T-47");
  LimitResends(100);
  for (teep::Error error : Unanswerable()) {
    SCOPED_TRACE(teep::ErrorCodeName(error.err_code));
    EXPECT_TRUE(IsSilent(Send(Sign(error))));
    Advance(absl::Milliseconds(1));
    error.token = Connect("lax");
    EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  }
  EXPECT_EQ(Count(Outcome::kErrorToQueryRecorded), Unanswerable().size());
}

TEST_F(ErrorsTest, QueryRequestsAfterErrorsAreFew) {
  TAM_ROW("R-02");
  LimitResends(2);
  const std::string message = Sign(Answerable()[1]);
  QueryIn(Send(message), tam_p256_);
  QueryIn(Send(message), tam_p256_);
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(registry_.calls("Report") + registry_.calls("Accept"), 0);
}

TEST_F(ErrorsTest, WhoIsAskedAgainIsNotHeldOffAndOthersAre) {
  LimitResends(1);
  teep::Error error = Answerable()[0];
  error.token = Connect("lax");
  const teep::QueryRequest query = QueryIn(Send(Sign(error), "lax"), tam_p256_);
  EXPECT_TRUE(query.token.has_value());
  OpenUpdate();
  EXPECT_EQ(Count(Outcome::kBackedOff), 0u);
  Advance(absl::Milliseconds(1));
  error.token = Connect("lax");
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  Advance(absl::Milliseconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 1u);
}

TEST_F(ErrorsTest, AnErrorWhoseAnswerCannotBeMadeMayComeAgain) {
  teep::Error error = Answerable()[1];
  error.token = Connect("lax");
  const std::string message = Sign(error);
  signing_.FailWith(absl::UnavailableError("down"));
  EXPECT_THAT(Send(message, "lax"), testing::StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(registry_.calls("Accept"), 0);
  signing_.FailWith(absl::OkStatus());
  EXPECT_TRUE(QueryIn(Send(message, "lax"), tam_p256_).token.has_value());
  EXPECT_EQ(registry_.calls("Accept"), 1);
}

TEST_F(ErrorsTest, LaterQueryRequestsAreInTheAgentsSuiteAlone) {
  TAM_ROW("T-52");
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("valve", key_);
  EXPECT_TRUE(QueryIn(Send(Sign(Answerable()[0])), tam_ed25519_).challenge.has_value());
}

TEST_F(ErrorsTest, Error5IsTakenUnderEitherSuiteAndItsOverlapSigns) {
  TAM_ROW("T-53");
  LimitResends(100);
  teep::Error error = ErrorOf(ErrorCode::kUnsupportedCipherSuites);
  error.supported_cipher_suites = {{{18, -9}}};
  EXPECT_TRUE(QueryIn(Send(Sign(error)), tam_p256_).challenge.has_value());
  const auto other = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("valve", other);
  EXPECT_TRUE(QueryIn(Send(Sign(error, other)), tam_p256_).challenge.has_value());
}

TEST_F(ErrorsTest, Error2IsAskedAgainWithoutExtensions) {
  CreateEndpoint("more", false, teep::kRequestTrustedComponents | teep::kRequestExtensions);
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);  // a key is for endpoints that exist
  CreateDevice("valve", key_);
  teep::Error error = ErrorOf(ErrorCode::kUnsupportedExtension);
  const teep::QueryRequest query = QueryIn(Send(Sign(error), "more"), tam_p256_);
  EXPECT_EQ(query.data_item_requested & teep::kRequestExtensions, 0u);
  teep::QueryResponse response;
  response.token = query.token;
  response.tc_list.emplace();
  EXPECT_THAT(UpdateIn(Send(Sign(response), "more")).manifest_list, SizeIs(1));
}

TEST_F(ErrorsTest, Error7IsAnsweredWithEvidenceOfTheTamForItsChallenge) {
  TAM_ROW("T-45", "T-46");
  LimitResends(100);
  teep::Error error = ErrorOf(ErrorCode::kAttestationRequired);
  error.challenge = std::string(16, 'c');
  EXPECT_THAT(QueryIn(Send(Sign(error)), tam_p256_).attestation_payload.value_or(""),
              HasSubstr(*error.challenge));
  error.supported_freshness_mechanisms = {teep::kFreshnessTimestamp};
  const std::string by_time =
      QueryIn(Send(Sign(error)), tam_p256_).attestation_payload.value_or("");
  EXPECT_EQ(by_time, "evidence of the TAM for ");
}

TEST_F(ErrorsTest, Error7ToAnUpdateIsRecordedAndAnswered) {
  teep::Error error = ErrorOf(ErrorCode::kAttestationRequired);
  error.token = OpenUpdate().token;
  error.challenge = std::string(16, 'c');
  EXPECT_TRUE(QueryIn(Send(Sign(error)), tam_p256_).attestation_payload.has_value());
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
  Advance(absl::Milliseconds(1));
  UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 0u);
}

TEST_F(ErrorsTest, ErrorsAboutOurCertificateEarnTheOtherOneOnceAndThenBackOff) {
  TAM_ROW("T-65");
  has_other_certificate_ = true;
  for (const ErrorCode code : {ErrorCode::kBadCertificate, ErrorCode::kCertificateExpired}) {
    SCOPED_TRACE(teep::ErrorCodeName(code));
    key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
    const bool expired = code == ErrorCode::kCertificateExpired;
    CreateDevice(expired ? "late" : "strange", key_);
    teep::Error error = ErrorOf(code);
    error.token = Connect("lax");
    Advance(absl::Milliseconds(1));
    const auto answer = Send(Sign(error), "lax");
    EXPECT_THAT(ChainIn(answer), ElementsAre("other"));
    Advance(absl::Milliseconds(1));
    error.token = QueryIn(answer, tam_p256_).token;
    EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
    // Backed off for as long as the code demands, and no longer.
    Advance(expired ? absl::Seconds(50) : absl::Seconds(290));
    EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
    Advance(absl::Seconds(20));
    UpdateIn(Send(Sign(Evidence(Connect()))));
  }
  EXPECT_EQ(Count(Outcome::kTamCertificateRefused), 2u);
  EXPECT_EQ(Count(Outcome::kTamCertificateExpired), 2u);
  EXPECT_EQ(Count(Outcome::kBackedOff), 2u);
  EXPECT_EQ(Count(Outcome::kErrorToQueryRecorded), 4u);
}

TEST_F(ErrorsTest, WithoutAnotherCertificateTheyBackOffAtOnce) {
  TAM_ROW("T-65");
  teep::Error error = ErrorOf(ErrorCode::kBadCertificate);
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  EXPECT_EQ(registry_.calls("Accept"), 0);
  Advance(absl::Minutes(1));
  error.token = Connect("lax");
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  Advance(absl::Milliseconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 1u);
}

TEST_F(ErrorsTest, FlagsErrorsWithoutTheirField) {
  for (ErrorCode code :
       {ErrorCode::kUnsupportedFreshnessMechanisms, ErrorCode::kUnsupportedMsgVersion,
        ErrorCode::kUnsupportedCipherSuites, ErrorCode::kUnsupportedSuitReport}) {
    const uint64_t before = Count(Outcome::kFlagged);
    Send(Sign(ErrorOf(code))).status().IgnoreError();
    EXPECT_EQ(Count(Outcome::kFlagged), before + 1) << teep::ErrorCodeName(code);
  }
}

}  // namespace
}  // namespace tam::gateway
