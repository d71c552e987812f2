// The public cases of SGX and TDX quotes: each its outcome, its TCB, its verdict and a reason of
// the kind that it names; and each byte of real quotes and collateral.
#include "services/attestation/evidence/testing/cases.h"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/attestation/dcap/verifier.h"
#include "services/attestation/evidence/testing/judge.h"
#include "tests/support/vectors.h"

namespace tam::attestation {
namespace {

using testing::Case;

std::vector<Case> Load(std::string_view format) {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) return {};
  auto cases = testing::LoadCases(*folder, format);
  EXPECT_TRUE(cases.ok()) << cases.status();
  return cases.ok() ? *std::move(cases) : std::vector<Case>();
}

const Case* Find(const std::vector<Case>& cases, std::string_view id) {
  for (const Case& c : cases) {
    if (c.id == id) return &c;
  }
  return nullptr;
}

EvidenceVerdict Verify(const Case& c) {
  return c.format == "tdx" ? VerifyTdx(c.Input(), c.trusted, c.subject)
                           : VerifySgx(c.Input(), c.trusted, c.subject);
}

class CasesTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!testing::PublicCases().has_value()) GTEST_SKIP() << "TAM_VECTORS has no such folder";
  }
};

TEST_P(CasesTest, GetTheirVerdicts) {
  const std::string format = GetParam();
  const std::vector<Case> cases = Load(format);
  ASSERT_FALSE(cases.empty());
  const auto cold = [&](const EvidenceInput& evidence, const TrustedInput& trusted,
                        const Subject& subject) {
    return format == "tdx" ? VerifyTdx(evidence, trusted, subject)
                           : VerifySgx(evidence, trusted, subject);
  };
  const testing::Tally tally = testing::RunCases(cases, cold);
  std::cout << format << ", cold: " << tally.summary << std::endl;
  EXPECT_THAT(tally.failures, ::testing::IsEmpty());
  // The same with a cache that all cases share, twice.
  dcap::PlatformCache cache(64);
  const auto warm = [&](const EvidenceInput& evidence, const TrustedInput& trusted,
                        const Subject& subject) {
    const dcap::Trust trust(trusted);
    (format == "tdx" ? VerifyTdx(evidence, trust, subject, cache)
                     : VerifySgx(evidence, trust, subject, cache));
    return format == "tdx" ? VerifyTdx(evidence, trust, subject, cache)
                           : VerifySgx(evidence, trust, subject, cache);
  };
  const testing::Tally again = testing::RunCases(cases, warm);
  std::cout << format << ", warm: " << again.summary << "; cache hits " << cache.counts().hits
            << ", misses " << cache.counts().misses << std::endl;
  EXPECT_THAT(again.failures, ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Formats, CasesTest, ::testing::Values("sgx", "tdx"));

// The values that a parser must find, by the names that claims give them.
std::string Fact(const EvidenceClaims& claims, const std::string& name) {
  const auto number = [&](const char* key) {
    const auto found = claims.numbers.find(key);
    return found == claims.numbers.end() ? "" : std::to_string(found->second);
  };
  const auto detail = [&](const char* key) {
    const auto found = claims.details.find(key);
    return found == claims.details.end() ? "" : found->second;
  };
  if (name == "version") return number("quote.version");
  if (name == "qe_isvsvn") return number("qe.isvsvn");
  if (name == "trailing_zero_bytes") return number("quote.trailing_zero_bytes");
  if (name == "isvprodid" || name == "isvsvn") return number(name.c_str());
  if (name == "fmspc") return claims.platform_class;
  if (name == "ppid") return claims.instance;
  if (name == "pck_serial") return "0x" + detail("pck.serial");
  if (name == "debug") return claims.debug ? "true" : "false";
  if (name == "attr") return detail("attributes");
  if (name == "tdattr") return detail("tdattributes");
  if (const std::string text = detail(name.c_str()); !text.empty()) return text;
  const auto measured = claims.measurements.find(name);
  return measured == claims.measurements.end() ? "" : absl::BytesToHexString(measured->second);
}

TEST(FactsTest, AreInTheClaims) {
  const auto folder = testing::PublicCases();
  if (!folder.has_value()) GTEST_SKIP() << "TAM_VECTORS has no such folder";
  std::vector<Case> cases = Load("sgx");
  for (Case& c : Load("tdx")) cases.push_back(std::move(c));
  int facts = 0;
  for (const auto& row : tam::testing::ReadCases(*folder + "/cases.json")) {
    const Case* const c = Find(cases, tam::testing::Value(row, "id"));
    if (c == nullptr || !c->expected.authentic) continue;
    const EvidenceVerdict verdict = Verify(*c);
    ASSERT_TRUE(verdict.claims.has_value()) << c->id;
    for (const auto& [key, value] : row) {
      constexpr std::string_view kPrefix = "facts.";
      if (!key.starts_with(kPrefix) || key.find("pck_window") != std::string::npos) continue;
      EXPECT_EQ(Fact(*verdict.claims, key.substr(kPrefix.size())), value) << c->id << " " << key;
      ++facts;
    }
  }
  std::cout << facts << " facts compared" << std::endl;
  EXPECT_GT(facts, 100);
}

class FlipTest : public ::testing::TestWithParam<const char*> {};

// One bit of each byte, another in each.
TEST_P(FlipTest, EachByteOfARealQuoteIsRefused) {
  const std::string id = GetParam();
  const std::vector<Case> cases = Load(id.substr(0, 3));
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS has no such folder";
  const Case* const good = Find(cases, id);
  ASSERT_NE(good, nullptr);
  ASSERT_TRUE(Verify(*good).authentic());
  dcap::PlatformCache cache(64);
  const dcap::Trust trust(good->trusted);
  std::vector<size_t> accepted;
  std::string evidence = good->evidence;
  for (size_t i = 0; i < evidence.size(); ++i) {
    const char was = evidence[i];
    evidence[i] = static_cast<char>(was ^ (1 << (i % 8)));
    EvidenceInput input = good->input;
    input.evidence = Bytes(reinterpret_cast<const uint8_t*>(evidence.data()), evidence.size());
    const EvidenceVerdict verdict = good->format == "tdx"
                                        ? VerifyTdx(input, trust, good->subject, cache)
                                        : VerifySgx(input, trust, good->subject, cache);
    if (verdict.authentic()) accepted.push_back(i);
    evidence[i] = was;
  }
  std::cout << id << ": " << evidence.size() << " bytes flipped, accepted " << accepted.size()
            << std::endl;
  EXPECT_THAT(accepted, ::testing::IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Samples, FlipTest,
                         ::testing::Values("sgx/phala-00a067110000", "sgx/intel-qvl-test-root",
                                           "tdx/phala-b0c06f000000",
                                           "tdx/phala-90c06f000000-v5-no-level"));

TEST(CollateralFlipTest, EachByteOfRealCollateralIsRefused) {
  const std::vector<Case> cases = Load("tdx");
  if (cases.empty()) GTEST_SKIP() << "TAM_VECTORS has no such folder";
  const Case* const good = Find(cases, "tdx/phala-b0c06f000000");
  ASSERT_NE(good, nullptr);
  // The CRL's chain is not used: the list must be by the issuer in the quote.
  for (const std::string name : {"root_ca_crl", "pck_crl", "tcb_info", "tcb_info_issuer_chain",
                                 "qe_identity", "qe_identity_issuer_chain"}) {
    Case c = *good;
    std::string& content = c.trusted.collateral.at(name);
    std::vector<size_t> accepted;
    for (size_t i = 0; i < content.size(); ++i) {
      content[i] = static_cast<char>(content[i] ^ (1 << (i % 8)));
      if (Verify(c).authentic()) accepted.push_back(i);
      content[i] = static_cast<char>(content[i] ^ (1 << (i % 8)));
    }
    std::cout << name << ": " << content.size() << " bytes flipped, accepted " << accepted.size()
              << std::endl;
    EXPECT_THAT(accepted, ::testing::IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace tam::attestation
