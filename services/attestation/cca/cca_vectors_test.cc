// Public CCA tokens with the verdicts that they must get, and each byte of the good ones flipped.
#include <cstdio>
#include <map>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/cca/cca.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "tests/support/vectors.h"

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

// The name in cases.json of what a claim must be.
struct Fact {
  std::string name;
  std::string claim;
};

std::vector<Fact> FactsOf(const EvidenceClaims& claims) {
  const auto measured = [&claims](const std::string& name) {
    return HexText(claims.measurements.at(name));
  };
  std::vector<Fact> facts = {{"platform_profile", claims.details.at("platform.profile")},
                             {"lifecycle", std::to_string(claims.numbers.at("platform.lifecycle"))},
                             {"implementation_id", claims.platform_class},
                             {"instance_id", claims.instance},
                             {"rim", measured("rim")},
                             {"rpv", measured("personalization")}};
  for (const char* index : {"0", "1", "2", "3"}) {
    facts.push_back({std::string("rems.") + index, measured(std::string("rem") + index)});
  }
  return facts;
}

// What the samples say, as another parser read them.
TEST(CcaVectors, ClaimsAreThoseOfTheSamples) {
  std::map<std::string, Case> cases;
  for (Case& c : Cases()) cases[c.id] = c;
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  int facts = 0;
  for (const auto& row : tam::testing::ReadCases(*testing::PublicCases() + "/cases.json")) {
    const auto found = cases.find(tam::testing::Value(row, "id"));
    if (found == cases.end() || !row.contains("facts.rim")) continue;
    const Case& c = found->second;
    if (!c.expected.authentic) continue;
    const EvidenceVerdict verdict = VerifyCca(c.Input(), c.trusted, c.subject);
    ASSERT_TRUE(verdict.claims.has_value()) << c.id;
    for (const Fact& fact : FactsOf(*verdict.claims)) {
      ++facts;
      EXPECT_EQ(fact.claim, tam::testing::Value(row, "facts." + fact.name))
          << c.id << ": " << fact.name;
    }
    EXPECT_FALSE(verdict.claims->key_is_the_devices);
    EXPECT_EQ(UnverifiedCcaInstance(cbor::AsBytes(c.evidence)).value_or("").size(), 33u);
  }
  std::printf("cca: %d facts compared\n", facts);
  EXPECT_GE(facts, 20);
}

}  // namespace
}  // namespace tam::attestation
