#include "teep/suit/report.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/commands.h"
#include "teep/suit/testing/manifest_builder.h"
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

TEST(ReportTest, OpensABareReportAndASignedOne) {
  const std::string bytes = Encoded(FailedReport());
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport bare, OpenReport(cbor::AsBytes(bytes), {}));
  EXPECT_EQ(bare.report, FailedReport());
  EXPECT_EQ(bare.signed_by, std::nullopt);

  TAM_ASSERT_OK_AND_ASSIGN(const auto key, keys::PrivateKey::Generate(keys::KeyType::kP256));
  TAM_ASSERT_OK_AND_ASSIGN(const auto other, keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string wrapped, cose::Sign1(key, cbor::AsBytes(bytes)));
  const keys::PublicKey known[] = {other.public_key(), key.public_key()};
  TAM_ASSERT_OK_AND_ASSIGN(const ContainedReport opened, OpenReport(cbor::AsBytes(wrapped), known));
  EXPECT_EQ(opened.report, FailedReport());
  EXPECT_EQ(opened.signed_by, key.public_key().thumbprint());
  const keys::PublicKey unknown[] = {other.public_key()};
  EXPECT_THAT(OpenReport(cbor::AsBytes(wrapped), unknown),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("none of the 1 report keys")));
}

TEST(ReportTest, NamesTheContainersItDoesNotOpen) {
  const std::vector<std::pair<uint64_t, std::string>> cases = {
      {16, "COSE_Encrypt0"}, {17, "COSE_Mac0"}, {96, "COSE_Encrypt"}, {98, "COSE_Sign"}};
  for (const auto& [tag, name] : cases) {
    cbor::Writer writer;
    writer.Tag(tag).Array(0);
    EXPECT_THAT(OpenReport(cbor::AsBytes(writer.bytes()), {}),
                StatusIs(absl::StatusCode::kUnimplemented, HasSubstr(name)));
  }
  EXPECT_THAT(OpenReport(cbor::AsBytes(UintItem(1)), {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("COSE container")));
}

TEST(ReportTest, ReasonsHaveNames) {
  EXPECT_EQ(ReportReasonName(ReportReason::kConditionFailed), "condition-failed");
  EXPECT_EQ(ReportReasonName(ReportReason::kInvokePending), "invoke-pending");
  EXPECT_EQ(ReportReasonName(static_cast<ReportReason>(77)), "unknown reason 77");
}

}  // namespace
}  // namespace tam::suit
