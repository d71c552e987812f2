// Public CCA tokens with the verdicts that they must get, and each byte of the good ones flipped.
#include <cstdio>
#include <map>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/cca/cca.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"

namespace tam::attestation {
namespace {

using testing::Case;

std::vector<Case> Cases() {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, "cca");
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? *std::move(cases) : std::vector<Case>();
}

TEST(CcaVectors, EachCaseGetsItsVerdict) {
  const std::vector<Case> cases = Cases();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  // A realm's key that cannot be read is one of its form.
  const testing::Tally tally = testing::RunCases(cases, VerifyCca, {}, {{"public_key", "form"}});
  std::printf("cca: %s\n", tally.summary.c_str());
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(tally.cases, 28);
}

// Nothing is left that neither signature covers and nothing checks; see cca_forms_test.cc.
TEST(CcaVectors, EachFlippedByteIsRefused) {
  const std::vector<Case> cases = Cases();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  size_t flips = 0;
  for (const Case& c : cases) {
    if (!c.expected.authentic) continue;
    std::string spoilt = c.evidence;
    EvidenceInput input = c.input;
    for (size_t i = 0; i < spoilt.size(); ++i, ++flips) {
      spoilt[i] ^= static_cast<char>(1 << (i % 8));
      input.evidence = cbor::AsBytes(spoilt);
      const EvidenceVerdict verdict = VerifyCca(input, c.trusted, c.subject);
      EXPECT_FALSE(verdict.authentic()) << c.id << " byte " << i;
      spoilt[i] = c.evidence[i];
    }
  }
  std::printf("cca: %zu flipped bytes refused\n", flips);
  EXPECT_GT(flips, 5000u);
}

// What the samples say, as other parsers read them.
TEST(CcaVectors, ClaimsAreThoseOfTheSamples) {
  std::map<std::string, Case> cases;
  for (Case& c : Cases()) cases[c.id] = c;
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  const Case& c = cases.at("cca/draft-ffm-00");
  const EvidenceVerdict verdict = VerifyCca(c.Input(), c.trusted, c.subject);
  ASSERT_TRUE(verdict.claims.has_value());
  const EvidenceClaims& claims = *verdict.claims;
  EXPECT_EQ(claims.instance, "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918");
  EXPECT_EQ(claims.platform_class,
            "7f454c4602010100000000000000000003003e00010000005058000000000000");
  EXPECT_FALSE(claims.key_is_the_devices);
  EXPECT_EQ(HexText(claims.measurements.at("rim")),
            "311314ab73620350cf758834ae5c65d9e8c2dc7febe6e7d9654bbe864e300d49");
  EXPECT_EQ(HexText(claims.measurements.at("rem3")),
            "32c6afc627e55585c03155359f331a0e225f6840db947dd96efab81be2671939");
  EXPECT_EQ(HexText(claims.measurements.at("platform.RMM")),
            "a1fb50e6c86fae1679ef3351296fd6713411a08cf8dd1790a4fd05fae8688164");
  EXPECT_EQ(claims.numbers.at("platform.lifecycle"), 12291u);
  EXPECT_EQ(UnverifiedCcaInstance(cbor::AsBytes(c.evidence)).value_or("").size(), 33u);
}

}  // namespace
}  // namespace tam::attestation
