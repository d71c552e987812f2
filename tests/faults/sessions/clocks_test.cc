// Machines whose clocks are wrong: a day apart (clock_shim), and a database whose clock goes back.
// Nothing but the database's clock may decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/challenge.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/faults/sessions/at_gateway.h"
#include "tests/faults/sessions/stepped_session.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kClockShim[] = "tests/faults/clock_shim/libclock_shim.so";

struct Wrong {
  const char* name;
  Layout layout;
  int64_t seconds;  // how far the clock of the second machine is ahead
};

class ClocksTest : public ::testing::TestWithParam<Wrong> {
 protected:
  // Two machines, each with a replica of every service; the clock of the second is wrong.
  void SetUp() override {
    StackOptions options;
    options.layout = GetParam().layout;
    options.replicas = 2;
    for (const char* service :
         {"tamd", "gateway", "registry", "attestation", "catalog", "signing", "audit"}) {
      options.environment[absl::StrCat(service, "-1")] = {
          absl::StrCat("LD_PRELOAD=", kClockShim),
          absl::StrCat("CLOCK_SHIM_OFFSET_S=", GetParam().seconds),
          "ASAN_OPTIONS=verify_asan_link_order=0"};
    }
    auto stack = Stack::Start(options);
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
  }

  // Device "one" comes first: it gives the reference values and the class of the component.
  void AddDevices(const std::vector<std::string>& names) {
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
    scenario_->Publish(1, "payload");
    scenario_->Deploy("sample");
    for (const std::string& name : names) {
      if (name != "one") scenario_->AddDevice(name);
    }
  }

  // A session whose message n goes to the gateway of machine machines[n] ends installed, once.
  void ExpectInstalls(const std::string& device, const std::vector<int>& machines) {
    SCOPED_TRACE(device);
    std::vector<std::string> urls;
    for (const int machine : machines) urls.push_back(stack_->TamUrl(kMainPath, machine));
    SteppedTransport transport(urls);
    const auto result = RunSteppedSession(scenario_->Folder(device), transport);
    ASSERT_THAT(result, IsOk());
    EXPECT_TRUE(result->ok()) << result->tam_error_message;
    EXPECT_THAT(result->installed, SizeIs(1));
    EXPECT_EQ(transport.sent(), 3u);
    EXPECT_THAT(scenario_->OnDisk(device), HasSubstr("payload"));
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
};

// What the process of the second machine believes: its log lines bear the wrong day.
TEST_P(ClocksTest, EveryDeviceCompletesASessionThroughEitherAndAcross) {
  AddDevices({"one", "two", "three", "four", "five"});
  const std::string gateway = GetParam().layout == Layout::kApart ? "gateway-1" : "tamd-1";
  const std::string day = absl::FormatTime(
      "%Y-%m-%d", absl::Now() + absl::Seconds(GetParam().seconds), absl::UTCTimeZone());
  EXPECT_THAT(stack_->tam().Log(gateway), HasSubstr(day));

  ExpectInstalls("one", {0, 0, 0});
  ExpectInstalls("two", {1, 1, 1});
  ExpectInstalls("three", {0, 1, 0});
  ExpectInstalls("four", {1, 0, 1});
  ExpectInstalls("five", {1, 1, 0});
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM registry.updates_history"), "5\n");
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM registry.updates"), "0\n");
  // Times in the database are the database's.
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM audit.entries WHERE at NOT BETWEEN "
                        "clock_timestamp() - interval '1 hour' AND clock_timestamp()"),
            "0\n");
  std::cout << "clocks " << GetParam().seconds
            << " s apart: 5 sessions through either and across\n";
}

INSTANTIATE_TEST_SUITE_P(Machines, ClocksTest,
                         ::testing::Values(Wrong{"ApartADayAhead", Layout::kApart, 86'400},
                                           Wrong{"ApartADayBehind", Layout::kApart, -86'400},
                                           Wrong{"TogetherADayAhead", Layout::kTogether, 86'400},
                                           Wrong{"TogetherADayBehind", Layout::kTogether, -86'400}),
                         [](const auto& info) { return std::string(info.param.name); });

// Gateway 0 reads its time while the database is ahead; then the database goes back.
class FutureTest : public ::testing::Test {
 protected:
  static constexpr int kGateways = 2;

  void SetUp() override {
    StackOptions options;
    options.replicas = kGateways;
    auto stack = Stack::Start(options);
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
    scenario_->Publish(1, "payload");
    scenario_->Deploy("sample");
    // With this the TAM has every key and pseudonym that a tenant's first session makes.
    const Finished first = scenario_->Session("one");
    ASSERT_EQ(first.exit_code, 0) << first.out << first.err;
    scenario_->AddDevice("two");
    agent_.emplace(*stack_, scenario_->Folder("two"));
  }

  // err-code 7 without a token, and no row differs.
  void ExpectRefused(int gateway, const std::string& message) {
    const std::string before = stack_->DatabaseDigest();
    const Reply reply = PostAt(*stack_, gateway, message);
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.update().err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(reply.update().token.has_value());
    EXPECT_TRUE(reply.update().manifest_list.empty());
    EXPECT_EQ(stack_->DatabaseDigest(), before);
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::optional<HandMadeAgent> agent_;
};

TEST_F(FutureTest, ChallengeFromTheFutureIsRefusedByBothGateways) {
  // The first one refused would be this device's first attestation, and claims no ueid either.
  ASSERT_EQ(stack_->Sql("SELECT count(*) FROM registry.ueid_claims"), "1\n");
  for (const int64_t ahead : {10, 3'600, 86'400}) {
    SCOPED_TRACE(ahead);
    ASSERT_THAT(stack_->Restart("tamd-0"), IsOk());
    stack_->SetClockOffset(ahead);
    const std::string challenge = ChallengeAt(*stack_, 0);
    stack_->SetClockOffset(0);
    const absl::Time issued =
        absl::FromUnixMillis(gateway::ReadUnverifiedChallenge(cbor::AsBytes(challenge)).issue_ms);
    ASSERT_GT(issued, absl::Now() + absl::Seconds(ahead - 5));
    const std::string response = agent_->Response(challenge);
    // At the gateway whose time is right; then at the other, which takes it for genuine until the
    // guard refuses it; then once more there, now that it has read the time anew.
    ExpectRefused(1, response);
    ExpectRefused(0, response);
    ExpectRefused(0, response);
    // It has harmed neither the device nor a gateway.
    for (const int gateway : {0, 1}) {
      const std::string good = agent_->Response(ChallengeAt(*stack_, gateway));
      const teep::Update update = PostAt(*stack_, gateway, good).update();
      EXPECT_TRUE(update.token.has_value());
      EXPECT_THAT(update.manifest_list, SizeIs(1));
    }
    std::cout << "challenge from " << ahead << " s ahead: refused by both gateways\n";
  }
}

}  // namespace
}  // namespace tam::testing
