// Who is heard when there is too much: DESIGN.md "A session", the limits.
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::SizeIs;
using testing::StatusIs;

class LimitsTest : public SessionFixture {};

TEST_F(LimitsTest, AboveTheSigningBudgetIsResourceExhausted) {
  TAM_ROW("T-64");
  GatewayConfig config;
  config.session.query_requests = {1, 3};
  Restart(config);
  for (int i = 0; i < 3; ++i) Connect();
  EXPECT_THAT(module_->protocol().ProcessConnect("/tam/acme/main", {"192.0.2.1"}),
              StatusIs(absl::StatusCode::kResourceExhausted));
  Advance(absl::Seconds(1));
  Connect();
}

// What a request waited before the engine got it is gone from its time.
TEST_F(LimitsTest, TimeBeforeTheEngineCountsAgainstTheDeadline) {
  GatewayConfig config;
  config.session.call_timeout = absl::Hours(2);
  Restart(config);
  const Arrival late{"192.0.2.1", absl::Hours(1)};
  ASSERT_OK(module_->protocol().ProcessConnect("/tam/acme/main", late));
  EXPECT_LE(signing_.deadline(), absl::Now() + absl::Hours(1));
  const std::string message = Sign(Evidence(Connect()));
  UpdateIn(module_->protocol().ProcessTeepMessage("/tam/acme/main", message, late));
  EXPECT_LE(registry_.deadline(), absl::Now() + absl::Hours(1));
  EXPECT_GT(registry_.deadline(), absl::Now() + absl::Minutes(59));
}

TEST_F(LimitsTest, OneSourceCannotUseUpTheBudgetOfOthers) {
  GatewayConfig config;
  config.session.query_requests = {1, 10};
  config.session.excess_query_requests = {1, 3};
  config.session.query_requests_per_source = {1, 2};
  Restart(config);
  auto& protocol = module_->protocol();
  int served = 0;
  for (int i = 0; i < 20; ++i) served += protocol.ProcessConnect("/tam/acme/main", {"noisy"}).ok();
  EXPECT_EQ(served, 5);
  EXPECT_OK(protocol.ProcessConnect("/tam/acme/main", {"quiet"}));
}

TEST_F(LimitsTest, ManyDevicesBehindOneAddressAreNotFailures) {
  GatewayConfig config;
  config.session.query_requests_per_source = {0.001, 1};
  config.session.failures_per_source = {0.001, 1};
  config.session.excess_messages = {0.001, 1};
  Restart(config);
  for (int i = 0; i < 5; ++i) {
    key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
    CreateDevice(std::string("d") + std::to_string(i), key_);
    EXPECT_THAT(OpenUpdate().manifest_list, SizeIs(1));
  }
}

TEST_F(LimitsTest, NoisySourceLeavesKnownKeysTheirWay) {
  TAM_ROW("T-64");
  GatewayConfig config;
  config.session.failures_per_source = {0.001, 3};
  config.session.excess_messages = {0.001, 3};
  Restart(config);
  OpenUpdate();
  int heard = 0;
  while (Send("garbage").ok()) ++heard;
  EXPECT_EQ(heard, 6);
  EXPECT_THAT(Send("garbage"), StatusIs(absl::StatusCode::kResourceExhausted));
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(Connect())))).manifest_list, SizeIs(1));
}

TEST_F(LimitsTest, ForgeriesUnderAProvenKeyUseUpItsReservedCapacityAlone) {
  GatewayConfig config;
  config.session.failures_per_source = {0.001, 1};
  config.session.failures_per_key = {1, 3};
  config.session.excess_messages = {0.001, 1};
  Restart(config);
  OpenUpdate();
  const keys::PrivateKey proven = key_;
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("neighbour", key_);
  OpenUpdate();
  const keys::PrivateKey neighbour = key_;
  key_ = proven;
  Advance(absl::Milliseconds(1));
  const std::string genuine = Sign(Evidence(Connect()), proven);
  std::string forged = genuine;
  forged.back() = static_cast<char>(forged.back() ^ 1);
  // Three on the key's account, the first of which the source's would have paid for, one of excess.
  int heard = 0;
  while (heard < 100 && Send(forged).ok()) ++heard;
  EXPECT_EQ(heard, 4);
  EXPECT_THAT(Send(genuine), StatusIs(absl::StatusCode::kResourceExhausted));
  // Another key behind the same address keeps its own.
  key_ = neighbour;
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(Connect()), neighbour))).manifest_list, SizeIs(1));
  // The key's account fills again, faster than its source's.
  key_ = proven;
  Advance(absl::Seconds(1));
  EXPECT_THAT(UpdateIn(Send(genuine)).manifest_list, SizeIs(1));
}

TEST_F(LimitsTest, ReplaysOfUsedChallengesUseUpTheKeysReservedCapacity) {
  GatewayConfig config;
  config.session.failures_per_source = {0.001, 1};
  config.session.failures_per_key = {0.001, 3};
  config.session.excess_messages = {0.001, 1};
  Restart(config);
  const std::string old = Sign(Evidence(Connect()));
  UpdateIn(Send(old));
  OpenUpdate();
  int heard = 0;
  while (heard < 100 && Send(old).ok()) ++heard;
  EXPECT_EQ(heard, 4);
  EXPECT_THAT(Send(old), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(LimitsTest, ReplaysOfOneDeviceAreLimitedAndFreshMessagesAreNot) {
  GatewayConfig config;
  config.session.resends_per_device = {0.001, 2};
  Restart(config);
  const std::string message = Sign(Evidence(Connect()));
  UpdateIn(Send(message));
  UpdateIn(Send(message));
  UpdateIn(Send(message));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kResourceExhausted));
  Advance(absl::Milliseconds(1));
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(Connect())))).manifest_list, SizeIs(1));
}

// A network that repeats itself: every copy that comes before a report gets the one Update.
TEST_F(LimitsTest, AThousandCopiesAtOnceOverTwoGatewaysGetTheSameToken) {
  constexpr int kCopies = 1000;
  constexpr int kThreads = 8;
  const std::string message = Sign(Evidence(Connect()));
  const std::unique_ptr<GatewayModule> first = std::move(module_);
  Restart();
  std::vector<absl::StatusOr<std::optional<std::string>>> answers(kCopies,
                                                                  absl::UnknownError("none"));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < kCopies; i += kThreads) {
        GatewayModule& gateway = i % 2 == 0 ? *first : *module_;
        answers[i] =
            gateway.protocol().ProcessTeepMessage("/tam/acme/main", message, {"192.0.2.1"});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> tokens;
  for (const auto& answer : answers) tokens.insert(UpdateIn(answer).token.value_or("none"));
  EXPECT_THAT(tokens, SizeIs(1));
  EXPECT_EQ(first->outcomes().count(Outcome::kUpdateSent) + Count(Outcome::kUpdateSent), 1u);
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

TEST_F(LimitsTest, AFloodOfOneMessageIsBoundedAndSpaced) {
  TAM_ROW("R-02");
  const std::string message = Sign(Evidence(Connect()));
  UpdateIn(Send(message));
  int sent = 0;
  while (sent < 2000 && Send(message).ok()) ++sent;
  EXPECT_EQ(sent, 1024);
  Advance(absl::Seconds(3));
  sent = 0;
  while (sent < 2000 && Send(message).ok()) ++sent;
  EXPECT_EQ(sent, 3);
}

}  // namespace
}  // namespace tam::gateway
