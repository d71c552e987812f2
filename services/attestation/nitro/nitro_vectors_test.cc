// Real documents: the cases of the public vectors, and each byte of one flipped.
#include <iostream>
#include <string>

#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "services/attestation/nitro/nitro.h"

namespace tam::attestation {
namespace {

using testing::Case;

std::vector<Case> LoadOrDie() {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, "aws-nitro");
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? *std::move(cases) : std::vector<Case>();
}

TEST(NitroVectorsTest, CasesGetTheirVerdicts) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  // A bit of the bundle's root: the reference could not parse the certificate, and nor can we.
  const auto tally = testing::RunCases(cases, VerifyNitro, {}, {{"chain[4]", "form"}});
  std::cout << "aws-nitro: " << tally.summary << std::endl;
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(tally.cases, 11);
}

TEST(NitroVectorsTest, EachFlippedByteIsRefused) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  int refused = 0;
  for (const Case& c : cases) {
    if (c.id != "aws-nitro/evervault-valid") continue;
    ASSERT_TRUE(VerifyNitro(c.Input(), c.trusted, c.subject).authentic());
    Case flipped = c;
    for (size_t i = 0; i < c.evidence.size(); ++i) {
      flipped.evidence[i] = static_cast<char>(c.evidence[i] ^ 1 << i % 8);
      const bool taken = VerifyNitro(flipped.Input(), c.trusted, c.subject).authentic();
      EXPECT_FALSE(taken) << i;
      refused += !taken;
      flipped.evidence[i] = c.evidence[i];
    }
  }
  std::cout << "aws-nitro: " << refused << " flipped bytes refused, 0 uncovered" << std::endl;
}

}  // namespace
}  // namespace tam::attestation
