// The Passport model and timestamps in place of nonces, between the programs; teepsim plays the
// Verifier as well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/process.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;

class PassportModelTest : public SharedTamTest {
 protected:
  void SetUpTam() override {
    scenario().Do("operator", {"endpoint", "create", "passport", "--attestation", "--passport"});
    scenario().Do("operator", {"endpoint", "create", "timed", "--attestation", "--timestamps"});
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "payload");
    scenario().Deploy("sample");
    for (const char* name : {"verifier", "stranger"}) MakeKey(name);
    scenario().Do("operator", {"attestation", "policy", "set", "--verifier-key",
                               stack().Path("verifier.pub.pem")});
  }

  static void MakeKey(const std::string& name) {
    const std::string key = stack().Path(name + ".key");
    ASSERT_EQ(
        RunProcess({"openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key})
            ->exit_code,
        0);
    ASSERT_EQ(RunProcess(
                  {"openssl", "ec", "-in", key, "-pubout", "-out", stack().Path(name + ".pub.pem")})
                  ->exit_code,
              0);
  }

  static Finished SessionAt(const std::string& endpoint, const std::string& device,
                            const std::vector<std::string>& flags) {
    std::vector<std::string> args = {"run",
                                     "--state",
                                     scenario().Folder(device),
                                     "--tam",
                                     stack().TamUrl("/tam/demo/" + endpoint),
                                     "--once"};
    args.insert(args.end(), flags.begin(), flags.end());
    return stack().Teepsim(args);
  }
};

INSTANTIATE_TEST_SUITE_P(Together, PassportModelTest,
                         ::testing::ValuesIn(OnlyIn(Layout::kTogether)), LayoutName);

TEST_P(PassportModelTest, AResultOfAnAcceptedVerifierInstalls) {
  TAM_ROW("T-57", "A7");
  scenario().AddDevice("bearer");
  const Finished done =
      SessionAt("passport", "bearer", {"--passport-verifier-key", stack().Path("verifier.key")});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
  EXPECT_THAT(done.out, HasSubstr("attestation result of its own Verifier"));
  EXPECT_EQ(scenario().OnDisk("bearer"), "payload");
}

TEST_P(PassportModelTest, AResultOfAnotherVerifierInstallsNothing) {
  scenario().AddDevice("pretender");
  const Finished done =
      SessionAt("passport", "pretender", {"--passport-verifier-key", stack().Path("stranger.key")});
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_THAT(done.err, HasSubstr("ERR_ATTESTATION_REQUIRED"));
  EXPECT_EQ(scenario().OnDisk("pretender"), "");
}

TEST_P(PassportModelTest, TimestampedEvidenceInstallsWhereTheEndpointTakesIt) {
  scenario().AddDevice("punctual");
  const Finished done = SessionAt("timed", "punctual", {"--freshness", "timestamp"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
  EXPECT_EQ(scenario().OnDisk("punctual"), "payload");

  scenario().AddDevice("hasty");
  const Finished refused = SessionAt("main", "hasty", {"--freshness", "timestamp"});
  EXPECT_EQ(refused.exit_code, 1) << "nonces alone";
  EXPECT_EQ(scenario().OnDisk("hasty"), "");
}

}  // namespace
}  // namespace tam::testing
