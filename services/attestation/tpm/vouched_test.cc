// An attestation key that a processor's report vouches for.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/snp/testing/platform.h"
#include "services/attestation/tpm/tpm_fixture.h"

namespace tam::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tpm::testing::Device;

// An Azure vTPM: the processor's report vouches for the key.
class VouchedTest : public TpmTest {
 protected:
  VouchedTest() {
    Take(device());
    json_ = tpm::testing::HclJson(device().ak().key);
    report_.report_data = tpm::testing::ReportDataFor(json_);
    Vouch();
    input_.public_area = device().ak().key.Spki();
    input_.certificates = platform().certificates();
    trusted_.anchors = {platform().ark().der};
  }

  static const snp::testing::Platform& platform() {
    static const auto& platform = *new snp::testing::Platform();
    return platform;
  }

  void Vouch() {
    input_.collateral["hcl_report"] = tpm::testing::HclReportOf(platform().Report(report_), json_);
  }

  std::string json_;
  snp::testing::ReportSpec report_;
};

TEST_F(VouchedTest, AProcessorsReportMakesAKeyTrusted) {
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(verdict.refused, IsEmpty());
  EXPECT_EQ(verdict.claims->platform_class, "Milan");
  EXPECT_EQ(verdict.claims->measurements.at("snp.measurement"), std::string(48, 'm'));
  EXPECT_EQ(verdict.claims->details.at("ak_trust"), "hardware report");
}

TEST_F(VouchedTest, EachFlippedByteOfTheReportIsRefused) {
  std::string& report = input_.collateral["hcl_report"];
  std::vector<size_t> taken;
  for (size_t i = 0; i < report.size(); ++i) {
    const char kept = report[i];
    report[i] = static_cast<char>(kept ^ 1 << i % 8);
    if (Verify().authentic()) taken.push_back(i);
    report[i] = kept;
  }
  // 16 bytes of the head, of which nothing is known, and nothing is read.
  EXPECT_THAT(taken, ElementsAre(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31));
  for (size_t size = 0; size < report.size() - 10; ++size) {
    const std::string whole = report;
    report.resize(size);
    EXPECT_FALSE(Verify().authentic()) << size;
    report = whole;
  }
}

TEST_F(VouchedTest, AnotherKeyOrReportDoesNotVouch) {
  json_ = tpm::testing::HclJson(Device().ak().key);
  Vouch();
  EXPECT_EQ(Why(Verify()), "hcl_report.report_data");
  report_.report_data = tpm::testing::ReportDataFor(json_);
  Vouch();
  EXPECT_EQ(Why(Verify()), "hcl_report.key");
  json_ = R"({"keys":[]})";
  report_.report_data = tpm::testing::ReportDataFor(json_);
  Vouch();
  EXPECT_EQ(Why(Verify()), "hcl_report.json");
  json_ = "{";
  report_.report_data = tpm::testing::ReportDataFor(json_);
  Vouch();
  EXPECT_EQ(Why(Verify()), "hcl_report.json");
  trusted_.anchors.clear();
  EXPECT_EQ(Why(Verify()), "hcl_report.chain[1].issuer");
}

TEST_F(VouchedTest, WhatIsWrongWithTheProcessorIsWrongWithItsTpm) {
  report_.policy = 0xb0000;
  Vouch();
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(Claims(verdict.refused), ElementsAre("hcl_report.policy.debug"));
  EXPECT_TRUE(verdict.claims->debug);
}

TEST_F(VouchedTest, ARegisteredKeyThatItsReportDoesNotVouchForIsRefused) {
  trusted_.key_infos = {device().ak().key.Spki()};
  trusted_.anchors.clear();
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  EXPECT_THAT(Claims(verdict.refused), ElementsAre("hcl_report.chain[1].issuer"));
}

}  // namespace
}  // namespace tam::attestation
