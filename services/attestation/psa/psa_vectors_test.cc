// Public PSA tokens with the verdicts that they must get, and each byte of the good ones flipped.
#include <cstdio>
#include <map>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "services/attestation/psa/psa.h"
#include "tests/support/vectors.h"

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

// The name in cases.json of what a claim must be.
struct Fact {
  const char* name;
  std::string claim;
};

std::vector<Fact> FactsOf(const EvidenceClaims& claims) {
  const auto detail = [&claims](const char* name) {
    const auto found = claims.details.find(name);
    return found == claims.details.end() ? std::string() : found->second;
  };
  return {{"profile", detail("profile")},
          {"client_id", detail("client_id")},
          {"lifecycle", std::to_string(claims.numbers.at("lifecycle"))},
          {"implementation_id", claims.platform_class},
          {"boot_seed", detail("boot_seed")},
          {"instance_id", claims.instance},
          {"certification_reference", detail("certification_reference")}};
}

int CompareComponents(const tam::testing::VectorCase& row, const EvidenceClaims& claims) {
  for (int i = 0;; ++i) {
    const std::string path = "facts.sw_components." + std::to_string(i) + ".";
    const std::string type = tam::testing::Value(row, path + "1");
    if (type.empty()) return 3 * i;
    EXPECT_EQ(HexText(claims.measurements.at(type)), tam::testing::Value(row, path + "2"));
    EXPECT_EQ(claims.details.at(type + ".signer_id"), tam::testing::Value(row, path + "5"));
    const auto version = claims.details.find(type + ".version");
    EXPECT_EQ(version == claims.details.end() ? "" : version->second,
              tam::testing::Value(row, path + "4"));
  }
}

// What the samples say, as another parser read them.
TEST(PsaVectors, ClaimsAreThoseOfTheSamples) {
  std::map<std::string, Case> cases;
  for (Case& c : Cases()) cases[c.id] = c;
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS is not set";
  int facts = 0;
  for (const auto& row : tam::testing::ReadCases(*testing::PublicCases() + "/cases.json")) {
    const auto found = cases.find(tam::testing::Value(row, "id"));
    if (found == cases.end() || !row.contains("facts.instance_id")) continue;
    const Case& c = found->second;
    const EvidenceVerdict verdict = VerifyPsa(c.Input(), c.trusted, c.subject);
    ASSERT_TRUE(verdict.claims.has_value()) << c.id;
    for (const Fact& fact : FactsOf(*verdict.claims)) {
      ++facts;
      EXPECT_EQ(fact.claim, tam::testing::Value(row, std::string("facts.") + fact.name))
          << c.id << ": " << fact.name;
    }
    facts += CompareComponents(row, *verdict.claims);
    EXPECT_EQ(verdict.claims->key, c.trusted.keys[0].thumbprint());
    EXPECT_EQ(UnverifiedPsaInstance(cbor::AsBytes(c.evidence)).value_or("").size(), 33u);
  }
  std::printf("psa: %d facts compared\n", facts);
  EXPECT_GE(facts, 30);
}

}  // namespace
}  // namespace tam::attestation
