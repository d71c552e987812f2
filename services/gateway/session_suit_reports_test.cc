// SUIT reports in every container, in each of the three messages that carry them (TEEP.md T-29,
// T-31, T-44, A13, A14; draft -26 sections 4.5 and 4.6).
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "services/gateway/session_fixture.h"
#include "teep/suit/report.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint64_t kTagMac0 = 17;

class SuitReportsTest : public SessionFixture {
 protected:
  struct Container {
    const char* name;
    std::function<std::string(const std::string& report)> wrap;
    bool readable = true;
    bool flagged = false;
  };

  static std::string Report(const std::optional<std::string>& nonce, bool failed = false) {
    suit::Report report;
    report.reference_uri = "https://example.com/app";
    report.manifest_digest = {suit::kSha256, std::string(32, 'd')};
    report.nonce = nonce;
    if (failed) {
      report.failure.emplace();
      report.failure->code = 3;
      report.failure->record.section = 20;
      report.failure->reason = suit::ReportReason::kConditionFailed;
    }
    return suit::EncodeReport(report).value_or("");
  }

  static std::string Mac0(const std::string& payload) {
    cbor::MapBuilder header;
    header.Set(1, cbor::Writer().Int(5));
    cbor::Writer mac;
    mac.Tag(kTagMac0).Array(4).ByteString(header.Encode()).MapHead(0).ByteString(payload);
    return mac.ByteString(std::string(32, 'm')).bytes();
  }

  std::string Signed(const keys::PrivateKey& key, const std::string& report) {
    return *cose::Sign1(key, cbor::AsBytes(report));
  }

  static std::string Sealed(const keys::AgreementKey& to, const std::string& report,
                            cose::ContentAlgorithm algorithm = cose::ContentAlgorithm::kA128Gcm) {
    return *cose::Encrypt(to.public_key(), cbor::AsBytes(report), algorithm,
                          cose::kSuitReportEncryption, secret::RandomSource::System());
  }

  std::vector<Container> Containers() {
    return {
        {"bare", [](const std::string& report) { return report; }},
        {"signed by a report key", [this](const auto& r) { return Signed(report_key_, r); }},
        {"signed by the agent's key", [this](const auto& r) { return Signed(key_, r); }, true,
         true},
        {"under a MAC", [](const std::string& r) { return Mac0(r); }},
        {"encrypted", [this](const auto& r) { return Sealed(tam_agreement_, r); }},
        {"signed and encrypted without authentication",
         [this](const auto& r) {
           return Sealed(tam_agreement_, Signed(report_key_, r), cose::ContentAlgorithm::kA128Ctr);
         }},
        {"encrypted to another", [this](const auto& r) { return Sealed(another_, r); }, false},
    };
  }

  teep::QueryResponse Response(const std::string& token, const std::string& report) {
    teep::QueryResponse response;
    response.token = token;
    response.tc_list.emplace();
    response.suit_reports = {report};
    return response;
  }

  const keys::AgreementKey another_ = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  const keys::PrivateKey report_key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
};

TEST_F(SuitReportsTest, SuccessTakesEveryContainerWithTheTokenAsNonce) {
  TAM_ROW("A13", "A14");
  for (const Container& container : Containers()) {
    SCOPED_TRACE(container.name);
    const uint64_t flagged = Count(Outcome::kFlagged), recorded = Count(Outcome::kReportRecorded);
    teep::Success success;
    success.token = OpenUpdate().token;
    success.suit_reports = {container.wrap(Report(success.token))};
    EXPECT_TRUE(IsSilent(Send(Sign(success))));
    EXPECT_EQ(Count(Outcome::kReportRecorded), recorded + 1);
    EXPECT_EQ(Count(Outcome::kFlagged), flagged + (container.flagged ? 1 : 0));
  }
}

TEST_F(SuitReportsTest, SuccessAndErrorWithAnotherNonceOrNoneAreDropped) {
  TAM_ROW("T-44");
  const teep::Update update = OpenUpdate();
  for (const Container& container : Containers()) {
    if (!container.readable) continue;
    for (const std::optional<std::string>& nonce :
         {std::optional<std::string>(std::string(16, 'x')), std::optional<std::string>()}) {
      SCOPED_TRACE(container.name);
      const uint64_t dropped = Count(Outcome::kDroppedReportNonce);
      teep::Success success;
      success.token = update.token;
      success.suit_reports = {container.wrap(Report(nonce))};
      EXPECT_TRUE(IsSilent(Send(Sign(success))));
      teep::Error error;
      error.token = update.token;
      error.err_code = teep::ErrorCode::kManifestProcessingFailed;
      error.suit_reports = {container.wrap(Report(nonce, /*failed=*/true))};
      EXPECT_TRUE(IsSilent(Send(Sign(error))));
      EXPECT_EQ(Count(Outcome::kDroppedReportNonce), dropped + 2);
    }
  }
  EXPECT_EQ(registry_.calls("Report"), 0);
}

TEST_F(SuitReportsTest, ErrorTakesEveryContainerAndTheReasonInIt) {
  for (const Container& container : Containers()) {
    SCOPED_TRACE(container.name);
    teep::Error error;
    error.token = OpenUpdate().token;
    error.err_code = teep::ErrorCode::kManifestProcessingFailed;
    error.suit_reports = {container.wrap(Report(error.token, /*failed=*/true))};
    EXPECT_TRUE(IsSilent(Send(Sign(error))));
    const v1::Device device = Show("pump");
    ASSERT_THAT(device.installed(), SizeIs(1));
    EXPECT_EQ(device.installed(0).state(), v1::INSTALL_STATE_FAILED);
    if (container.readable) {
      EXPECT_THAT(device.installed(0).reason(), HasSubstr("section 20"));
    }
  }
}

TEST_F(SuitReportsTest, QueryResponseTakesEveryContainerWithTheTokenAsNonce) {
  for (const Container& container : Containers()) {
    SCOPED_TRACE(container.name);
    Advance(absl::Milliseconds(1));
    const uint64_t flagged = Count(Outcome::kFlagged);
    const std::string token = Connect("lax");
    const auto answer = Send(Sign(Response(token, container.wrap(Report(token)))), "lax");
    EXPECT_THAT(UpdateIn(answer).manifest_list, SizeIs(1));
    EXPECT_EQ(Count(Outcome::kFlagged), flagged + (container.flagged ? 1 : 0));
  }
}

TEST_F(SuitReportsTest, QueryResponseWithAnotherNonceOrNoneIsErrCode1) {
  TAM_ROW("T-29", "T-31");
  const std::string token = Connect("lax");
  for (const Container& container : Containers()) {
    if (!container.readable) continue;
    for (const std::optional<std::string>& nonce :
         {std::optional<std::string>(std::string(34, 'x')), std::optional<std::string>()}) {
      SCOPED_TRACE(container.name);
      const teep::Update update =
          UpdateIn(Send(Sign(Response(token, container.wrap(Report(nonce)))), "lax"));
      EXPECT_EQ(update.err_code, teep::ErrorCode::kPermanentError);
      EXPECT_THAT(update.err_msg.value_or(""), HasSubstr("suit-report-nonce"));
      EXPECT_THAT(update.manifest_list, IsEmpty());
    }
  }
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(SuitReportsTest, AttestedQueryResponseHasNoTokenToCompareWith) {
  teep::QueryResponse response = Evidence(Connect());
  response.suit_reports = {Report(std::nullopt), Signed(report_key_, Report(std::string(8, 'n')))};
  EXPECT_THAT(UpdateIn(Send(Sign(response))).manifest_list, SizeIs(1));
}

TEST_F(SuitReportsTest, MalformedOrForgedReportsDropTheMessage) {
  const teep::Update update = OpenUpdate();
  Advance(absl::Milliseconds(1));
  const std::string token = Connect("lax");
  const std::string challenge = Connect();
  std::string forged = Signed(key_, Report(update.token));
  forged.back() ^= 1;
  const std::vector<std::string> unsound = {forged, Signed(report_key_, "\x01"), "\x18\x2a",
                                            "\xd8\x60\x01", "\xa0"};
  for (const std::string& report : unsound) {
    const uint64_t dropped = Count(Outcome::kDroppedMalformed);
    teep::Success success;
    success.token = update.token;
    success.suit_reports = {report};
    teep::Error error;
    error.err_code = teep::ErrorCode::kPermanentError;
    error.suit_reports = {report};
    teep::QueryResponse attested = Evidence(challenge);
    attested.suit_reports = {report};
    EXPECT_TRUE(IsSilent(Send(Sign(success))));
    EXPECT_TRUE(IsSilent(Send(Sign(error))));
    EXPECT_TRUE(IsSilent(Send(Sign(attested))));
    EXPECT_TRUE(IsSilent(Send(Sign(Response(token, report)), "lax")));
    EXPECT_EQ(Count(Outcome::kDroppedMalformed), dropped + 4) << report.size();
  }
  EXPECT_EQ(registry_.calls("Report"), 0);
  EXPECT_EQ(registry_.calls("Accept"), 1);  // that opened the update
}

TEST_F(SuitReportsTest, DecryptionsOfOneMessageAreBounded) {
  teep::Success success;
  success.token = OpenUpdate().token;
  success.suit_reports.assign(40, Sealed(another_, Report(success.token)));
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  EXPECT_EQ(signing_.calls("Decrypt"), 16);
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
}

TEST_F(SuitReportsTest, ReportThatCannotBeOpenedNowIsTriedAgain) {
  teep::Success success;
  success.token = OpenUpdate().token;
  success.suit_reports = {Sealed(tam_agreement_, Report(success.token))};
  const std::string message = Sign(success);
  signing_.FailWith(absl::UnavailableError("down"));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kUnavailable));
  signing_.FailWith(absl::OkStatus());
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
}

TEST_F(SuitReportsTest, FlagsReportsThatSayTheOppositeOfTheirMessage) {
  teep::Success success;
  success.token = OpenUpdate().token;
  success.suit_reports = {Report(success.token, /*failed=*/true)};
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  EXPECT_EQ(Count(Outcome::kFlagged), 1u);
  EXPECT_EQ(Show("pump").installed(0).state(), v1::INSTALL_STATE_FAILED);
  teep::Error error;
  error.token = OpenUpdate().token;
  error.err_code = teep::ErrorCode::kManifestProcessingFailed;
  error.suit_reports = {Report(error.token)};
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  EXPECT_EQ(Count(Outcome::kFlagged), 2u);
  EXPECT_EQ(Count(Outcome::kReportRecorded), 2u);
}

}  // namespace
}  // namespace tam::gateway
