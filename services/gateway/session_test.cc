// The engine's answers to an empty request and to a QueryResponse: DESIGN.md "A session" step 2,
// line by line.
#include <set>
#include <thread>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::StatusIs;

class ConnectTest : public SessionFixture {};
class QueryResponseTest : public SessionFixture {};

TEST_F(ConnectTest, TouchesNoDatabaseWhenWarm) {
  EXPECT_THAT(Connect(), SizeIs(kChallengeSize));
  const int registry_calls = registry_.calls("ResolveEndpoint");
  for (int i = 0; i < 10; ++i) Connect();
  EXPECT_EQ(registry_.calls("ResolveEndpoint"), registry_calls);
  EXPECT_EQ(registry_.calls("Lookup") + registry_.calls("Accept"), 0);
  EXPECT_EQ(signing_.calls("GetChallengeKeys"), 1);
  EXPECT_EQ(signing_.calls("SignQueryRequest"), 11);
  EXPECT_EQ(Count(Outcome::kQueryRequestSent), 11u);
}

TEST_F(ConnectTest, UnknownEndpointIsNotFound) {
  EXPECT_THAT(module_->protocol().ProcessConnect("/tam/acme/none", {"192.0.2.1"}),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(ConnectTest, WithoutFreshTimeIsUnavailable) {
  signing_.FailWith(absl::UnavailableError("signing is down"));
  EXPECT_THAT(module_->protocol().ProcessConnect("/tam/acme/main", {"192.0.2.1"}),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(QueryResponseTest, AcceptedEvidenceOpensAnUpdateWithThePlan) {
  TAM_ROW("T-23", "T-33", "T-38", "A15");
  const std::string challenge = Connect();
  const teep::Update update = UpdateIn(Send(Sign(Evidence(challenge))));
  EXPECT_THAT(update.token.value_or(""), SizeIs(16));
  EXPECT_THAT(update.manifest_list, SizeIs(1));
  EXPECT_FALSE(update.err_code.has_value());
  EXPECT_EQ(appraised_.challenge(), challenge);
  EXPECT_EQ(appraised_.agent_thumbprint(), cbor::AsString(key_.public_key().thumbprint()));
  EXPECT_TRUE(resolved_.attested());
  EXPECT_TRUE(resolved_.has_reported());
  EXPECT_EQ(Show("pump").open_updates_size(), 1);
  EXPECT_EQ(Show("pump").last_attestation().verdict(), v1::VERDICT_ACCEPTED);
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

// Identifiers that SUIT allows and the catalogue does not: which those are it knows itself.
TEST_F(QueryResponseTest, ComponentsThatCannotBeOursAreLeftToTheCatalogue) {
  const std::vector<teep::ComponentId> foreign = {teep::ComponentId(65, "segment"),
                                                  {std::string(65536, 's')}};
  teep::QueryResponse response = Evidence(Connect());
  const size_t listed = response.tc_list->size();
  for (const teep::ComponentId& id : foreign) {
    teep::SystemPropertyClaims& claims = response.tc_list->emplace_back();
    claims.component_id = id;
    claims.image_digest = {-16, std::string(32, 'i')};
    response.requested_tc_list.push_back({id, std::nullopt, std::nullopt});
  }
  response.requested_tc_list.push_back({{"ours"}, std::nullopt, std::nullopt});
  response.unneeded_manifest_list = foreign;
  EXPECT_THAT(UpdateIn(Send(Sign(response))).manifest_list, SizeIs(1));
  EXPECT_EQ(static_cast<size_t>(resolved_.reported_size()), listed + 2);
  EXPECT_EQ(resolved_.requested_size(), 3);
  EXPECT_EQ(resolved_.unneeded_size(), 2);
}

TEST_F(QueryResponseTest, NothingToDoIsRecordedAndSilent) {
  plan_.Clear();
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
  EXPECT_EQ(Count(Outcome::kNothingToDo), 1u);
}

TEST_F(QueryResponseTest, Ed25519AgentIsAnsweredInItsOwnSuite) {
  TAM_ROW("T-49", "A18");
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("valve", key_);
  EXPECT_THAT(OpenUpdate().manifest_list, SizeIs(1));
}

// The verifier takes a CWT with its tag, so the challenge in it must be found too.
TEST_F(QueryResponseTest, ChallengeIsFoundInACwtWithItsTag) {
  teep::QueryResponse response = Evidence(Connect());
  response.attestation_payload = "\xd8\x3d" + *response.attestation_payload;
  EXPECT_THAT(UpdateIn(Send(Sign(response))).manifest_list, SizeIs(1));
}

TEST_F(QueryResponseTest, MalformedIsSilentAndNeverReachesTheRegistry) {
  TAM_ROW("T-04", "T-05", "R-01", "A4");
  const std::string good = Sign(Evidence(Connect()));
  const std::string payload = *teep::Encode(teep::Success{});
  cose::SignOptions no_kid;
  no_kid.with_kid = false;
  for (const std::string& bytes :
       {std::string("\xff"), std::string("\xa0"), good.substr(0, good.size() - 1), good + "x",
        good.substr(1) /* untagged */, payload,
        *cose::Sign1(key_, cbor::AsBytes(payload), no_kid)}) {
    EXPECT_TRUE(IsSilent(Send(bytes)));
  }
  EXPECT_EQ(registry_.calls("Lookup"), 0);
}

TEST_F(QueryResponseTest, LargerThanTheEndpointsLimitIsOutOfRange) {
  TAM_ROW("R-02");
  EXPECT_THAT(Send(std::string((1 << 20) + 1, 'x')), StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(QueryResponseTest, UnknownKeyIsSilentAndLeavesNoRow) {
  TAM_ROW("R-01");
  const size_t before = AuditCount();
  const auto stranger = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect()), stranger))));
  EXPECT_EQ(Count(Outcome::kDroppedUnknownKey), 1u);
  EXPECT_EQ(AuditCount(), before);
}

TEST_F(QueryResponseTest, RetiredAndBannedKeysAreSilent) {
  const std::string message = Sign(Evidence(Connect()));
  SetKeyState("pump", key_, v1::KEY_STATE_RETIRED);
  EXPECT_TRUE(IsSilent(Send(message)));
  SetKeyState("pump", key_, v1::KEY_STATE_BANNED);
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(Count(Outcome::kDroppedKeyNotActive), 2u);
  EXPECT_EQ(attestation_.calls("Appraise"), 0);
}

TEST_F(QueryResponseTest, SignatureOfAnotherKeyUnderThisKidIsSilent) {
  TAM_ROW("T-07", "R-01");
  std::string bytes = Sign(Evidence(Connect()));
  bytes.back() ^= 1;
  EXPECT_TRUE(IsSilent(Send(bytes)));
  EXPECT_EQ(Count(Outcome::kDroppedBadSignature), 1u);
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(QueryResponseTest, MissingItemsAreErrCode1WithoutTokenOrRow) {
  TAM_ROW("T-26", "T-27");
  const std::string challenge = Connect();
  teep::QueryResponse no_payload = Evidence(challenge), no_list = Evidence(challenge);
  no_payload.attestation_payload.reset();
  no_payload.attestation_payload_format.reset();
  no_list.tc_list.reset();
  for (const auto& response : {no_payload, no_list}) {
    const teep::Update update = UpdateIn(Send(Sign(response)));
    EXPECT_EQ(update.err_code, teep::ErrorCode::kPermanentError);
    EXPECT_THAT(update.err_msg.value_or(""), HasSubstr("missing"));
    EXPECT_FALSE(update.token.has_value());
  }
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(QueryResponseTest, VersionNotOfferedIsErrCode4) {
  TAM_ROW("T-23");
  teep::QueryResponse response = Evidence(Connect());
  response.selected_version = 1;
  const teep::Update update = UpdateIn(Send(Sign(response)));
  EXPECT_EQ(update.err_code, teep::ErrorCode::kUnsupportedMsgVersion);
  EXPECT_FALSE(update.token.has_value());
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(QueryResponseTest, UnattestedEndpointAsksTheCatalogueAsUnattested) {
  teep::QueryResponse response;
  response.token = Connect("lax");
  response.tc_list.emplace();
  EXPECT_THAT(UpdateIn(Send(Sign(response), "lax")).manifest_list, SizeIs(1));
  EXPECT_FALSE(resolved_.attested());
  EXPECT_EQ(attestation_.calls("Appraise"), 0);
}

TEST_F(QueryResponseTest, RefusedEvidenceNamesTheClaimAndInstallsNothing) {
  TAM_ROW("T-37");
  verdict_.set_verdict(v1::VERDICT_REFUSED);
  v1::Reason* reason = verdict_.add_reasons();
  reason->set_claim("measurements.boot");
  reason->set_expected("aa");
  reason->set_found("bb");
  const teep::Update update = UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_THAT(update.err_msg.value_or(""), HasSubstr("measurements.boot"));
  EXPECT_TRUE(update.token.has_value());
  EXPECT_THAT(update.manifest_list, IsEmpty());
  EXPECT_EQ(catalog_.calls("Resolve"), 0);
  const v1::AttestationRecord record = Show("pump").last_attestation();
  EXPECT_EQ(record.verdict(), v1::VERDICT_REFUSED);
  EXPECT_EQ(record.reasons(0).found(), "bb");
}

// Each refusal is a row: none is as large as a message.
TEST_F(QueryResponseTest, OfAnEndlessFormatTheBeginningIsRecorded) {
  verdict_.set_verdict(v1::VERDICT_REFUSED);
  teep::QueryResponse response = Evidence(Connect());
  response.attestation_payload_format = "application/x-" + std::string(100000, 'y');
  UpdateIn(Send(Sign(response)));
  EXPECT_EQ(appraised_.payload_format(), response.attestation_payload_format);
  const std::string recorded = Show("pump").last_attestation().payload_format();
  EXPECT_LE(recorded.size(), 256u);
  EXPECT_THAT(recorded, ::testing::StartsWith("application/x-yyy"));
}

TEST_F(QueryResponseTest, PendingKeyProvesItselfAndGetsNothing) {
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("valve", key_, v1::KEY_STATE_PENDING);
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(registry_.calls("Accept"), 1);
  EXPECT_EQ(catalog_.calls("Resolve"), 0);
}

TEST_F(QueryResponseTest, IdentityOfAnotherDeviceIsRefused) {
  verdict_.mutable_claims()->set_ueid(std::string(17, '\x01'));
  OpenUpdate();
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("valve", key_);
  const teep::Update update = UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_THAT(update.err_msg.value_or(""), HasSubstr("ueid"));
  EXPECT_EQ(Show("valve").last_attestation().reasons(0).claim(), "ueid");
}

TEST_F(QueryResponseTest, SameMessageAgainGetsTheSameUpdateUntilItIsAnswered) {
  TAM_ROW("A25");
  const std::string message = Sign(Evidence(Connect()));
  const teep::Update first = UpdateIn(Send(message));
  const teep::Update again = UpdateIn(Send(message));
  EXPECT_EQ(again.token, first.token);
  EXPECT_EQ(again.manifest_list, first.manifest_list);
  EXPECT_EQ(attestation_.calls("Appraise"), 1);
  teep::Success success;
  success.token = first.token;
  EXPECT_TRUE(IsSilent(Send(Sign(success))));
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

// A COSE_Sign of two signatures, of which the second is the device's and alone has a kid.
TEST_F(QueryResponseTest, SameMessageAgainIsAnsweredInTheSuiteThatWasVerified) {
  TAM_ROW("T-52");
  const std::string payload = *teep::Encode(teep::Message(Evidence(Connect())));
  const auto signed_by = [&](const keys::PrivateKey& key, bool with_kid) {
    const keys::PrivateKey* const signers[] = {&key};
    return *cose::Sign(signers, cbor::AsBytes(payload), {.with_kid = with_kid});
  };
  const std::string own = signed_by(key_, true);
  const auto stranger = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  const size_t list = own.find(payload) + payload.size();
  ASSERT_EQ(own[list], '\x81');
  const std::string message = own.substr(0, list) + '\x82' +
                              signed_by(stranger, false).substr(list + 1) + own.substr(list + 1);
  const teep::Update first = UpdateIn(Send(message));
  EXPECT_EQ(UpdateIn(Send(message)), first);
}

TEST_F(QueryResponseTest, SameRefusedMessageAgainGetsTheSameErrCode) {
  TAM_ROW("A25");
  verdict_.set_verdict(v1::VERDICT_REFUSED);
  verdict_.add_reasons()->set_claim("dbgstat");
  const std::string message = Sign(Evidence(Connect()));
  const teep::Update first = UpdateIn(Send(message));
  EXPECT_EQ(UpdateIn(Send(message)), first);
}

TEST_F(QueryResponseTest, ResendStopsWhenTheManifestMayNoLongerBeDelivered) {
  const std::string message = Sign(Evidence(Connect()));
  UpdateIn(Send(message));
  envelopes_status_ = absl::FailedPreconditionError("withdrawn");
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(Count(Outcome::kResendWithheld), 1u);
}

TEST_F(QueryResponseTest, ResendStopsAtTheDeadline) {
  TAM_ROW("T-19");
  const std::string message = Sign(Evidence(Connect()));
  UpdateIn(Send(message));
  Advance(absl::Hours(25));
  EXPECT_TRUE(IsSilent(Send(message)));
}

TEST_F(QueryResponseTest, UsedChallengeInAnotherMessageIsSilent) {
  TAM_ROW("T-18");
  const std::string challenge = Connect();
  UpdateIn(Send(Sign(Evidence(challenge))));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(challenge)))));  // ECDSA: other bytes
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 1u);
  EXPECT_EQ(attestation_.calls("Appraise"), 1);
}

TEST_F(QueryResponseTest, OlderChallengeThanTheLastAcceptedIsSilent) {
  const std::string older = Connect();
  Advance(absl::Milliseconds(1));
  UpdateIn(Send(Sign(Evidence(Connect()))));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(older)))));
}

TEST_F(QueryResponseTest, TwoHundredCopiesAtOnceGetOneToken) {
  GatewayConfig config;
  config.session.per_device = {1, 1000};
  Restart(config);
  const std::string message = Sign(Evidence(Connect()));
  std::mutex mutex;
  std::set<std::string> tokens;
  std::vector<std::thread> threads;
  for (int t = 0; t < 10; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const teep::Update update = UpdateIn(Send(message));
        std::lock_guard lock(mutex);
        tokens.insert(update.token.value_or(""));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(tokens, ElementsAre(SizeIs(16)));
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

TEST_F(QueryResponseTest, ServicesThatAreDownAreUnavailableAndUseUpNothing) {
  const std::string message = Sign(Evidence(Connect()));
  for (PlayedChannel* channel : {&registry_, &attestation_, &catalog_}) {
    channel->FailWith(absl::UnavailableError("down"));
    EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kUnavailable));
    channel->FailWith(absl::OkStatus());
  }
  EXPECT_THAT(UpdateIn(Send(message)).manifest_list, SizeIs(1));
}

TEST_F(QueryResponseTest, ServiceThatSaysNotFoundIsNotAnUnknownUri) {
  attestation_.FailWith(absl::NotFoundError("bug"));
  EXPECT_THAT(Send(Sign(Evidence(Connect()))), StatusIs(absl::StatusCode::kInternal));
}

// Known from the message itself, also when it comes again.
TEST_F(QueryResponseTest, BinariesThatTheDeviceHasAreLeftToTheCatalogue) {
  teep::QueryResponse response = Evidence(Connect());
  response.requested_tc_list = {{{"app"}, 3, true}, {{"lib"}, 4, false}, {{"new"}, 5, true}};
  teep::SystemPropertyClaims& app = response.tc_list->emplace_back();
  app.component_id = {"app"};
  app.image_digest = {-16, std::string(32, 'i')};
  const std::string message = Sign(response);
  const teep::Update first = UpdateIn(Send(message));
  const auto expect_held = [this] {
    ASSERT_EQ(delivered_.held_size(), 2);
    EXPECT_EQ(delivered_.held(0).component_id(), EncodeComponent({"app"}));
    EXPECT_EQ(delivered_.held(0).min_sequence(), 3u);
    EXPECT_EQ(delivered_.held(0).image_digest(), std::string(32, 'i'));
    EXPECT_EQ(delivered_.held(1).component_id(), EncodeComponent({"new"}));
    EXPECT_EQ(delivered_.held(1).image_digest(), "");
    EXPECT_EQ(delivered_.digests_size(), 1);
  };
  expect_held();
  ASSERT_EQ(resolved_.requested_size(), 3);
  EXPECT_TRUE(resolved_.requested(0).have_binary());
  delivered_.Clear();
  EXPECT_EQ(UpdateIn(Send(message)).token, first.token);
  EXPECT_EQ(Count(Outcome::kUpdateResent), 1u);
  expect_held();
}

}  // namespace
}  // namespace tam::gateway
