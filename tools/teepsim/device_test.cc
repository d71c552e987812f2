#include "tools/teepsim/device.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/eat/eat.h"
#include "teep/suit/author.h"
#include "teep/suit/report.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"

namespace tam::teepsim {
namespace {

using suit::testing::ManifestBuilder;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class DeviceTest : public DeviceFixture, public ::testing::WithParamInterface<keys::KeyType> {
 protected:
  void SetUp() override { MakeDevice(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Suites, DeviceTest,
                         ::testing::Values(keys::KeyType::kP256, keys::KeyType::kEd25519));

TEST_P(DeviceTest, AttestsInstallsAndReports) {
  const std::string envelope = EnvelopeOf(3);
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunUpdate(UpdateWith({envelope})));
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(result.installed, ElementsAre(kSuit));
  ASSERT_THAT(tam_.received, SizeIs(2));

  const auto& response = std::get<teep::QueryResponse>(tam_.received[0]);
  EXPECT_EQ(response.token, std::nullopt);
  EXPECT_EQ(response.attestation_payload_format,
            "application/eat+cwt; eat_profile=\"urn:tamarack:teep-evidence:1\"");
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto evidence,
      cose::Message::Parse(cbor::AsBytes(*response.attestation_payload), cose::TagRule::kRequired));
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto payload,
      evidence.Verify(state_->attestation_key().public_key(), cose::AlgorithmPolicy::Strict()));
  TAM_ASSERT_OK_AND_ASSIGN(const eat::Claims claims, eat::ParseClaims(payload.bytes()));
  EXPECT_THAT(claims.nonces, ElementsAre(kChallenge));
  EXPECT_TRUE(claims.cnf->Names(state_->agent_key().public_key().thumbprint()));
  EXPECT_EQ(claims.ueid, state_->record().profile.ueid);
  EXPECT_EQ(claims.measurements.size(), 1u);
  EXPECT_THAT(*response.tc_list, SizeIs(1)) << "the firmware, so that the list is never empty";

  const auto& success = std::get<teep::Success>(tam_.received[1]);
  EXPECT_EQ(success.token, kToken);
  ASSERT_THAT(success.suit_reports, SizeIs(1));
  TAM_ASSERT_OK_AND_ASSIGN(const suit::Report report,
                           suit::ParseReport(cbor::AsBytes(success.suit_reports[0])));
  EXPECT_EQ(report.nonce, kToken);
  EXPECT_EQ(report.failure, std::nullopt);
  EXPECT_EQ(report.manifest_digest,
            suit::Envelope::Parse(cbor::AsBytes(envelope))->computed_digest());
  EXPECT_EQ(state_->ReadComponent(kTa), kPayload);
  EXPECT_EQ(state_->FindManifest(kSuit)->sequence_number, 3u);
  EXPECT_THAT(transcript_.str(), HasSubstr("installed TEE/app/ta, 26 bytes"));
}

TEST_P(DeviceTest, TheNextResponseListsWhatIsInstalled) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignBoth(Request())}));
  EXPECT_TRUE(result.ok());
  const auto& response = std::get<teep::QueryResponse>(tam_.received[0]);
  ASSERT_THAT(*response.tc_list, SizeIs(2));
  EXPECT_EQ((*response.tc_list)[1].component_id, kTa);
  EXPECT_EQ((*response.tc_list)[1].image_size, sizeof kPayload - 1);
  ASSERT_THAT(response.suit_reports, SizeIs(1));
  TAM_ASSERT_OK_AND_ASSIGN(const suit::Report report,
                           suit::ParseReport(cbor::AsBytes(response.suit_reports[0])));
  EXPECT_EQ(report.nonce, std::nullopt);
}

TEST_P(DeviceTest, WithoutAttestationTheTokenIsEchoed) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  ASSERT_OK(Run({SignBoth(RequestWithToken())}));
  const auto& response = std::get<teep::QueryResponse>(tam_.received[0]);
  EXPECT_EQ(response.token, kToken);
  EXPECT_EQ(response.attestation_payload, std::nullopt);
  EXPECT_EQ(suit::ParseReport(cbor::AsBytes(response.suit_reports.at(0)))->nonce, kToken);
}

TEST_P(DeviceTest, RemovesBeforeItInstalls) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  teep::Update update = UpdateWith({}, std::string(16, 'u'));
  update.unneeded_manifest_list = {kSuit};
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunUpdate(update));
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(result.removed, ElementsAre(kSuit));
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
  EXPECT_EQ(state_->FindManifest(kSuit), std::nullopt);
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/components"));
  EXPECT_THAT(std::get<teep::Success>(tam_.received[1]).suit_reports, SizeIs(0));
  update.token = std::string(16, 'v');
  EXPECT_TRUE(RunUpdate(update)->ok()) << "gone already is as good";
}

TEST_P(DeviceTest, ReportsAManifestThatFailsAndKeepsWhatWasThere) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  TAM_ASSERT_OK_AND_ASSIGN(
      const SessionResult result,
      RunUpdate(UpdateWith({EnvelopeOf(4, "altered payload")}, std::string(16, 'u'))));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("image-match")));
  EXPECT_EQ(LastError().err_code, teep::ErrorCode::kManifestProcessingFailed);
  EXPECT_EQ(LastError().token, std::string(16, 'u'));
  ASSERT_THAT(LastError().suit_reports, SizeIs(1));
  TAM_ASSERT_OK_AND_ASSIGN(const suit::Report report,
                           suit::ParseReport(cbor::AsBytes(LastError().suit_reports[0])));
  EXPECT_EQ(report.failure->reason, suit::ReportReason::kConditionFailed);
  EXPECT_EQ(report.nonce, std::string(16, 'u'));
  EXPECT_EQ(state_->ReadComponent(kTa), kPayload);
  EXPECT_EQ(state_->FindManifest(kSuit)->sequence_number, 3u);
}

TEST_P(DeviceTest, RefusesRollback) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result,
                           RunUpdate(UpdateWith({EnvelopeOf(2)}, std::string(16, 'u'))));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("rollback")));
  EXPECT_EQ(state_->FindManifest(kSuit)->sequence_number, 3u);
}

TEST_P(DeviceTest, RefusesAManifestOfAnUnknownSigner) {
  const std::string envelope =
      *suit::SignManifest(ManifestBuilder::InstallOf(kPayload, 3).Encode(), {{"#tc", kPayload}},
                          KeyOf(keys::KeyType::kP256));
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunUpdate(UpdateWith({envelope})));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("authentication")));
  TAM_ASSERT_OK_AND_ASSIGN(const suit::Report report,
                           suit::ParseReport(cbor::AsBytes(LastError().suit_reports.at(0))));
  EXPECT_EQ(report.failure->reason, suit::ReportReason::kUnauthorised);
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
}

TEST_P(DeviceTest, OneBadManifestDoesNotKeepAnotherOut) {
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result,
                           RunUpdate(UpdateWith({"no envelope", EnvelopeOf(3)})));
  EXPECT_THAT(result.problems, SizeIs(1));
  EXPECT_THAT(result.installed, ElementsAre(kSuit));
  EXPECT_EQ(LastError().err_code, teep::ErrorCode::kManifestProcessingFailed);
  EXPECT_THAT(LastError().suit_reports, SizeIs(1));
}

TEST_P(DeviceTest, TheSameUpdateAgainGetsTheSameAnswerAndIsNotProcessedAgain) {
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  teep::Update removal = UpdateWith({}, std::string(16, 'u'));
  removal.unneeded_manifest_list = {kSuit};
  ASSERT_OK(RunUpdate(removal));
  const std::string removed = tam_.raw.back();
  ASSERT_OK(RunUpdate(removal));
  EXPECT_EQ(tam_.raw.back(), removed);
  // The same token with other contents is no Update of an honest TAM.
  removal.manifest_list = {EnvelopeOf(9)};
  ASSERT_OK(RunUpdate(removal));
  EXPECT_EQ(LastError().err_code, teep::ErrorCode::kPermanentError);
  EXPECT_THAT(*LastError().err_msg, HasSubstr("update.token"));
}

TEST_P(DeviceTest, DropsMessagesThatNoTrustedTamSigned) {
  const auto stranger = keys::PrivateKey::Generate(GetParam());
  const std::string forged =
      *cose::Sign1(*stranger, cbor::AsBytes(*teep::Encode(teep::Message(Request()))));
  EXPECT_THAT(Run({forged}), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(tam_.received, SizeIs(0));
  EXPECT_THAT(Run({"garbage"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Draft -26 section 7.2.
TEST_P(DeviceTest, AnswersWhatIsMalformedUnderAGoodSignature) {
  const std::string no_message = "\x82\x09\xa0";  // [9, {}]
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result,
                           Run({*cose::Sign1(KeyOf(GetParam()), cbor::AsBytes(no_message))}));
  EXPECT_EQ(result.sent_error, teep::ErrorCode::kPermanentError);
  ASSERT_THAT(tam_.received, SizeIs(1));
  EXPECT_EQ(LastError().err_code, teep::ErrorCode::kPermanentError);
  EXPECT_THAT(*LastError().err_msg, HasSubstr("want"));

  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult other, Run({SignOne(teep::Success(), GetParam())}));
  EXPECT_EQ(other.sent_error, teep::ErrorCode::kPermanentError);
  EXPECT_THAT(*LastError().err_msg, HasSubstr("got Success"));
}

TEST_P(DeviceTest, IsSilentAboutTheSameOfAStranger) {
  const auto stranger = keys::PrivateKey::Generate(GetParam());
  EXPECT_THAT(Run({*cose::Sign1(*stranger, cbor::AsBytes("\x82\x09\xa0"))}),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(tam_.received, SizeIs(0));
}

TEST_P(DeviceTest, AnswersWhatItCannotDoWithTheErrorOfTheDraft) {
  struct Case {
    teep::ErrorCode code;
    std::function<void(teep::QueryRequest&)> change;
  };
  const std::vector<Case> cases = {
      {teep::ErrorCode::kUnsupportedMsgVersion,
       [](teep::QueryRequest& r) {
         r.versions = {1, 2};
       }},
      {teep::ErrorCode::kUnsupportedCipherSuites,
       [](teep::QueryRequest& r) {
         r.supported_cipher_suites = {{{18, -51}}};
       }},
      {teep::ErrorCode::kUnsupportedFreshnessMechanisms,
       [](teep::QueryRequest& r) {
         r.supported_freshness_mechanisms = {teep::kFreshnessTimestamp};
       }},
      {teep::ErrorCode::kPermanentError, [](teep::QueryRequest& r) { r.token = kToken; }},
      {teep::ErrorCode::kPermanentError,
       [](teep::QueryRequest& r) { r.challenge = std::string(65, 'c'); }},
  };
  for (const Case& one : cases) {
    teep::QueryRequest request = Request();
    one.change(request);
    TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignBoth(request)}));
    EXPECT_EQ(result.sent_error, one.code);
    EXPECT_EQ(LastError().err_code, one.code);
    EXPECT_EQ(LastError().versions.empty(), one.code != teep::ErrorCode::kUnsupportedMsgVersion);
    EXPECT_EQ(LastError().supported_cipher_suites.empty(),
              one.code != teep::ErrorCode::kUnsupportedCipherSuites);
    EXPECT_EQ(LastError().supported_freshness_mechanisms.empty(),
              one.code != teep::ErrorCode::kUnsupportedFreshnessMechanisms);
  }
}

TEST_P(DeviceTest, ARequestOfTheOtherSuiteAloneIsAnsweredWithItsOwn) {
  const keys::KeyType other =
      GetParam() == keys::KeyType::kP256 ? keys::KeyType::kEd25519 : keys::KeyType::kP256;
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, Run({SignOne(Request(), other)}));
  EXPECT_EQ(result.sent_error, teep::ErrorCode::kUnsupportedCipherSuites);
  EXPECT_THAT(LastError().supported_cipher_suites, SizeIs(1));
}

TEST_P(DeviceTest, AnUpdateWithAnErrorCodeEndsTheSession) {
  teep::Update update;
  update.err_code = teep::ErrorCode::kAttestationRequired;
  update.err_msg = "eat_nonce: want the challenge";
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunUpdate(update));
  EXPECT_EQ(result.tam_error, teep::ErrorCode::kAttestationRequired);
  EXPECT_EQ(result.tam_error_message, "eat_nonce: want the challenge");
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(tam_.received, SizeIs(1));
}

TEST_P(DeviceTest, FaultsChangeTheEvidence) {
  const auto other_key = keys::PrivateKey::Generate(keys::KeyType::kP256);
  SessionOptions options;
  options.evidence.nonce = std::string(32, 'n');
  options.evidence.key = *other_key;
  options.evidence.measurements = {{"firmware", std::string(32, 'm')}};
  ASSERT_OK(Run({SignBoth(Request())}, options));
  const auto& response = std::get<teep::QueryResponse>(tam_.received[0]);
  TAM_ASSERT_OK_AND_ASSIGN(
      const auto evidence,
      cose::Message::Parse(cbor::AsBytes(*response.attestation_payload), cose::TagRule::kRequired));
  TAM_ASSERT_OK_AND_ASSIGN(const auto payload, evidence.Verify(other_key->public_key(),
                                                               cose::AlgorithmPolicy::Strict()));
  TAM_ASSERT_OK_AND_ASSIGN(const eat::Claims claims, eat::ParseClaims(payload.bytes()));
  EXPECT_THAT(claims.nonces, ElementsAre(std::string(32, 'n')));
  EXPECT_THAT(claims.measurements[0].content, HasSubstr(std::string(32, 'm')));

  options.evidence.replay = "another device's evidence";
  ASSERT_OK(Run({SignBoth(Request())}, options));
  EXPECT_EQ(std::get<teep::QueryResponse>(tam_.received[0]).attestation_payload,
            "another device's evidence");
}

TEST_P(DeviceTest, StopsAfterTheQueryResponseWhenAsked) {
  SessionOptions options;
  options.stop_after_query_response = true;
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)}), options));
  EXPECT_THAT(tam_.received, SizeIs(1));
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
}

TEST_P(DeviceTest, LeavesATamThatNeverStopsAsking) {
  std::vector<std::optional<std::string>> answers(40, SignBoth(Request()));
  EXPECT_THAT(Run(answers), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(DeviceTest, SavesMessagesByNumber) {
  tam_.answers = {SignBoth(Request())};
  Transcript transcript(nullptr, folder_ + "/messages");
  LoopbackPayloadSource payloads;
  ASSERT_OK(Device(*state_, tam_, payloads, transcript).RunSession());
  DurableFiles files(folder_ + "/messages");
  EXPECT_TRUE(files.Exists("01-received-QueryRequest.cbor"));
  EXPECT_THAT(files.Read("02-sent-QueryResponse.cbor"),
              tam::testing::IsOkAndHolds(tam_.raw.back()));
}

}  // namespace
}  // namespace tam::teepsim
