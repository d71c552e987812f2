#include "services/attestation/evidence/testing/cases.h"

#include <map>

#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/judge.h"

namespace tam::attestation::testing {
namespace {

EvidenceVerdict Refused(std::string claim) {
  return EvidenceVerdict::Unauthentic({std::move(claim), "right", "wrong"});
}

TEST(CasesTest, PublicOnesAreReadWhole) {
  const auto folder = PublicCases();
  if (!folder.has_value()) GTEST_SKIP() << "TAM_VECTORS is not set";
  const auto cases = LoadCases(*folder, "");
  ASSERT_TRUE(cases.ok()) << cases.status();
  std::map<std::string, int> counts;
  for (const Case& c : *cases) {
    ++counts[c.format];
    EXPECT_EQ(c.evidence.empty(), c.id.ends_with("/bad/empty")) << c.id;
    const size_t trusted =
        c.trusted.anchors.size() + c.trusted.keys.size() + c.trusted.mac_keys.size();
    EXPECT_EQ(trusted, c.id.starts_with("tpm2/azure") ? 0u : 1u) << c.id;
  }
  const std::map<std::string, int> want = {{"psa", 62},     {"tdx", 50},      {"sgx", 40},
                                           {"tpm2", 29},    {"cca", 28},      {"eat", 28},
                                           {"sev-snp", 26}, {"aws-nitro", 11}};
  EXPECT_EQ(counts, want);
}

TEST(CasesTest, AFolderWithoutCasesIsNamed) {
  EXPECT_EQ(LoadCases("/nonexistent", "").status().message(),
            "case : /nonexistent/cases.json: cannot be read");
}

TEST(JudgeTest, AReasonOfAnotherKindDiffers) {
  Expected expected;
  expected.verdict = "refuse";
  expected.reasons = {"quote signature", "parse: short"};
  EXPECT_TRUE(Compare(expected, OutcomeOf(Refused("quote.signature"))).none());
  EXPECT_TRUE(Compare(expected, OutcomeOf(Refused("evidence"))).none());
  const Differences differences = Compare(expected, OutcomeOf(Refused("debug")));
  EXPECT_EQ(differences.ToString(),
            "reasons: want form signature got (debug: want right, got wrong); ");
  EXPECT_TRUE(Compare(expected, OutcomeOf(Refused("debug")), {{"debug", "form"}}).none());
}

TEST(JudgeTest, OutcomeVerdictAndTcbAreCompared) {
  Expected expected;
  expected.authentic = true;
  expected.verdict = "warn";
  expected.tcb.emplace().platform = TcbStatus::kUpToDate;
  EvidenceVerdict verdict;
  verdict.claims.emplace().tcb.platform = TcbStatus::kUpToDate;
  verdict.warned = {{"lifecycle", "secured", "unknown"}};
  EXPECT_TRUE(Compare(expected, OutcomeOf(verdict)).none());
  verdict.claims->tcb.platform = TcbStatus::kOutOfDate;
  EXPECT_FALSE(Compare(expected, OutcomeOf(verdict)).tcb.empty());
  verdict.warned.clear();
  EXPECT_FALSE(Compare(expected, OutcomeOf(verdict)).verdict.empty());
  EXPECT_FALSE(Compare(expected, OutcomeOf(Refused("signature"))).crypto.empty());
}

TEST(JudgeTest, AnExceptionThatAgreesIsAFailure) {
  Case c;
  c.id = "a";
  c.expected.verdict = "refuse";
  const Verifier verifier = [](const EvidenceInput&, const TrustedInput&, const Subject&) {
    return Refused("signature");
  };
  EXPECT_TRUE(RunCases({c}, verifier).failures.empty());
  EXPECT_EQ(RunCases({c}, verifier, {{"a", "argued"}}).failures.size(), 1u);
  c.expected.authentic = true;
  EXPECT_EQ(RunCases({c}, verifier).failures.size(), 1u);
  EXPECT_TRUE(RunCases({c}, verifier, {{"a", "argued"}}).failures.empty());
}

}  // namespace
}  // namespace tam::attestation::testing
