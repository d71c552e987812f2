// When keys and configuration are read again because of what a device brings, and what it is told
// where that cannot be done.
#include <string>

#include "services/gateway/session_fixture.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::SizeIs;
using testing::StatusIs;

class ReadsTest : public SessionFixture {
 protected:
  // A genuine challenge of a configuration that this gateway has not read.
  std::string NewerChallenge(const GatewayConfig& config = GatewayConfig()) {
    Restart(config);
    Connect();
    auto stale = std::move(module_);
    UpdateEndpoint("main", true);
    Restart(config);
    std::string challenge = Connect();
    module_ = std::move(stale);
    return challenge;
  }
  int Reads() { return signing_.calls("GetChallengeKeys") + registry_.calls("ResolveEndpoint"); }
};

TEST_F(ReadsTest, OneOfARegisteredKeyIsReadFor) {
  const std::string challenge = NewerChallenge();
  const int before = Reads();
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(challenge)))).manifest_list, SizeIs(1));
  EXPECT_EQ(Reads(), before + 2);
}

TEST_F(ReadsTest, NobodyElsesMessageCausesARead) {
  const std::string challenge = NewerChallenge();
  const keys::PrivateKey stranger = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  std::string forged = Sign(Evidence(challenge));
  forged.back() ^= 1;
  const int before = Reads();
  EXPECT_TRUE(IsSilent(Send(forged)));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(challenge), stranger))));
  EXPECT_EQ(Reads(), before);
  EXPECT_EQ(Count(Outcome::kDroppedBadSignature), 1u);
  EXPECT_EQ(Count(Outcome::kDroppedUnknownKey), 1u);
}

TEST_F(ReadsTest, AboveTheLimitADeviceIsToldToComeAgainAndNotRefused) {
  GatewayConfig config;
  config.session.max_waiting_for_reads = 0;
  const std::string challenge = NewerChallenge(config);
  const std::string message = Sign(Evidence(challenge));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(registry_.calls("Accept"), 0);
  EXPECT_EQ(signing_.calls("SignUpdate"), 0);
  EXPECT_EQ(registry_.calls("NoteRefusal"), 0);
  // By then the configuration is read again anyway.
  Advance(absl::Seconds(4));
  EXPECT_THAT(UpdateIn(Send(message)).manifest_list, SizeIs(1));
}

TEST_F(ReadsTest, WhereKeysCannotBeReadADeviceIsToldToComeAgain) {
  const std::string challenge = NewerChallenge();
  const std::string message = Sign(Evidence(challenge));
  signing_.FailWith(absl::UnavailableError("down"));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kUnavailable));
  signing_.FailWith(absl::OkStatus());
  EXPECT_THAT(UpdateIn(Send(message)).manifest_list, SizeIs(1));
}

// A token, which nothing else charges for, and no challenge.
TEST_F(ReadsTest, OneDeviceCannotHaveThemReadForEver) {
  GatewayConfig config;
  config.session.per_device = {0.1, 3};
  Restart(config);
  Connect("lax");
  teep::QueryResponse response;
  response.token = std::string(kChallengeSize, 't');
  response.tc_list.emplace();
  teep::Error error;
  error.token = response.token;
  error.err_code = teep::ErrorCode::kTemporaryError;
  const auto reads_for = [&](const teep::Message& message) {
    const int before = Reads();
    EXPECT_TRUE(IsSilent(Send(Sign(message), "lax")));
    return Reads() - before;
  };
  EXPECT_EQ(reads_for(response), 2);
  EXPECT_EQ(reads_for(error), 2);
  EXPECT_EQ(reads_for(response), 2);
  EXPECT_EQ(reads_for(response), 0);
  EXPECT_EQ(reads_for(error), 0);
  EXPECT_EQ(Count(Outcome::kDroppedToken), 5u);
  // Another device has an account of its own, and this one gets another try.
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("neighbour", key_);
  EXPECT_EQ(reads_for(response), 2);
}

// One charge for each message, and none where the read lifts the refusal or fails.
TEST_F(ReadsTest, OnlyReadsInVainAreChargedAndWithTheReplyOnce) {
  GatewayConfig config;
  config.session.per_device = {0.001, 2};
  const std::string challenge = NewerChallenge(config);
  EXPECT_THAT(UpdateIn(Send(Sign(Evidence(challenge)))).manifest_list, SizeIs(1));
  const std::string foreign(kChallengeSize, 'c');
  signing_.FailWith(absl::UnavailableError("down"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Send(Sign(Evidence(foreign))), StatusIs(absl::StatusCode::kUnavailable));
  }
  signing_.FailWith(absl::OkStatus());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(UpdateIn(Send(Sign(Evidence(foreign)))).err_code,
              teep::ErrorCode::kAttestationRequired);
  }
  EXPECT_THAT(Send(Sign(Evidence(foreign))), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace tam::gateway
