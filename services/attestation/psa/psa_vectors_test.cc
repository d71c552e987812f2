// Public PSA tokens with the verdicts that they must get, and each byte of the good ones flipped.
#include <cstdio>
#include <map>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "services/attestation/psa/psa.h"

namespace tam::attestation {
namespace {

using testing::Case;

std::vector<Case> Cases() {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, "psa");
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? *std::move(cases) : std::vector<Case>();
}

TEST(PsaVectors, EachCaseGetsItsVerdict) {
  const std::vector<Case> cases = Cases();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  const testing::Tally tally = testing::RunCases(cases, VerifyPsa);
  std::printf("psa: %s\n", tally.summary.c_str());
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(tally.cases, 62);
}

// The signature covers the protected bucket and the payload; head, tag and the empty unprotected
// bucket are checked: nothing is left.
TEST(PsaVectors, EachFlippedByteIsRefused) {
  const std::vector<Case> cases = Cases();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  size_t flips = 0;
  for (const Case& c : cases) {
    if (!c.expected.authentic) continue;
    std::string spoilt = c.evidence;
    EvidenceInput input = c.input;
    for (size_t i = 0; i < spoilt.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit, ++flips) {
        spoilt[i] ^= static_cast<char>(1 << bit);
        input.evidence = cbor::AsBytes(spoilt);
        const EvidenceVerdict verdict = VerifyPsa(input, c.trusted, c.subject);
        EXPECT_FALSE(verdict.authentic()) << c.id << " byte " << i << " bit " << bit;
        spoilt[i] = c.evidence[i];
      }
    }
  }
  std::printf("psa: %zu flipped bits refused\n", flips);
  EXPECT_GT(flips, 8u * 1000);
}

// What the samples say, as other parsers read them.
TEST(PsaVectors, ClaimsAreThoseOfTheSamples) {
  std::map<std::string, Case> cases;
  for (Case& c : Cases()) cases[c.id] = c;
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  const Case& c = cases.at("psa/tfm-psa-2.0.0");
  const EvidenceVerdict verdict = VerifyPsa(c.Input(), c.trusted, c.subject);
  ASSERT_TRUE(verdict.claims.has_value());
  const EvidenceClaims& claims = *verdict.claims;
  EXPECT_EQ(claims.instance, "01fa58755f658627ce5460f29b75296713248cae7ad9e2984b90280efcbcb50248");
  EXPECT_EQ(claims.platform_class,
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd");
  EXPECT_TRUE(claims.key_is_the_devices);
  EXPECT_EQ(claims.key, c.trusted.keys[0].thumbprint());
  EXPECT_EQ(claims.measurements.size(), 2u);
  EXPECT_EQ(HexText(claims.measurements.at("SPE")),
            "96a2ec56c65120a60ce3a53ef8d2082233772aacd5b17935a92be12ac577f685");
  EXPECT_EQ(claims.details.at("SPE.version"), "1.6.0");
  EXPECT_EQ(claims.details.at("certification_reference"), "0604565272829-10010");
  EXPECT_EQ(claims.numbers.at("lifecycle"), 12288u);
  EXPECT_EQ(claims.details.at("client_id"), "3002");
  EXPECT_EQ(UnverifiedPsaInstance(cbor::AsBytes(c.evidence)).value_or("").size(), 33u);
}

}  // namespace
}  // namespace tam::attestation
