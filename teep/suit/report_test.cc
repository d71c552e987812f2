#include "teep/suit/report.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/commands.h"
#include "teep/suit/status_macros.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::suit {
namespace {

using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using testing::BytesItem;
using testing::DigestItem;
using ::testing::HasSubstr;
using testing::TextItem;
using testing::UintItem;

Report FailedReport() {
  Report report;
  report.reference_uri = "https://files.example/ta.suit";
  report.manifest_digest = {kSha256, std::string(32, 'd')};
  report.nonce = "0123456789abcdef";
  report.records = {Record{
      .manifest_id = {1, 0},
      .section = 20,
      .offset = 18,
      .component_index = 0,
      .parameters = {{parameter::kImageDigest, DigestItem("image")}, {-5, TextItem("custom")}}}};
  report.claims = {ReportedClaims{.component_id = {"TEE", "app", "ta"},
                                  .parameters = {{parameter::kImageSize, UintItem(5)}}}};
  report.failure = Report::Failure{
      .code = -1, .record = report.records[0], .reason = ReportReason::kConditionFailed};
  cbor::Writer capability;
  capability.MapHead(0);
  report.capability_report = capability.bytes();
  return report;
}

std::string Encoded(const Report& report) { return *EncodeReport(report); }

TEST(ReportTest, EveryFieldSurvivesEncoding) {
  const Report failed = FailedReport();
  EXPECT_THAT(ParseReport(cbor::AsBytes(Encoded(failed))), IsOkAndHolds(failed));
  Report succeeded;
  succeeded.manifest_digest = failed.manifest_digest;
  EXPECT_THAT(ParseReport(cbor::AsBytes(Encoded(succeeded))), IsOkAndHolds(succeeded));
}

// A report map with members replaced or taken away (empty value).
std::string With(const std::vector<std::pair<int64_t, std::string>>& changes) {
  const std::string bytes = Encoded(FailedReport());
  const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
  cbor::MapBuilder map;
  for (const auto [key, value] : document->root().each_pair()) {
    bool changed = false;
    for (const auto& change : changes) changed = changed || change.first == *key.Int();
    if (changed) continue;
    map.SetRaw(cbor::AsString(key.encoded()), cbor::AsString(value.encoded()));
  }
  for (const auto& [label, value] : changes) {
    cbor::Writer writer;
    writer.Raw(value);
    if (!value.empty()) map.Set(label, std::move(writer));
  }
  return map.Encode();
}

TEST(ReportTest, RefusesMalformedReportsByPath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"suit-report.99: missing", With({{99, ""}})},
      {"suit-report.3: missing", With({{3, ""}})},
      {"suit-report.4: missing", With({{4, ""}})},
      {"suit-report.4: want true or a map, got false", With({{4, testing::BoolItem(false)}})},
      {"suit-report.4: want map", With({{4, UintItem(1)}})},
      {"suit-report.2", With({{2, TextItem("nonce")}})},
      {"suit-report.99[0]",
       With({{99, "\x82\x01" + EncodeDigest(FailedReport().manifest_digest)}})},
      {"suit-report.3[0]", With({{3, std::string("\x81\x81\x01", 3)}})},
      {"suit-report.3[0].0: missing", With({{3, std::string("\x81\xa1\x0e\x01", 4)}})},
      {"at least one parameter", With({{3, std::string("\x81\xa1\x00\x81\x41\x61", 6)}})},
      {"suit-report.8", With({{8, UintItem(1)}})},
  };
  for (const auto& [reason, bytes] : cases) {
    EXPECT_THAT(ParseReport(cbor::AsBytes(bytes)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(reason)));
  }
}

TEST(ReportTest, WritesNothingThatAReaderWouldRefuse) {
  Report report = FailedReport();
  report.claims[0].parameters.clear();
  EXPECT_THAT(EncodeReport(report),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("at least one parameter")));
}

class ContainerTest : public ::testing::Test {
 protected:
  static keys::PrivateKey NewKey(keys::KeyType type) { return *keys::PrivateKey::Generate(type); }

  absl::StatusOr<ContainedReport> Open(const std::string& bytes) const {
    ReportKeys keys;
    keys.report_keys = report_keys_;
    keys.message_key = &message_key_.public_key();
    keys.decrypt = [&](Bytes sealed) -> absl::StatusOr<std::string> {
      SUIT_ASSIGN_OR_RETURN(const auto message,
                            cose::EncryptedMessage::Parse(sealed, cose::TagRule::kRequired));
      SUIT_ASSIGN_OR_RETURN(const auto payload,
                            message.Decrypt(tam_key_, cose::kSuitReportEncryption));
      return cbor::AsString(payload.bytes());
    };
    return OpenReport(cbor::AsBytes(bytes), keys);
  }

  std::string Sealed(const std::string& inside,
                     std::string_view other = cose::kSuitReportEncryption) const {
    return *cose::Encrypt(tam_key_.public_key(), cbor::AsBytes(inside),
                          cose::ContentAlgorithm::kA128Ctr, other, secret::RandomSource::System());
  }

  const keys::PrivateKey message_key_ = NewKey(keys::KeyType::kP256);
  const keys::PrivateKey report_key_ = NewKey(keys::KeyType::kP256);
  const keys::PrivateKey stranger_ = NewKey(keys::KeyType::kEd25519);
  const keys::AgreementKey tam_key_ = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  std::vector<keys::PublicKey> report_keys_ = {report_key_.public_key()};
  const std::string report_ = Encoded(FailedReport());
};

TEST_F(ContainerTest, ABareReportHasNoProtection) {
  TAM_ROW("A13");
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport bare, Open(report_));
  EXPECT_EQ(bare.report, FailedReport());
  EXPECT_EQ(bare.signed_by, std::nullopt);
  EXPECT_EQ(bare.protection, ReportProtection::kNone);
  EXPECT_FALSE(bare.encrypted);
}

TEST_F(ContainerTest, ADistinctRegisteredKeyVerifies) {
  for (const bool tagged : {true, false}) {
    const std::string wrapped =
        *cose::Sign1(report_key_, cbor::AsBytes(report_), {.tagged = tagged});
    TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport opened, Open(wrapped));
    EXPECT_EQ(opened.report, FailedReport());
    EXPECT_EQ(opened.protection, ReportProtection::kVerified);
    EXPECT_EQ(opened.signed_by, report_key_.public_key().thumbprint());
  }
}

// Draft -26 sections 4.5 and 4.6.
TEST_F(ContainerTest, TheMessagesOwnKeyIsNoReportKey) {
  const std::string wrapped = *cose::Sign1(message_key_, cbor::AsBytes(report_));
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport opened, Open(wrapped));
  EXPECT_EQ(opened.protection, ReportProtection::kMessageKey);
  report_keys_.push_back(message_key_.public_key());
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport registered, Open(wrapped));
  EXPECT_EQ(registered.protection, ReportProtection::kMessageKey);
}

TEST_F(ContainerTest, UnknownKeysAddNothing) {
  TAM_ROW("A13");
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport opened,
                           Open(*cose::Sign1(stranger_, cbor::AsBytes(report_))));
  EXPECT_EQ(opened.report, FailedReport());
  EXPECT_EQ(opened.protection, ReportProtection::kUnknownKey);
  EXPECT_EQ(opened.signed_by, std::nullopt);
  cbor::Writer mac;
  mac.Tag(17).Array(4).ByteString(std::string("\xa1\x01\x05")).MapHead(0);
  mac.ByteString(report_).ByteString(std::string(32, 't'));
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport macced, Open(mac.bytes()));
  EXPECT_EQ(macced.protection, ReportProtection::kUnknownKey);
}

TEST_F(ContainerTest, ASignatureUnderAKnownKidMustVerify) {
  std::string wrapped = *cose::Sign1(report_key_, cbor::AsBytes(report_));
  wrapped.back() ^= 1;
  EXPECT_THAT(Open(wrapped).status(), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ContainerTest, OpensWhatIsEncrypted) {
  TAM_ROW("A13", "A14");
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport bare, Open(Sealed(report_)));
  EXPECT_EQ(bare.report, FailedReport());
  EXPECT_TRUE(bare.encrypted);
  EXPECT_EQ(bare.protection, ReportProtection::kNone);
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport inside,
                           Open(Sealed(*cose::Sign1(report_key_, cbor::AsBytes(report_)))));
  EXPECT_TRUE(inside.encrypted);
  EXPECT_EQ(inside.protection, ReportProtection::kVerified);
  EXPECT_THAT(Open(Sealed(report_, cose::kEatEncryption)).status(),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(Open(Sealed(Sealed(report_))).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want a report")));
  EXPECT_THAT(Open(*cose::Sign1(report_key_, cbor::AsBytes(Sealed(report_)))).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(OpenReport(cbor::AsBytes(Sealed(report_)), {}).status(),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("COSE_Encrypt")));
}

TEST_F(ContainerTest, NamesTheContainersItDoesNotOpen) {
  TAM_ROW("A13");
  const std::vector<std::pair<uint64_t, std::string>> cases = {
      {16, "COSE_Encrypt0"}, {97, "COSE_Mac"}, {98, "COSE_Sign"}};
  for (const auto& [tag, name] : cases) {
    cbor::Writer writer;
    writer.Tag(tag).Array(0);
    EXPECT_THAT(Open(writer.bytes()).status(),
                StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(name)));
  }
  EXPECT_THAT(Open(UintItem(1)).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("COSE container")));
  EXPECT_THAT(Open(*cose::Sign1(report_key_, cbor::AsBytes(report_), {.detached = true})).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got nil")));
}

TEST(ReportTest, TheNonceMustBeThereAndEqual) {
  Report report = FailedReport();
  EXPECT_TRUE(HasNonce(report, "0123456789abcdef"));
  EXPECT_FALSE(HasNonce(report, "0123456789abcdeg"));
  EXPECT_FALSE(HasNonce(report, "0123456789abcde"));
  EXPECT_FALSE(HasNonce(report, ""));
  report.nonce.reset();
  EXPECT_FALSE(HasNonce(report, ""));
}

TEST(ReportTest, ReasonsHaveNames) {
  EXPECT_EQ(ReportReasonName(ReportReason::kConditionFailed), "condition-failed");
  EXPECT_EQ(ReportReasonName(ReportReason::kInvokePending), "invoke-pending");
  EXPECT_EQ(ReportReasonName(static_cast<ReportReason>(77)), "unknown reason 77");
}

}  // namespace
}  // namespace tam::suit
