// Challenges, tokens and repeated messages, over HTTP against the whole TAM; where its services are
// apart, each message goes to the next gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using teep::ErrorCode;

constexpr char kOtherPath[] = "/tam/demo/other";

class ReplayTest : public ::testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    auto stack = Stack::Start(OptionsOf(GetParam()));
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    scenario_->Do("operator", {"endpoint", "create", "other", "--attestation"});
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
    scenario_->Publish(1, "payload");
    scenario_->Deploy("sample");
    agent_.emplace(*stack_, scenario_->Folder("one"));
  }

  // The answer says err-code 7, bears no token, and no row changed.
  void ExpectStatelessRefusal(const std::string& path, const std::string& message) {
    const std::string before = stack_->DatabaseDigest();
    const Reply reply = agent_->Post(path, message);
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.update().err_code, ErrorCode::kAttestationRequired);
    EXPECT_FALSE(reply.update().token.has_value());
    EXPECT_TRUE(reply.update().manifest_list.empty());
    EXPECT_EQ(stack_->DatabaseDigest(), before);
  }

  void ExpectSilence(const std::string& path, const std::string& message) {
    const std::string before = stack_->DatabaseDigest();
    EXPECT_EQ(agent_->Post(path, message).status, 204u);
    EXPECT_EQ(stack_->DatabaseDigest(), before);
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::optional<HandMadeAgent> agent_;
};

INSTANTIATE_TEST_SUITE_P(, ReplayTest, ::testing::ValuesIn(LayoutsToTest()), LayoutName);

TEST_P(ReplayTest, SameQueryResponseGetsSameUpdateUntilItIsAnswered) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  const teep::Update first = agent_->Post(kMainPath, response).update();
  ASSERT_TRUE(first.token.has_value());
  ASSERT_EQ(first.manifest_list.size(), 1u);
  const std::string before = stack_->DatabaseDigest();
  const teep::Update again = agent_->Post(kMainPath, response).update();
  EXPECT_EQ(again.token, first.token);
  EXPECT_EQ(again.manifest_list, first.manifest_list);
  EXPECT_EQ(again.err_code, first.err_code);
  EXPECT_EQ(stack_->DatabaseDigest(), before);

  teep::Success success;
  success.token = first.token;
  const std::string answer = agent_->Sign(success);
  EXPECT_EQ(agent_->Post(kMainPath, answer).status, 204u);
  ExpectSilence(kMainPath, response);
  ExpectSilence(kMainPath, answer);
}

TEST_P(ReplayTest, AcceptedMessageSaysNothingAtAnotherEndpoint) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  ASSERT_TRUE(agent_->Post(kMainPath, response).update().token.has_value());
  ExpectSilence(kOtherPath, response);
}

TEST_P(ReplayTest, UsedChallengeInAnotherMessageIsSilentAndChangesNothing) {
  const std::string challenge = agent_->Challenge(kMainPath);
  EXPECT_EQ(agent_->Post(kMainPath, agent_->Response(challenge)).status, 200u);
  teep::QueryResponse other = agent_->UnsignedResponse(challenge);
  other.requested_tc_list = {{{"another"}, std::nullopt, std::nullopt}};
  ExpectSilence(kMainPath, agent_->Sign(other));
}

TEST_P(ReplayTest, OlderChallengeThanTheLastIsUsed) {
  const std::string older = agent_->Challenge(kMainPath);
  const std::string newer = agent_->Challenge(kMainPath);
  EXPECT_EQ(agent_->Post(kMainPath, agent_->Response(newer)).status, 200u);
  ExpectSilence(kMainPath, agent_->Response(older));
}

TEST_P(ReplayTest, ForgedChallengeIsRefusedAndChangesNothing) {
  const std::string good = agent_->Challenge(kMainPath);
  for (const size_t i : {0, 1, 7, 8, 15, 16, 31}) {
    std::string forged = good;
    forged[i] = static_cast<char>(forged[i] ^ 1);
    ExpectStatelessRefusal(kMainPath, agent_->Response(forged));
  }
  ExpectStatelessRefusal(kMainPath, agent_->Response(good.substr(0, 31)));
  ExpectStatelessRefusal(kMainPath, agent_->Response(good + "x"));
}

TEST_P(ReplayTest, ChallengeOfAnotherEndpointIsRefusedAndChangesNothing) {
  ExpectStatelessRefusal(kOtherPath, agent_->Response(agent_->Challenge(kMainPath)));
}

TEST_P(ReplayTest, ExpiredChallengeIsRefusedAndChangesNothing) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  stack_->SetClockOffset(7 * 3600);
  stack_->StopTamd(SIGTERM);
  ASSERT_THAT(stack_->StartTamd(), IsOk());
  ExpectStatelessRefusal(kMainPath, response);
}

TEST_P(ReplayTest, AnotherProcessAnswersASessionThatThisOneBegan) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  stack_->StopTamd(SIGKILL);
  ASSERT_THAT(stack_->StartTamd(), IsOk());
  EXPECT_TRUE(agent_->Post(kMainPath, response).update().token.has_value());
}

// Whether the guarded write was done when the TAM died or not: the device sends the same again, and
// there is one update, once installed.
TEST_P(ReplayTest, StateSurvivesKillDuringASession) {
  for (int round = 0; round < 5; ++round) {
    SCOPED_TRACE(round);
    const std::string response = agent_->Response(agent_->Challenge(kMainPath));
    agent_->SendAndLeave(kMainPath, response);
    stack_->StopTamd(SIGKILL);
    ASSERT_THAT(stack_->StartTamd(), IsOk());
    const teep::Update update = agent_->Post(kMainPath, response).update();
    ASSERT_TRUE(update.token.has_value());
    EXPECT_EQ(update.manifest_list.size(), 1u);
    EXPECT_EQ(agent_->Post(kMainPath, response).update().token, update.token);
    EXPECT_EQ(stack_->Sql("SELECT count(*) FROM audit.entries WHERE kind = 'session.accepted'"),
              absl::StrCat(round + 1, "\n"));
    EXPECT_EQ(stack_->Sql("SELECT count(*) FROM registry.updates"), absl::StrCat(round + 1, "\n"));
  }
}

// A broker asks another device for evidence of this challenge and carries it here.
TEST_P(ReplayTest, RelayedEvidenceOfAnotherDeviceIsRefusedAndNamed) {
  scenario_->AddDevice("donor");
  const HandMadeAgent donor(*stack_, scenario_->Folder("donor"));
  const std::string challenge = agent_->Challenge(kMainPath);
  teep::QueryResponse response = agent_->UnsignedResponse(challenge);
  response.attestation_payload = donor.UnsignedResponse(challenge).attestation_payload;
  const teep::Update update = agent_->Post(kMainPath, agent_->Sign(response)).update();
  EXPECT_EQ(update.err_code, ErrorCode::kAttestationRequired);
  EXPECT_TRUE(update.manifest_list.empty());
  const std::string shown = scenario_->Show("one");
  EXPECT_THAT(shown, ::testing::AllOf(::testing::HasSubstr("refused"),
                                      ::testing::HasSubstr("Why it was refused"),
                                      ::testing::HasSubstr("signature")));
}

TEST_P(ReplayTest, MissingAttestationIsAnsweredWithErrCodeOne) {
  teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  response.attestation_payload.reset();
  response.attestation_payload_format.reset();
  const std::string before = stack_->DatabaseDigest();
  const Reply reply = agent_->Post(kMainPath, agent_->Sign(response));
  EXPECT_EQ(reply.update().err_code, ErrorCode::kPermanentError);
  EXPECT_TRUE(reply.update().err_msg.has_value());
  EXPECT_EQ(stack_->DatabaseDigest(), before);
}

TEST_P(ReplayTest, UnknownVersionIsAnsweredWithErrCodeFour) {
  teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  response.selected_version = 1;
  EXPECT_EQ(agent_->Post(kMainPath, agent_->Sign(response)).update().err_code,
            ErrorCode::kUnsupportedMsgVersion);
}

TEST_P(ReplayTest, BannedKeyIsSilent) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  const std::string thumbprint =
      keys::ThumbprintHex(agent_->state().agent_key().public_key().thumbprint());
  scenario_->Do("operator", {"device", "ban-key", "one", thumbprint});
  ExpectSilence(kMainPath, response);
}

TEST_P(ReplayTest, SuccessWithAnUnknownTokenIsSilent) {
  teep::Success success;
  success.token = std::string(16, 't');
  ExpectSilence(kMainPath, agent_->Sign(success));
}

TEST_P(ReplayTest, GarbageLeavesNoRow) {
  for (const std::string& body : {std::string("garbage"), std::string(1, '\xd2'),
                                  std::string("\xd2\x84", 2), std::string(100000, '\x80')}) {
    ExpectSilence(kMainPath, body);
  }
  std::string response = agent_->Response(agent_->Challenge(kMainPath));
  response.back() = static_cast<char>(response.back() ^ 1);
  ExpectSilence(kMainPath, response);
}

TEST_P(ReplayTest, ManyEmptyPostsLeaveNoRow) {
  agent_->Challenge(kMainPath);  // the first of all makes the challenge root
  const std::string before = stack_->DatabaseDigest();
  for (int i = 0; i < 200; ++i) agent_->Challenge(kMainPath);
  EXPECT_EQ(stack_->DatabaseDigest(), before);
}

}  // namespace
}  // namespace tam::testing
