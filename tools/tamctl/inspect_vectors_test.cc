// Runs the tamctl binary on every test vector whose verdict follows from form or signature alone.
#include <cstdlib>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vectors.h"

namespace tam::tamctl {
namespace {

using ::tam::testing::ReadCases;
using ::tam::testing::Value;
using ::tam::testing::VectorCase;
using ::testing::HasSubstr;

std::string Binary() {
  return std::string(std::getenv("TEST_SRCDIR")) + "/" + std::getenv("TEST_WORKSPACE") +
         "/tools/tamctl/tamctl";
}

// Refused for what a TAM remembers of its sessions, which a file does not show.
const std::set<std::string>& NeedsASession() {
  static const auto& names = *new std::set<std::string>{
      "teep/generated/t-neg-token-unknown.cbor",  "teep/generated/t-neg-token-missing.cbor",
      "teep/generated/t-neg-tclist-missing.cbor", "teep/generated/t-neg-attest-missing.cbor",
      "teep/generated/t-neg-version-1.cbor",      "teep/generated/t-neg-ar-nonce-wrong.cbor",
      "teep/generated/t-neg-ar-cnf-other.cbor",   "suit/upload/t-neg-seq-rollback.cbor"};
  return names;
}

std::vector<std::string> KeysOf(const VectorCase& entry) {
  std::vector<std::string> keys;
  for (const char* member : {"ctx.signer", "ctx.signers.0", "ctx.signers.1", "ctx.reportSigner"}) {
    if (!Value(entry, member).empty()) keys.push_back(Value(entry, member));
  }
  // A verifier's signature inside COSE_Encrypt cannot be seen.
  const bool encrypted = Value(entry, "ctx.tamDecryptKey").empty() == false;
  if (!encrypted && !Value(entry, "ctx.verifier").empty()) {
    keys.push_back(Value(entry, "ctx.verifier"));
  }
  if (!keys.empty()) return keys;
  const std::string expect = Value(entry, "expect");
  if (expect.find("keys/suit-symmetric.json") != std::string::npos) {
    return {"keys/suit-symmetric.json"};
  }
  if (expect.find("keys/suit-fwenc-dependent") != std::string::npos) {
    keys.push_back("keys/suit-fwenc-dependent.priv.pem");
  }
  keys.push_back("keys/suit-example.priv.pem");
  return keys;
}

bool IsRefused(const std::string& verdict) {
  return verdict == "refused" || verdict == "drop" || verdict.rfind("answer:", 0) == 0;
}

TEST(InspectVectors, BinaryGivesEachTheVerdict) {
  const auto root = testing::VectorRoot();
  if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is unset";
  const std::string folder = *root + "/protocol/vectors/";
  static const auto& kinds =
      *new std::set<std::string>{"suit-envelope", "signed TEEP message", "NEGATIVE TEEP input",
                                 "developer upload", "NEGATIVE developer upload"};
  int ran = 0;
  for (const VectorCase& entry : ReadCases(folder + "index.json")) {
    const std::string file = Value(entry, "file");
    if (kinds.count(Value(entry, "kind")) == 0 || NeedsASession().count(file) > 0) continue;
    const std::string verdict = Value(entry, "verdict");
    std::vector<std::string> argv = {Binary(), "inspect", folder + file};
    for (const std::string& key : KeysOf(entry)) {
      argv.insert(argv.end(), {"--key", folder + key});
    }
    TAM_ASSERT_OK_AND_ASSIGN(const auto run, testing::RunProcess(argv));
    const int want = IsRefused(verdict) ? 1 : 0;
    std::cout << (run.exit_code == want ? "ok    " : "WRONG ") << run.exit_code << " " << verdict
              << " " << file << " | " << run.out.substr(0, run.out.find('\n')) << " | " << run.err
              << (run.err.empty() ? "\n" : "");
    EXPECT_EQ(run.exit_code, want) << file << ": " << verdict;
    if (want == 1) {
      EXPECT_THAT(run.err, HasSubstr(file)) << "a refusal has a reason";
    }
    ++ran;
  }
  EXPECT_GE(ran, 60);
}

}  // namespace
}  // namespace tam::tamctl
