// Real reports: the cases of the public vectors, and each byte of a report and of its certificate
// flipped.
#include <iostream>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "services/attestation/snp/snp.h"

namespace tam::attestation {
namespace {

using testing::Case;

std::vector<Case> LoadOrDie() {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, "sev-snp");
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? *std::move(cases) : std::vector<Case>();
}

TEST(SnpVectorsTest, CasesGetTheirVerdicts) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  // Which is found first, of the certificate's TCB and the signature, is the verifier's business.
  const auto tally = testing::RunCases(cases, VerifySnp, {}, {{"reported_tcb", "certificate"}});
  std::cout << "sev-snp: " << tally.summary << std::endl;
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(tally.cases, 26);
}

TEST(SnpVectorsTest, EachFlippedByteIsRefused) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  int refused = 0;
  for (const Case& c : cases) {
    if (c.id != "sev-snp/virtee-milan" && c.id != "sev-snp/azure-genoa") continue;
    ASSERT_TRUE(VerifySnp(c.Input(), c.trusted, c.subject).authentic());
    for (size_t i = 0; i < c.evidence.size(); ++i) {
      Case flipped = c;
      flipped.evidence[i] = static_cast<char>(flipped.evidence[i] ^ 1 << i % 8);
      const bool taken = VerifySnp(flipped.Input(), c.trusted, c.subject).authentic();
      EXPECT_FALSE(taken) << c.id << " byte " << i;
      refused += !taken;
    }
    for (size_t i = 0; i < c.input.certificates[0].size(); ++i) {
      Case flipped = c;
      char& byte = flipped.input.certificates[0][i];
      byte = static_cast<char>(byte ^ 1 << i % 8);
      const bool taken = VerifySnp(flipped.Input(), c.trusted, c.subject).authentic();
      EXPECT_FALSE(taken) << c.id << " byte " << i << " of the VCEK";
      refused += !taken;
    }
  }
  std::cout << "sev-snp: " << refused << " flipped bytes refused, 0 uncovered" << std::endl;
}

}  // namespace
}  // namespace tam::attestation
