#include "services/attestation/tpm/event_log.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/tpm/structures.h"
#include "services/attestation/tpm/testing/device.h"
#include "services/attestation/tpm/tpm.h"

namespace tam::attestation {
namespace {

using cbor::AsBytes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tpm::EventLog;
using tpm::ReplayEventLog;
using tpm::testing::Device;
using tpm::testing::EventLogOf;
using tpm::testing::LogEvent;
using tpm::testing::SecureBootVariable;

std::string Sha256(const std::string& bytes) {
  return verify::Digest(verify::Hash::kSha256, AsBytes(bytes));
}

std::string Why(const std::variant<EventLog, Finding>& outcome) {
  const auto* wrong = std::get_if<Finding>(&outcome);
  return wrong == nullptr ? "" : wrong->claim;
}

const std::vector<LogEvent>& Events() {
  static const auto& events = *new std::vector<LogEvent>{
      {0, 8, "version", ""},
      {7, 0x80000001, SecureBootVariable(true), ""},
      {7, 4, std::string(4, '\0'), ""},
      {4, 13, "text that is not what was measured", std::string(32, 'd')}};
  return events;
}

TEST(EventLogTest, LeadsToThePcrs) {
  const auto outcome = ReplayEventLog(EventLogOf(Events()));
  ASSERT_EQ(Why(outcome), "");
  const EventLog& log = std::get<EventLog>(outcome);
  const std::string zeros(32, '\0');
  const auto& pcrs = log.pcrs.at(tpm::kSha256);
  EXPECT_EQ(pcrs.at(0), Sha256(zeros + Sha256("version")));
  EXPECT_EQ(pcrs.at(4), Sha256(zeros + std::string(32, 'd')));
  EXPECT_EQ(pcrs.at(7), Sha256(Sha256(zeros + Sha256(SecureBootVariable(true))) +
                               Sha256(std::string(4, '\0'))));
  EXPECT_EQ(log.events, 4u);
  EXPECT_EQ(log.secure_boot, true);
}

TEST(EventLogTest, TheFirstOfTwoSaysHowItBooted) {
  const auto outcome = ReplayEventLog(EventLogOf({{7, 0x80000001, SecureBootVariable(false), ""},
                                                  {7, 0x80000001, SecureBootVariable(true), ""}}));
  EXPECT_EQ(std::get<EventLog>(outcome).secure_boot, false);
}

TEST(EventLogTest, LocalityIsWherePcr0Begins) {
  const std::string locality = std::string("StartupLocality\0", 16) + '\3';
  const auto outcome = ReplayEventLog(EventLogOf({{0, 3, locality, ""}, {0, 8, "v", ""}}));
  ASSERT_EQ(Why(outcome), "");
  const std::string begin = std::string(31, '\0') + '\3';
  EXPECT_EQ(std::get<EventLog>(outcome).pcrs.at(tpm::kSha256).at(0), Sha256(begin + Sha256("v")));
}

TEST(EventLogTest, DataThatItsDigestDoesNotCoverIsRefused) {
  for (const uint32_t type : {4u, 5u, 8u, 0x80000001u, 0x80000006u, 0x80000007u}) {
    EXPECT_EQ(Why(ReplayEventLog(EventLogOf({{7, type, "data", std::string(32, 'd')}}))),
              "event_log.digest");
  }
}

TEST(EventLogTest, IsBounded) {
  EXPECT_EQ(Why(ReplayEventLog("")), "event_log.form");
  EXPECT_EQ(Why(ReplayEventLog(std::string(tpm::kMaxEventLogBytes + 1, '\0'))), "event_log.size");
  EXPECT_EQ(Why(ReplayEventLog(EventLogOf(
                std::vector<LogEvent>(tpm::kMaxEvents + 1, {1, 6, "", std::string(32, 'd')})))),
            "event_log.size");
  EXPECT_EQ(Why(ReplayEventLog(EventLogOf({{24, 6, "", std::string(32, 'd')}}))), "event_log.form");
  const std::string log = EventLogOf(Events());
  size_t whole = 0;
  for (size_t size = 0; size < log.size(); ++size) {
    whole += Why(ReplayEventLog(log.substr(0, size))).empty();
  }
  EXPECT_EQ(whole, Events().size());  // where an event ends
  EXPECT_EQ(Why(ReplayEventLog(log + '\0')), "event_log.length");
  std::string huge = log;
  huge.replace(28, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(Why(ReplayEventLog(huge)), "event_log.form");
}

// With a quote: the log must lead to what was quoted.
class QuotedLogTest : public ::testing::Test {
 protected:
  EvidenceVerdict Verify(const std::string& log, const tpm::testing::Pcrs& pcrs) {
    static const auto& device = *new Device();
    const std::string attest = device.Quote({.pcrs = pcrs});
    EvidenceInput input;
    input.evidence = AsBytes(attest);
    input.signature = device.Sign(attest);
    input.public_area = device.PublicArea();
    input.pcrs = pcrs;
    input.event_log = log;
    TrustedInput trusted;
    trusted.key_infos = {device.ak().key.Spki()};
    return VerifyTpm(input, trusted, {absl::FromUnixSeconds(1'800'000'000), std::nullopt});
  }

  tpm::testing::Pcrs Right() {
    return std::get<EventLog>(ReplayEventLog(EventLogOf(Events()))).pcrs;
  }
};

TEST_F(QuotedLogTest, ALogThatHoldsGivesClaims) {
  const EvidenceVerdict verdict = Verify(EventLogOf(Events()), Right());
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_EQ(verdict.claims->numbers.at("secure_boot"), 1u);
  EXPECT_EQ(verdict.claims->numbers.at("event_log.events"), 4u);
}

TEST_F(QuotedLogTest, ALogThatDoesNotIsRefusedAndGivesNone) {
  auto pcrs = Right();
  pcrs[tpm::kSha256][7] = std::string(32, 'x');
  const EvidenceVerdict verdict = Verify(EventLogOf(Events()), pcrs);
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].claim, "event_log.pcr.sha256.7");
  EXPECT_EQ(verdict.claims->numbers.count("secure_boot"), 0u);
  ASSERT_EQ(Verify("x", Right()).refused.size(), 1u);
  EXPECT_EQ(Verify("x", Right()).refused[0].claim, "event_log.form");
}

TEST_F(QuotedLogTest, ALogOfPcrsThatWereNotQuotedSaysNothing) {
  const EvidenceVerdict verdict =
      Verify(EventLogOf(Events()), {{tpm::kSha256, {{16, std::string(32, '0')}}}});
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_EQ(verdict.claims->numbers.count("secure_boot"), 0u);
  EXPECT_EQ(verdict.claims->numbers.count("event_log.events"), 0u);
}

}  // namespace
}  // namespace tam::attestation
