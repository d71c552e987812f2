// The engine's answers to Success and Error: DESIGN.md "A session" step 3, TEEP.md section 8.
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/session_fixture.h"
#include "teep/suit/report.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReportTest : public SessionFixture {
 protected:
  std::string ReportFor(const std::string& nonce, bool failed) {
    suit::Report report;
    report.reference_uri = "https://example.com/app";
    report.manifest_digest = {suit::kSha256, std::string(32, 'd')};
    report.nonce = nonce;
    if (failed) {
      report.failure.emplace();
      report.failure->code = 3;
      report.failure->record.manifest_id = {};
      report.failure->record.section = 20;
      report.failure->reason = suit::ReportReason::kConditionFailed;
    }
    const auto bytes = suit::EncodeReport(report);
    EXPECT_OK(bytes);
    return bytes.value_or("");
  }
  teep::Success SuccessFor(const teep::Update& update) {
    teep::Success success;
    success.token = update.token;
    success.suit_reports = {ReportFor(*update.token, /*failed=*/false)};
    return success;
  }
  teep::Error ErrorFor(const teep::Update& update, teep::ErrorCode code) {
    teep::Error error;
    error.token = update.token;
    error.err_code = code;
    return error;
  }
};

TEST_F(ReportTest, SuccessMovesTheDevicesRecordOnce) {
  const teep::Update update = OpenUpdate();
  const std::string success = Sign(SuccessFor(update));
  EXPECT_TRUE(IsSilent(Send(success)));
  const v1::Device device = Show("pump");
  ASSERT_THAT(device.installed(), SizeIs(1));
  EXPECT_EQ(device.installed(0).sequence(), 3u);
  EXPECT_EQ(device.installed(0).state(), v1::INSTALL_STATE_INSTALLED);
  EXPECT_THAT(device.open_updates(), IsEmpty());
  EXPECT_TRUE(IsSilent(Send(success)));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
  EXPECT_EQ(Count(Outcome::kReportRepeated), 1u);
  EXPECT_EQ(AuditCount("update.succeeded"), 1u);
}

TEST_F(ReportTest, InstalledManifestIsToldToTheCatalogueNextTime) {
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(OpenUpdate())))));
  Advance(absl::Milliseconds(1));
  OpenUpdate();
  ASSERT_THAT(resolved_.installed(), SizeIs(1));
  EXPECT_EQ(resolved_.installed(0).digest(), std::string(32, 'd'));
}

TEST_F(ReportTest, ReportWithAnotherNonceDropsTheMessage) {
  teep::Success success = SuccessFor(OpenUpdate());
  success.suit_reports = {ReportFor(std::string(16, 'x'), false)};
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  EXPECT_EQ(Count(Outcome::kDroppedReportNonce), 1u);
  EXPECT_EQ(registry_.calls("Report"), 0);
  EXPECT_THAT(Show("pump").installed(), IsEmpty());
}

TEST_F(ReportTest, SuccessWithoutTokenOrWithAForeignOneChangesNothing) {
  TAM_ROW("T-43");
  teep::Success success;
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  OpenUpdate();
  success.token = std::string(16, 'z');
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  success.token = std::string(9, 'z');
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  EXPECT_EQ(Count(Outcome::kDroppedToken), 2u);
  EXPECT_EQ(Count(Outcome::kReportUnknownToken), 1u);
  EXPECT_THAT(Show("pump").installed(), IsEmpty());
}

TEST_F(ReportTest, ReportAtAnotherEndpointFindsNothing) {
  const teep::Update update = OpenUpdate();
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(update)), "lax")));
  EXPECT_EQ(Count(Outcome::kReportUnknownToken), 1u);
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(update)))));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
}

TEST_F(ReportTest, SuccessOfAnotherDeviceChangesNothing) {
  TAM_ROW("R-03");
  const teep::Update update = OpenUpdate();
  const auto other = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("valve", other);
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(update), other))));
  EXPECT_THAT(Show("valve").installed(), IsEmpty());
  EXPECT_THAT(Show("pump").open_updates(), SizeIs(1));
}

TEST_F(ReportTest, LateSuccessCounts) {
  const teep::Update update = OpenUpdate();
  Advance(absl::Hours(48));
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(update)))));
  EXPECT_THAT(Show("pump").installed(), SizeIs(1));
}

TEST_F(ReportTest, Error11WithReportMarksTheManifestFailed) {
  const teep::Update update = OpenUpdate();
  teep::Error error = ErrorFor(update, teep::ErrorCode::kManifestProcessingFailed);
  error.suit_reports = {ReportFor(*update.token, /*failed=*/true)};
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  const v1::Device device = Show("pump");
  ASSERT_THAT(device.installed(), SizeIs(1));
  EXPECT_EQ(device.installed(0).state(), v1::INSTALL_STATE_FAILED);
  EXPECT_THAT(device.installed(0).reason(), HasSubstr("section 20"));
  EXPECT_EQ(AuditCount("update.failed"), 1u);
}

TEST_F(ReportTest, ErrorWithLiveTokenHoldsOffUpdatesForAWhile) {
  TAM_ROW("A24");
  EXPECT_TRUE(IsSilent(Send(Sign(ErrorFor(OpenUpdate(), teep::ErrorCode::kTemporaryError)))));
  Advance(absl::Seconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 1u);
  Advance(absl::Minutes(2));
  EXPECT_THAT(OpenUpdate().manifest_list, SizeIs(1));
}

TEST_F(ReportTest, ErrorWithoutTokenChangesNothing) {
  TAM_ROW("A24");
  OpenUpdate();
  const size_t audited = AuditCount();
  teep::Error error;
  error.err_code = teep::ErrorCode::kPermanentError;
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  EXPECT_EQ(AuditCount(), audited);
  EXPECT_EQ(registry_.calls("Report"), 0);
  EXPECT_THAT(Show("pump").open_updates(), SizeIs(1));
}

TEST_F(ReportTest, ErrorWithoutTokenEarnsAFewQueryRequestsWhereTheyMayHelp) {
  TAM_ROW("R-02", "A24");
  GatewayConfig config;
  config.session.error_resends_per_device = {0.001, 2};
  Restart(config);
  teep::Error error;
  error.err_code = teep::ErrorCode::kUnsupportedMsgVersion;
  error.versions = {0, 1};
  const std::string message = Sign(error);
  for (int i = 0; i < 2; ++i) {
    const auto answer = Send(message);
    ASSERT_OK(answer);
    EXPECT_TRUE(answer->has_value());
  }
  EXPECT_TRUE(IsSilent(Send(message)));
  error.versions = {7};
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  EXPECT_EQ(registry_.calls("Report") + registry_.calls("Accept"), 0);
}

TEST_F(ReportTest, ErrorToAQueryRequestWithItsTokenIsAcceptedOnce) {
  teep::Error error;
  error.token = Connect("lax");
  error.err_code = teep::ErrorCode::kTemporaryError;
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  EXPECT_EQ(Count(Outcome::kErrorToQueryRecorded), 1u);
  EXPECT_EQ(AuditCount("session.error"), 1u);
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 1u);
  error.token->back() ^= 1;
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  EXPECT_EQ(Count(Outcome::kDroppedToken), 1u);
}

TEST_F(ReportTest, ErrorToAQueryRequestHoldsOffUpdatesForAWhile) {
  teep::Error error;
  error.token = Connect("lax");
  error.err_code = teep::ErrorCode::kTemporaryError;
  EXPECT_TRUE(IsSilent(Send(Sign(error), "lax")));
  Advance(absl::Seconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 1u);
  Advance(absl::Minutes(2));
  EXPECT_THAT(OpenUpdate().manifest_list, SizeIs(1));
}

TEST_F(ReportTest, MessagesOnlyATamSendsAreDropped) {
  teep::Update update;
  update.token = std::string(16, 't');
  EXPECT_TRUE(IsSilent(Send(Sign(update))));
  EXPECT_EQ(Count(Outcome::kDroppedWrongType), 1u);
}

TEST_F(ReportTest, KeyBannedMeanwhileIsSilent) {
  const teep::Update update = OpenUpdate();
  SetKeyState("pump", key_, v1::KEY_STATE_BANNED);
  EXPECT_TRUE(IsSilent(Send(Sign(SuccessFor(update)))));
  EXPECT_EQ(registry_.calls("Report"), 0);
}

}  // namespace
}  // namespace tam::gateway
