// Challenges and tokens that are not, not yet or no longer good, and those that only another
// replica knows to be good: DESIGN.md "A session" step 2.
#include <optional>
#include <string>
#include <utility>

#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::SizeIs;

class SessionChallengeTest : public SessionFixture {};

TEST_F(SessionChallengeTest, ChallengeAbsentForgedOrAnothersIsErrCode7WithoutRow) {
  TAM_ROW("A12");
  CreateEndpoint("other", true);
  teep::QueryResponse opaque = Evidence(Connect());
  opaque.attestation_payload = "opaque";
  std::string forged = Connect();
  forged[20] ^= 1;
  for (const auto& response :
       {opaque, Evidence(forged), Evidence(Connect("other")), Evidence(Connect("lax"))}) {
    const teep::Update update = UpdateIn(Send(Sign(response)));
    EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(update.token.has_value());
  }
  EXPECT_EQ(attestation_.calls("Appraise") + registry_.calls("Accept"), 0);
  EXPECT_EQ(Count(Outcome::kAnsweredChallenge), 4u);
}

TEST_F(SessionChallengeTest, ExpiredChallengeIsErrCode7) {
  TAM_ROW("T-17");
  const std::string challenge = Connect();
  Advance(absl::Hours(6) + absl::Seconds(1));
  EXPECT_EQ(UpdateIn(Send(Sign(Evidence(challenge)))).err_code,
            teep::ErrorCode::kAttestationRequired);
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(SessionChallengeTest, PreviousConfigurationCountsOnlyIfItAskedForAll) {
  const std::string strict = Connect();
  UpdateEndpoint("main", true);
  Advance(absl::Seconds(4));
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(strict)))).manifest_list, SizeIs(1));
  const std::string lax = Connect("lax");
  UpdateEndpoint("lax", true);
  Advance(absl::Seconds(4));
  teep::QueryResponse response;
  response.token = lax;
  response.tc_list.emplace();
  EXPECT_TRUE(IsSilent(Send(Sign(response), "lax")));
}

TEST_F(SessionChallengeTest, NewConfigurationElsewhereIsSeenBeforeRefusing) {
  Connect();
  UpdateEndpoint("main", true);
  Advance(absl::Seconds(1));
  auto old_replica = std::move(module_);
  Restart();
  const std::string challenge = Connect();  // of generation 2, from another replica
  module_ = std::move(old_replica);
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(challenge)))).manifest_list, SizeIs(1));
}

TEST_F(SessionChallengeTest, NewConfigurationElsewhereIsSeenThoughThisOneWasJustRead) {
  auto old_replica = std::move(module_);
  Restart();
  std::swap(module_, old_replica);
  Connect();
  UpdateEndpoint("main", true);
  std::swap(module_, old_replica);
  const std::string challenge = Connect();
  std::swap(module_, old_replica);
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(challenge)))).manifest_list, SizeIs(1));
}

TEST_F(SessionChallengeTest, LaterTimeElsewhereIsSeenBeforeRefusing) {
  for (const absl::Duration step : {absl::Seconds(10), absl::Hours(1), absl::Hours(3)}) {
    Connect();
    auto old_replica = std::move(module_);
    Restart();
    database_ahead_ms_ += absl::ToInt64Milliseconds(step);
    const std::string challenge = Connect();
    module_ = std::move(old_replica);
    EXPECT_THAT(UpdateIn(Send(Sign(Evidence(challenge)))).manifest_list, SizeIs(1)) << step;
  }
}

TEST_F(SessionChallengeTest, ChallengeAheadOfTheDatabaseIsErrCode7AndUsesUpNothing) {
  keys_ahead_ms_ = 3'600'000;
  const std::string challenge = Connect();
  keys_ahead_ms_ = 0;
  const size_t before = AuditCount();
  const teep::Update update = UpdateIn(Send(Sign(Evidence(challenge))));
  EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_FALSE(update.token.has_value());
  EXPECT_EQ(registry_.calls("Accept"), 1);  // this gateway did not know better
  EXPECT_EQ(AuditCount(), before);
  // It does now.
  EXPECT_EQ(UpdateIn(Send(Sign(Evidence(challenge)))).err_code,
            teep::ErrorCode::kAttestationRequired);
  EXPECT_EQ(registry_.calls("Accept"), 1);
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(Connect())))).manifest_list, SizeIs(1));
}

TEST_F(SessionChallengeTest, TokenAheadOfTheDatabaseIsSilent) {
  keys_ahead_ms_ = 3'600'000;
  teep::QueryResponse response;
  response.token = Connect("lax");
  response.tc_list.emplace();
  keys_ahead_ms_ = 0;
  EXPECT_TRUE(IsSilent(Send(Sign(response), "lax")));
  EXPECT_EQ(Count(Outcome::kDroppedToken), 1u);
}

TEST_F(SessionChallengeTest, TokenAbsentForgedExpiredOrAnothersIsSilentAndLeavesNoRow) {
  TAM_ROW("T-17", "T-25");
  CreateEndpoint("lax2", false);
  teep::QueryResponse response;
  response.tc_list.emplace();
  const auto send = [&](const std::optional<std::string>& token) {
    response.token = token;
    return IsSilent(Send(Sign(response), "lax"));
  };
  std::string forged = Connect("lax");
  forged[31] ^= 1;
  EXPECT_TRUE(send(std::nullopt));
  EXPECT_TRUE(send(forged));
  EXPECT_TRUE(send(Connect("lax2")));
  EXPECT_TRUE(send(std::string(8, 't')));
  const std::string old = Connect("lax");
  Advance(absl::Hours(7));
  EXPECT_TRUE(send(old));
  EXPECT_EQ(Count(Outcome::kDroppedToken), 5u);
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

}  // namespace
}  // namespace tam::gateway
