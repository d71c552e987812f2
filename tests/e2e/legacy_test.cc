// Agents of the drafts up to -24: what they get at an endpoint of their own, and that they get
// nothing anywhere else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kOlder = {"--wire", "legacy", "--older-algorithms", "--no-kid",
                                         "--untagged"};

class LegacyPeersTest : public SharedTamTest {
 protected:
  // Device "one" is registered for "main" alone: the others come after it.
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    for (const char* attestation : {"--no-attestation", "--attestation"}) {
      scenario().Do("operator",
                    {"endpoint", "create",
                     attestation == std::string("--attestation") ? "old-attested" : "old",
                     attestation, "--wire-profile", "legacy", "--legacy-allow",
                     "older-algorithms,untagged,no-kid", "--legacy-sign1", "esp256"});
    }
    // The gateway keeps an endpoint's keys for seconds: they are there before it asks.
    scenario().AddDevice("older");
    scenario().AddDevice("older-2");
    scenario().Publish(1, "payload");
    SessionAt("main", "one", {"--untagged"});  // makes what the first of all sessions makes
  }

  static Finished SessionAt(const std::string& endpoint, const std::string& device,
                            const std::vector<std::string>& flags = kOlder) {
    std::vector<std::string> args = {"run",
                                     "--state",
                                     scenario().Folder(device),
                                     "--tam",
                                     stack().TamUrl("/tam/demo/" + endpoint),
                                     "--once"};
    args.insert(args.end(), flags.begin(), flags.end());
    return stack().Teepsim(args);
  }

  // What the TAM logged since the log was `before` bytes long.
  static std::string LogSince(size_t before) { return stack().TamdLog().substr(before); }
};

INSTANTIATE_TEST_SUITE_P(Together, LegacyPeersTest, ::testing::ValuesIn(OnlyIn(Layout::kTogether)),
                         LayoutName);

// In this order on one TAM: what requires attestation is deployed alone at first.
TEST_P(LegacyPeersTest, WhatRequiresAttestationIsNeverDeliveredThroughIt) {
  scenario().Deploy("attested-only");
  for (const char* endpoint : {"old", "old-attested"}) {
    const Finished done = SessionAt(endpoint, "older");
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
    EXPECT_THAT(done.out, HasSubstr("nothing more to say"));
    EXPECT_EQ(scenario().OnDisk("older"), "");
  }
  // It attested with success there, and still got nothing.
  EXPECT_EQ(stack().Sql("SELECT s.verdict FROM registry.device_state s JOIN registry.devices d "
                        "USING (tenant_id, device_id) WHERE d.name = 'older'"),
            "0\n");
  EXPECT_EQ(stack().Sql("SELECT count(*) FROM registry.updates"), "0\n");
}

TEST_P(LegacyPeersTest, AnOlderAgentCompletesASession) {
  // The older of two deployments of one component decides.
  scenario().Do("operator", {"deployment", "delete", "attested-only"});
  scenario().Do("operator", {"deployment", "create", "for-all", "--domain", "samples",
                             "--component", kManifestComponent, "--allow-unattested"});
  const Finished done = SessionAt("old", "older-2");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(scenario().OnDisk("older-2"), "payload") << done.out << stack().TamdLog();
  EXPECT_EQ(stack().Sql("SELECT count(*) FROM registry.device_manifests m JOIN registry.devices d "
                        "USING (tenant_id, device_id) WHERE d.name = 'older-2' "
                        "AND m.digest IS NOT NULL"),
            "1\n");
}

TEST_P(LegacyPeersTest, AKeyOfTheAttestedEndpointAloneIsNotHeard) {
  const std::string digest = stack().DatabaseDigest();
  const size_t before = stack().TamdLog().size();
  for (const char* endpoint : {"old", "old-attested"}) {
    const Finished done = SessionAt(endpoint, "one");
    EXPECT_THAT(done.out, HasSubstr("nothing more to say"));
  }
  EXPECT_EQ(stack().DatabaseDigest(), digest);
  EXPECT_THAT(LogSince(before), HasSubstr("no key of this endpoint verifies it"));
  EXPECT_EQ(scenario().OnDisk("one"), "");
}

TEST_P(LegacyPeersTest, TheDefaultEndpointRefusesAndTheLogSaysWhichRule) {
  const struct {
    std::vector<std::string> flags;
    std::string rule;
  } kCases[] = {
      {{"--untagged"}, "A4: untagged COSE"},
      {{"--no-kid"}, "4.1.2: no kid"},
      {{"--older-algorithms"}, "A3: alg -7 (ES256)"},
      {{"--wire", "legacy"}, "section 0: the numbering before -26"},
  };
  for (const auto& [flags, rule] : kCases) {
    const std::string digest = stack().DatabaseDigest();
    const size_t before = stack().TamdLog().size();
    const Finished done = SessionAt("main", "one", flags);
    EXPECT_THAT(done.out, HasSubstr("nothing more to say")) << rule;
    EXPECT_EQ(scenario().OnDisk("one"), "") << rule;
    EXPECT_EQ(stack().DatabaseDigest(), digest) << rule;
    EXPECT_THAT(LogSince(before), HasSubstr(rule));
  }
}

}  // namespace
}  // namespace tam::testing
