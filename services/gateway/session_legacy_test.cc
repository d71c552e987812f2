// Older peers: what a legacy endpoint takes and answers, and what the log says of them elsewhere.
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using teep::WireProfile;
using ::testing::HasSubstr;

// How a peer writes its messages.
struct Peer {
  WireProfile profile = WireProfile::kLegacy;
  cose::SignOptions sign = {.tagged = false, .with_kid = false, .older_numbers = true};
};

class LegacyTest : public SessionFixture {
 protected:
  LegacyTest() {
    v1::Endpoint settings;
    settings.set_wire_profile(v1::WIRE_PROFILE_LEGACY);
    CreateEndpoint("plain", settings);
    v1::LegacyOptions& allow = *settings.mutable_legacy();
    allow.set_older_algorithms(true);
    allow.set_untagged(true);
    allow.set_keys_without_kid(true);
    allow.set_sign1_suite(v1::CIPHER_SUITE_ESP256);
    CreateEndpoint("old", settings);
    settings.set_attestation_required(true);
    CreateEndpoint("attested", settings);
    CreateDevice("other", *keys::PrivateKey::Generate(keys::KeyType::kEd25519));
    CreateDevice("pump-2", old_key_);
  }

  static std::string Write(const teep::Message& message, const keys::PrivateKey& key,
                           const Peer& peer = Peer()) {
    const auto payload = teep::Encode(message, peer.profile);
    EXPECT_OK(payload);
    return *cose::Sign1(key, cbor::AsBytes(payload.value_or("")), peer.sign);
  }

  // The TAM's message, verified as an older agent would.
  template <typename M>
  M Read(const std::string& bytes) {
    const auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
    EXPECT_OK(cose);
    EXPECT_EQ(cose->structure(), cose::Structure::kSign1);
    EXPECT_EQ(cose->signers()[0].algorithm, cose::kEs256);
    const auto verified =
        teep::VerifyMessage(*cose, tam_p256_.public_key(),
                            cose::AlgorithmPolicy::WithOlderNumbers(), WireProfile::kLegacy);
    EXPECT_OK(verified);
    return verified.ok() ? std::get<M>(verified->message()) : M();
  }

  teep::QueryRequest Query(const std::string& endpoint) {
    Advance(absl::Milliseconds(1));
    const auto bytes = module_->protocol().ProcessConnect("/tam/acme/" + endpoint, {"192.0.2.1"});
    EXPECT_OK(bytes);
    return Read<teep::QueryRequest>(bytes.value_or(""));
  }

  teep::QueryResponse ResponseTo(const teep::QueryRequest& query) {
    teep::QueryResponse response;
    response.token = query.token;
    response.selected_cipher_suite = {{18, cose::kEs256}};
    response.tc_list.emplace();
    return response;
  }

  // What the log says of one message.
  std::string LogOf(const std::string& bytes, const std::string& endpoint) {
    ::testing::internal::CaptureStderr();
    const auto answer = Send(bytes, endpoint);
    const std::string log = ::testing::internal::GetCapturedStderr();
    EXPECT_TRUE(IsSilent(answer));
    return log;
  }

  const keys::PrivateKey old_key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
};

TEST_F(LegacyTest, AnOlderAgentCompletesASession) {
  const teep::QueryRequest query = Query("old");
  ASSERT_TRUE(query.token.has_value());
  EXPECT_FALSE(query.challenge.has_value());
  EXPECT_EQ(query.data_item_requested, 10u);
  const auto answer = Send(Write(ResponseTo(query), old_key_), "old");
  ASSERT_THAT(answer, testing::IsOk());
  ASSERT_TRUE(answer->has_value());
  const teep::Update update = Read<teep::Update>(**answer);
  EXPECT_EQ(update.manifest_list.size(), 1u);
  EXPECT_FALSE(resolved_.attested());
  EXPECT_TRUE(
      IsSilent(Send(Write(teep::Success{update.token, std::nullopt, {}}, old_key_), "old")));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
  ASSERT_EQ(Show("pump-2").installed_size(), 1);
}

TEST_F(LegacyTest, AttestationIsAskedForWithATokenAndNeverCountsAsAttested) {
  const teep::QueryRequest query = Query("attested");
  ASSERT_TRUE(query.token.has_value());
  EXPECT_FALSE(query.challenge.has_value());
  EXPECT_EQ(query.data_item_requested, 11u);
  teep::QueryResponse response = ResponseTo(query);
  response.attestation_payload = "evidence";
  response.attestation_payload_format = "text/plain";
  const auto answer = Send(Write(response, old_key_), "attested");
  ASSERT_THAT(answer, testing::IsOk());
  EXPECT_EQ(appraised_.challenge(), *query.token);
  EXPECT_EQ(Show("pump-2").last_attestation().verdict(), v1::VERDICT_ACCEPTED);
  EXPECT_FALSE(resolved_.attested());
}

TEST_F(LegacyTest, AKeyOfAnotherEndpointIsNotHeard) {
  // pump's key is known at main and lax alone.
  const teep::QueryRequest query = Query("old");
  EXPECT_TRUE(IsSilent(Send(Write(ResponseTo(query), key_), "old")));
  Peer with_kid;
  with_kid.sign.with_kid = true;
  EXPECT_TRUE(IsSilent(Send(Write(ResponseTo(query), key_, with_kid), "old")));
  EXPECT_EQ(Count(Outcome::kDroppedUnknownKey), 2u);
  EXPECT_EQ(AuditCount("session.accepted"), 0u);
}

TEST_F(LegacyTest, AMessageOfDraft26IsNotTakenThere) {
  const teep::QueryRequest query = Query("old");
  teep::QueryResponse response = ResponseTo(query);
  response.selected_cipher_suite.reset();
  EXPECT_TRUE(IsSilent(Send(Write(response, old_key_, {WireProfile::kDraft26}), "old")));
  EXPECT_EQ(AuditCount("session.accepted"), 0u);
}

TEST_F(LegacyTest, WithMoreKeysThanMayBeTriedNoneIs) {
  for (int i = 0; i < 15; ++i) {
    CreateDevice("more-" + std::to_string(i), *keys::PrivateKey::Generate(keys::KeyType::kP256));
  }
  const std::string bytes = Write(ResponseTo(Query("old")), old_key_);
  EXPECT_THAT(LogOf(bytes, "old"), HasSubstr("too many keys to try"));
}

TEST_F(LegacyTest, EachTrialInVainCountsAgainstItsSource) {
  GatewayConfig config;
  config.session.failures_per_source = {0, 6};
  config.session.excess_messages = {0, 0};
  Restart(config);
  const std::string stranger =
      Write(ResponseTo(Query("old")), *keys::PrivateKey::Generate(keys::KeyType::kP256));
  // Two keys are tried, and then the message is dropped.
  EXPECT_TRUE(IsSilent(Send(stranger, "old", "192.0.2.9")));
  EXPECT_TRUE(IsSilent(Send(stranger, "old", "192.0.2.9")));
  EXPECT_THAT(Send(stranger, "old", "192.0.2.9"),
              testing::StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(LegacyTest, WhatIsNotAllowedIsRefusedThereToo) {
  const teep::Message message = teep::Success{std::string(16, 't'), std::nullopt, {}};
  Peer peer;
  EXPECT_THAT(LogOf(Write(message, old_key_, peer), "plain"), HasSubstr("A4: untagged COSE"));
  peer.sign.tagged = true;
  EXPECT_THAT(LogOf(Write(message, old_key_, peer), "plain"), HasSubstr("4.1.2: no kid"));
  peer.sign.with_kid = true;
  EXPECT_THAT(LogOf(Write(message, old_key_, peer), "plain"), HasSubstr("A3: alg -7 (ES256)"));
}

// Rule by rule, an agent that keeps the others.
TEST_F(LegacyTest, TheDefaultEndpointsLogNamesTheRuleThatAnOlderAgentBreaks) {
  const teep::Message message = teep::Success{std::string(16, 't'), std::nullopt, {}};
  const Peer good = {WireProfile::kDraft26, cose::SignOptions()};
  Peer peer = good;
  peer.sign.tagged = false;
  EXPECT_THAT(LogOf(Write(message, key_, peer), "main"), HasSubstr("A4: untagged COSE"));
  peer = good;
  peer.sign.with_kid = false;
  EXPECT_THAT(LogOf(Write(message, key_, peer), "main"), HasSubstr("4.1.2: no kid"));
  peer = good;
  peer.sign.older_numbers = true;
  EXPECT_THAT(LogOf(Write(message, key_, peer), "main"),
              HasSubstr("A3: alg -7 (ES256); this endpoint takes -9 and -19"));
  peer = good;
  peer.profile = WireProfile::kLegacy;
  EXPECT_THAT(LogOf(Write(message, key_, peer), "main"),
              HasSubstr("section 0: the numbering before -26 (Success 5, token 20)"));
  const std::string log = LogOf(Write(message, key_, good), "main");
  EXPECT_THAT(log, HasSubstr("report_unknown_token"));
}

}  // namespace
}  // namespace tam::gateway
