// One gateway with a stale endpoint or stale challenge keys, and one with the new: what was issued
// by either is understood by the other, as far as the design says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/challenge.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/faults/sessions/at_gateway.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::SizeIs;

class GenerationsTest : public ::testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    StackOptions options;
    options.layout = GetParam();
    options.replicas = 2;
    auto stack = Stack::Start(options);
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
    scenario_->Publish(1, "payload");
    scenario_->Deploy("sample");
    agent_.emplace(*stack_, scenario_->Folder("one"));
  }

  // A process that has read neither endpoint nor keys.
  void Forget(int gateway) {
    const std::string name =
        absl::StrCat(GetParam() == Layout::kApart ? "gateway-" : "tamd-", gateway);
    ASSERT_THAT(stack_->Restart(name), IsOk());
  }
  void UpdateEndpoint(const std::vector<std::string>& flags) {
    std::vector<std::string> args = {"endpoint", "update", "main"};
    args.insert(args.end(), flags.begin(), flags.end());
    scenario_->Do("operator", args);
  }

  // Accepted at `gateway`, and its Success after that at the other one.
  void ExpectAccepted(const std::string& challenge, int gateway) {
    const Reply reply = PostAt(*stack_, gateway, agent_->Response(challenge));
    const teep::Update update = reply.update();
    ASSERT_TRUE(update.token.has_value())
        << "status " << reply.status << " " << update.err_msg.value_or("");
    EXPECT_FALSE(update.err_code.has_value());
    EXPECT_THAT(update.manifest_list, SizeIs(1));
    teep::Error report;
    report.token = update.token;
    report.err_code = teep::ErrorCode::kManifestProcessingFailed;  // so that it is sent again
    EXPECT_EQ(PostAt(*stack_, 1 - gateway, agent_->Sign(report)).status, 204u);
    EXPECT_EQ(stack_->Sql("SELECT count(*) FROM registry.updates"), "0\n");
  }

  void ExpectRefused(const std::string& challenge, int gateway) {
    const std::string before = stack_->DatabaseDigest();
    const teep::Update update = PostAt(*stack_, gateway, agent_->Response(challenge)).update();
    EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(update.token.has_value());
    EXPECT_TRUE(update.manifest_list.empty());
    EXPECT_EQ(stack_->DatabaseDigest(), before);
  }

  static int64_t IssuedMs(const std::string& challenge) {
    return gateway::ReadUnverifiedChallenge(cbor::AsBytes(challenge)).issue_ms;
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::optional<HandMadeAgent> agent_;
};

// Gateway 1 reads the endpoint; it changes; gateway 0 reads it first after that. All of it happens
// well within the time for which gateway 1 keeps what it read.
TEST_P(GenerationsTest, OneSessionAcrossAStaleEndpointAndANewOne) {
  Forget(0);
  const std::string old = ChallengeAt(*stack_, 1);
  UpdateEndpoint({"--update-deadline", "7200"});
  ExpectAccepted(old, 0);  // the previous generation counts

  Forget(0);
  ChallengeAt(*stack_, 1);
  UpdateEndpoint({"--update-deadline", "3600"});
  const std::string fresh = ChallengeAt(*stack_, 0);
  ExpectAccepted(fresh, 1);  // gateway 1 reads once more before it refuses
}

TEST_P(GenerationsTest, PreviousGenerationCountsOnlyIfItAskedForAll) {
  UpdateEndpoint({"--data-items", "3"});  // attestation and components
  const std::string lax = ChallengeAt(*stack_, 1);
  UpdateEndpoint({"--data-items", "11"});  // and SUIT reports
  ExpectRefused(lax, 0);

  const std::string strict = ChallengeAt(*stack_, 0);
  UpdateEndpoint({"--data-items", "3"});
  Forget(0);
  ExpectAccepted(strict, 0);
}

TEST_P(GenerationsTest, TwoGenerationsBackIsRefused) {
  const std::string old = ChallengeAt(*stack_, 1);
  UpdateEndpoint({"--update-deadline", "7200"});
  UpdateEndpoint({"--update-deadline", "3600"});
  Forget(0);
  ExpectRefused(old, 0);
  // Gateway 1 has heard of neither change, until it meets a challenge that it does not know.
  ExpectAccepted(ChallengeAt(*stack_, 0), 1);
  ExpectRefused(old, 1);
}

// Hours pass for the database, and thus for gateway 0, which reads keys anew.
TEST_P(GenerationsTest, OneSessionAcrossAnOldKeyEpochAndANewOne) {
  for (const int64_t hours : {1, 2, 5}) {
    SCOPED_TRACE(hours);
    stack_->SetClockOffset(0);
    // A device that was never seen: the guard wants issue times to increase.
    const std::string name = absl::StrCat("device-", hours);
    scenario_->AddDevice(name);
    agent_.emplace(*stack_, scenario_->Folder(name));
    Forget(0);
    Forget(1);
    const std::string old = ChallengeAt(*stack_, 1);
    stack_->SetClockOffset(hours * 3600);
    ExpectAccepted(old, 0);
    const std::string fresh = ChallengeAt(*stack_, 0);
    EXPECT_EQ(gateway::EpochOf(IssuedMs(fresh)) - gateway::EpochOf(IssuedMs(old)), hours);
    ExpectAccepted(fresh, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, GenerationsTest,
                         ::testing::Values(Layout::kTogether, Layout::kApart),
                         [](const auto& info) {
                           return info.param == Layout::kApart ? "Apart" : "Together";
                         });

}  // namespace
}  // namespace tam::testing
