// Challenges, tokens and repeated messages, over HTTP against the whole TAM; where its services are
// apart, each message goes to the next gateway.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "teep/suit/envelope.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using teep::ErrorCode;

constexpr char kOtherPath[] = "/tam/demo/other";

// Each test has a device of its own, named after it.
class ReplayTest : public SharedTamTest {
 protected:
  void SetUp() override {
    SharedTamTest::SetUp();
    if (HasFatalFailure()) return;
    scenario().AddDevice(Device());
    agent_.emplace(stack(), scenario().Folder(Device()));
  }
  void SetUpTam() override {
    scenario().Do("operator", {"endpoint", "create", "other", "--attestation"});
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "payload");
    scenario().Deploy("sample");
  }

  // Lower case, as resource names are.
  static std::string Device() {
    const std::string test = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    return absl::AsciiStrToLower(test.substr(0, test.find('/')));
  }

  // The answer says err-code 7, bears no token, and no row changed.
  void ExpectStatelessRefusal(const std::string& path, const std::string& message) {
    const std::string before = stack().DatabaseDigest();
    const Reply reply = agent_->Post(path, message);
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.update().err_code, ErrorCode::kAttestationRequired);
    EXPECT_FALSE(reply.update().token.has_value());
    EXPECT_TRUE(reply.update().manifest_list.empty());
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  static int Count(const std::string& rows) {
    return std::stoi(stack().Sql("SELECT count(*) FROM " + rows));
  }

  void ExpectSilence(const std::string& path, const std::string& message) {
    const std::string before = stack().DatabaseDigest();
    EXPECT_EQ(agent_->Post(path, message).status, 204u);
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  std::optional<HandMadeAgent> agent_;
};

INSTANTIATE_IN_LAYOUTS(ReplayTest);

TEST_P(ReplayTest, SameQueryResponseGetsSameUpdateUntilItIsAnswered) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  const teep::Update first = agent_->Post(kMainPath, response).update();
  ASSERT_TRUE(first.token.has_value());
  ASSERT_EQ(first.manifest_list.size(), 1u);
  const std::string before = stack().DatabaseDigest();
  const teep::Update again = agent_->Post(kMainPath, response).update();
  EXPECT_EQ(again.token, first.token);
  EXPECT_EQ(again.manifest_list, first.manifest_list);
  EXPECT_EQ(again.err_code, first.err_code);
  EXPECT_EQ(stack().DatabaseDigest(), before);

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
  stack().SetClockOffset(7 * 3600);
  stack().StopTamd(SIGTERM);
  ASSERT_THAT(stack().StartTamd(), IsOk());
  ExpectStatelessRefusal(kMainPath, response);
  stack().SetClockOffset(0);
  stack().StopTamd(SIGTERM);
  ASSERT_THAT(stack().StartTamd(), IsOk());
}

TEST_P(ReplayTest, AnotherProcessAnswersASessionThatThisOneBegan) {
  const std::string response = agent_->Response(agent_->Challenge(kMainPath));
  stack().StopTamd(SIGKILL);
  ASSERT_THAT(stack().StartTamd(), IsOk());
  EXPECT_TRUE(agent_->Post(kMainPath, response).update().token.has_value());
}

// Whether the guarded write was done when the TAM died or not: the device sends the same again, and
// there is one update, once installed.
TEST_P(ReplayTest, StateSurvivesKillDuringASession) {
  const int accepted = Count("audit.entries WHERE kind = 'session.accepted'");
  const int updates = Count("registry.updates");
  for (int round = 1; round <= 3; ++round) {
    SCOPED_TRACE(round);
    const std::string response = agent_->Response(agent_->Challenge(kMainPath));
    agent_->SendAndLeave(kMainPath, response);
    stack().StopTamd(SIGKILL);
    ASSERT_THAT(stack().StartTamd(), IsOk());
    const teep::Update update = agent_->Post(kMainPath, response).update();
    ASSERT_TRUE(update.token.has_value());
    EXPECT_EQ(update.manifest_list.size(), 1u);
    EXPECT_EQ(agent_->Post(kMainPath, response).update().token, update.token);
    EXPECT_EQ(Count("audit.entries WHERE kind = 'session.accepted'"), accepted + round);
    EXPECT_EQ(Count("registry.updates"), updates + round);
  }
}

// have-binary: the manifest of version 1 comes without its payload, and the rest as it was
// published, also when the message comes again.
TEST_P(ReplayTest, ABinaryTheDeviceHasIsNotSentAgain) {
  const std::string plain = agent_->Response(agent_->Challenge(kMainPath));
  const teep::Update all = agent_->Post(kMainPath, plain).update();
  ASSERT_EQ(all.manifest_list.size(), 1u);
  const auto whole = suit::Envelope::Parse(cbor::AsBytes(all.manifest_list[0]));
  ASSERT_THAT(whole, IsOk());
  const auto lighter = suit::WithoutPayload(*whole, "#tc");
  ASSERT_THAT(lighter, IsOk());

  teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  response.requested_tc_list = {{whole->unverified_manifest().components[0], 1, true}};
  const std::string message = agent_->Sign(response);
  const teep::Update update = agent_->Post(kMainPath, message).update();
  ASSERT_EQ(update.manifest_list.size(), 1u);
  EXPECT_EQ(update.manifest_list[0], lighter->bytes());
  EXPECT_NE(update.token, all.token);
  EXPECT_EQ(agent_->Post(kMainPath, message).update().manifest_list, update.manifest_list);

  // Asked for with a binary that only newer manifests are for: the whole of it.
  response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  response.requested_tc_list = {{whole->unverified_manifest().components[0], 1000, true}};
  EXPECT_EQ(agent_->Post(kMainPath, agent_->Sign(response)).update().manifest_list,
            all.manifest_list);
}

TEST_P(ReplayTest, WhatTheDeviceDoesNotNeedIsUnlinkedUnlessItIsDeployed) {
  teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  const teep::ComponentId old = {"TEEP-Device", "SecureFS", "old", "manifest"};
  const teep::ComponentId deployed = {"TEEP-Device", "SecureFS",
                                      absl::HexStringToBytes("8d82573a926d4754935332dc29997f74"),
                                      "ta", "manifest"};
  response.unneeded_manifest_list = {old, deployed, {"of", "nobody", "here"}};
  const teep::Update update = agent_->Post(kMainPath, agent_->Sign(response)).update();
  EXPECT_EQ(update.unneeded_manifest_list, (std::vector<teep::ComponentId>{old}));
  EXPECT_EQ(update.manifest_list.size(), 1u);
  teep::Success success;
  success.token = update.token;
  EXPECT_EQ(agent_->Post(kMainPath, agent_->Sign(success)).status, 204u);
}

// A broker asks another device for evidence of this challenge and carries it here.
TEST_P(ReplayTest, RelayedEvidenceOfAnotherDeviceIsRefusedAndNamed) {
  scenario().AddDevice("donor");
  const HandMadeAgent donor(stack(), scenario().Folder("donor"));
  const std::string challenge = agent_->Challenge(kMainPath);
  teep::QueryResponse response = agent_->UnsignedResponse(challenge);
  response.attestation_payload = donor.UnsignedResponse(challenge).attestation_payload;
  const teep::Update update = agent_->Post(kMainPath, agent_->Sign(response)).update();
  EXPECT_EQ(update.err_code, ErrorCode::kAttestationRequired);
  EXPECT_TRUE(update.manifest_list.empty());
  const std::string shown = scenario().Show(Device());
  EXPECT_THAT(shown, ::testing::AllOf(::testing::HasSubstr("refused"),
                                      ::testing::HasSubstr("Why it was refused"),
                                      ::testing::HasSubstr("signature")));
}

TEST_P(ReplayTest, MissingAttestationIsAnsweredWithErrCodeOne) {
  teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
  response.attestation_payload.reset();
  response.attestation_payload_format.reset();
  const std::string before = stack().DatabaseDigest();
  const Reply reply = agent_->Post(kMainPath, agent_->Sign(response));
  EXPECT_EQ(reply.update().err_code, ErrorCode::kPermanentError);
  EXPECT_TRUE(reply.update().err_msg.has_value());
  EXPECT_EQ(stack().DatabaseDigest(), before);
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
  scenario().Do("operator", {"device", "ban-key", Device(), thumbprint});
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
  const std::string before = stack().DatabaseDigest();
  for (int i = 0; i < 200; ++i) agent_->Challenge(kMainPath);
  EXPECT_EQ(stack().DatabaseDigest(), before);
}

}  // namespace
}  // namespace tam::testing
