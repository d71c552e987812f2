// Rows of the requirement table (tests/conformance/requirements.tsv) that no other test of the
// engine is about.
#include <set>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RowsTest : public SessionFixture {
 protected:
  void CreateEndpointThatAsks(const std::string& name, uint64_t data_items) {
    v1::CreateEndpointRequest request;
    request.set_parent("tenants/acme");
    request.set_endpoint_id(name);
    request.mutable_endpoint()->set_attestation_required((data_items & 1) != 0);
    request.mutable_endpoint()->set_data_items(data_items);
    EXPECT_OK(admin_->CreateEndpoint(
        {*runtime::Identity::Parse("spiffe://test/tenant/acme/operator/olga", "test"),
         absl::InfiniteFuture(), ""},
        request));
  }
  teep::QueryResponse WithToken(const std::string& token) {
    teep::QueryResponse response;
    response.token = token;
    response.tc_list.emplace();
    return response;
  }
  teep::Error ErrorWith(teep::ErrorCode code, std::optional<std::string> token = std::nullopt) {
    teep::Error error;
    error.err_code = code;
    error.token = std::move(token);
    return error;
  }
  bool EarnsAQuery(const teep::Error& error) {
    const auto answer = Send(Sign(error));
    EXPECT_OK(answer);
    return answer.ok() && answer->has_value();
  }
};

TEST_F(RowsTest, NoTokenIsEverMadeTwice) {
  TAM_ROW("T-02", "R-04", "A2");
  GatewayConfig config;
  config.session.query_requests = config.session.query_requests_per_source = {1e6, 1e6};
  Restart(config);
  const std::unique_ptr<GatewayModule> first = std::move(module_);
  std::set<std::string> seen;
  size_t made = 0;
  for (int replica = 0; replica < 2; ++replica) {
    Restart(config);
    for (int i = 0; i < 100; ++i) {
      made += 2;
      seen.insert(Connect("lax"));
      seen.insert(Connect("main"));
    }
  }
  for (int i = 0; i < 20; ++i) {  // the last exchange has ended each time
    const teep::Update update = OpenUpdate();
    ++made;
    seen.insert(update.token.value_or(""));
    teep::Success success;
    success.token = update.token;
    EXPECT_TRUE(IsSilent(Send(Sign(success))));
  }
  EXPECT_THAT(seen, SizeIs(made));
}

TEST_F(RowsTest, OpenUpdatesOfADeviceHaveDifferentTokens) {
  TAM_ROW("T-70");
  std::set<std::string> tokens;
  for (int i = 0; i < 4; ++i) tokens.insert(OpenUpdate().token.value_or(""));
  EXPECT_THAT(tokens, SizeIs(4));
  EXPECT_THAT(Show("pump").open_updates(), SizeIs(4));
}

TEST_F(RowsTest, OlderAlgorithmNumbersAreRefusedByDefault) {
  TAM_ROW("A3");
  auto edward = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("valve", edward);
  const std::string payload = *teep::Encode(teep::Success{});
  for (const auto& [key, alg] : {std::pair(&key_, "\xa1\x01\x26"), {&edward, "\xa1\x01\x27"}}) {
    const std::string signature =
        *key->Sign(AsBytes(cose::Sign1ToBeSigned(AsBytes(std::string(alg)), AsBytes(payload))));
    Writer message;
    message.Tag(18).Array(4).ByteString(std::string(alg)).MapHead(1).Uint(4);
    message.ByteString(cbor::AsString(key->public_key().thumbprint()));
    message.ByteString(payload).ByteString(signature);
    EXPECT_TRUE(IsSilent(Send(message.bytes())));
  }
  EXPECT_EQ(Count(Outcome::kDroppedBadSignature), 2u);
}

TEST_F(RowsTest, OnlySignedMessagesAreRead) {
  TAM_ROW("T-05");
  const std::string payload = *teep::Encode(teep::Success{});
  const std::string kid = cbor::AsString(key_.public_key().thumbprint());
  Writer headers, mac, encrypt;
  headers.MapHead(1).Uint(4).ByteString(kid);
  mac.Tag(17).Array(4).ByteString("\xa1\x01\x05").Raw(headers.bytes()).ByteString(payload);
  mac.ByteString(std::string(32, 't'));
  encrypt.Tag(16).Array(3).ByteString(std::string("\xa1\x01\x01")).Raw(headers.bytes());
  encrypt.ByteString(payload);
  for (const std::string& bytes : {mac.bytes(), encrypt.bytes()}) {
    EXPECT_TRUE(IsSilent(Send(bytes)));
  }
  EXPECT_EQ(Count(Outcome::kDroppedMalformed), 2u);
  EXPECT_EQ(registry_.calls("Lookup"), 0);
}

// A token says which request is answered, and nothing of who answers it.
TEST_F(RowsTest, ATokenIdentifiesNobody) {
  TAM_ROW("T-15");
  const auto valve = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("valve", valve);
  const std::string token = Connect("lax");
  // Without a registered key it is worth nothing.
  const auto stranger = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  EXPECT_TRUE(IsSilent(Send(Sign(WithToken(token), stranger), "lax")));
  // Whoever holds a registered key may answer with it, and is who the key says.
  UpdateIn(Send(Sign(WithToken(token), valve), "lax"));
  EXPECT_THAT(Show("valve").open_updates(), SizeIs(1));
  EXPECT_THAT(Show("pump").open_updates(), IsEmpty());
  UpdateIn(Send(Sign(WithToken(token)), "lax"));
  EXPECT_THAT(Show("pump").open_updates(), SizeIs(1));
}

TEST_F(RowsTest, AnInvalidSignatureUsesUpNoToken) {
  TAM_ROW("T-18");
  const std::string token = Connect("lax");
  Advance(absl::Milliseconds(1));
  const std::string challenge = Connect();
  const std::string with_token = Sign(WithToken(token));
  const std::string with_challenge = Sign(Evidence(challenge));
  for (const auto& [message, endpoint] :
       {std::pair(with_token, "lax"), std::pair(with_challenge, "main")}) {
    std::string forged = message;
    forged.back() = static_cast<char>(forged.back() ^ 1);
    EXPECT_TRUE(IsSilent(Send(forged, endpoint)));
  }
  EXPECT_EQ(Count(Outcome::kDroppedBadSignature), 2u);
  UpdateIn(Send(with_token, "lax"));
  EXPECT_TRUE(IsSilent(Send(Sign(WithToken(token)), "lax")));
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 1u);
  UpdateIn(Send(with_challenge));
}

TEST_F(RowsTest, AnAnswerToAChallengeBearsNoToken) {
  TAM_ROW("T-25");
  const std::string challenge = Connect();
  teep::QueryResponse response = Evidence(challenge);
  for (const std::string& token : {challenge, std::string(32, 't'), Connect("lax")}) {
    response.token = token;
    EXPECT_TRUE(IsSilent(Send(Sign(response))));
  }
  EXPECT_EQ(Count(Outcome::kDroppedToken), 3u);
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(RowsTest, ExtensionsThatWereAskedForAreMissed) {
  TAM_ROW("T-28");
  CreateEndpointThatAsks("extended", 7);
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  CreateDevice("valve", key_);  // known at the endpoints that there are now
  teep::QueryResponse response = Evidence(Connect("extended"));
  const teep::Update update = UpdateIn(Send(Sign(response), "extended"));
  EXPECT_EQ(update.err_code, teep::ErrorCode::kPermanentError);
  EXPECT_THAT(update.err_msg.value_or(""), HasSubstr("ext-list"));
  EXPECT_EQ(registry_.calls("Accept"), 0);
  response.ext_list = {{1}};
  EXPECT_FALSE(UpdateIn(Send(Sign(response), "extended")).err_code.has_value());
}

TEST_F(RowsTest, ErrMsgIsInTheLanguageOfErrLang) {
  TAM_ROW("T-41");
  teep::QueryResponse response = Evidence(Connect());
  response.selected_version = 1;
  const teep::Update update = UpdateIn(Send(Sign(response)));
  EXPECT_EQ(update.err_lang, "en");
  EXPECT_EQ(update.err_msg, "want version 0");
}

TEST_F(RowsTest, AnUnknownLanguageHidesNoErrCode) {
  TAM_ROW("T-42");
  teep::Error error = ErrorWith(teep::ErrorCode::kTemporaryError, OpenUpdate().token);
  error.err_lang = "x-klingon";
  error.err_msg = "Qagh";
  EXPECT_TRUE(IsSilent(Send(Sign(error))));
  EXPECT_EQ(AuditCount("update.failed"), 1u);
  Advance(absl::Seconds(1));
  EXPECT_TRUE(IsSilent(Send(Sign(Evidence(Connect())))));
  EXPECT_EQ(Count(Outcome::kBackedOff), 1u);
}

TEST_F(RowsTest, UnknownErrCodesAreErrors) {
  TAM_ROW("T-47");
  uint64_t reports = 0;
  for (const uint64_t code : {uint64_t{12}, uint64_t{200}, uint64_t{1} << 63, UINT64_MAX}) {
    const teep::Update update = OpenUpdate();
    EXPECT_TRUE(IsSilent(Send(Sign(ErrorWith(static_cast<teep::ErrorCode>(code), update.token)))));
    EXPECT_EQ(Count(Outcome::kReportRecorded), ++reports);
    EXPECT_THAT(Show("pump").open_updates(), IsEmpty());
    Advance(absl::Hours(1));
  }
  EXPECT_EQ(AuditCount("update.failed"), 4u);
}

TEST_F(RowsTest, UnknownOptionsOfASuccessAreIgnored) {
  TAM_ROW("T-48");
  cbor::MapBuilder options;
  options.Set(19, Writer().ByteString(*OpenUpdate().token));
  options.Set(200, Writer().Text("of a later draft"));
  options.Set(70000, Writer().Array(0));
  const std::string payload = Writer().Array(2).Uint(4).Raw(options.Encode()).bytes();
  EXPECT_TRUE(IsSilent(Send(*cose::Sign1(key_, AsBytes(payload)))));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
}

TEST_F(RowsTest, Error5IsTakenUnderEitherSuite) {
  TAM_ROW("T-53");
  teep::Error error = ErrorWith(teep::ErrorCode::kUnsupportedCipherSuites);
  error.supported_cipher_suites = teep::MandatoryCipherSuites();
  EXPECT_TRUE(EarnsAQuery(error));
  key_ = *keys::PrivateKey::Generate(keys::KeyType::kEd25519);
  CreateDevice("valve", key_);
  EXPECT_TRUE(EarnsAQuery(error));
  EXPECT_EQ(Count(Outcome::kErrorWithoutToken), 2u);
}

TEST_F(RowsTest, AChallengeHas32BytesAndStandsForAToken) {
  TAM_ROW("A6");
  EXPECT_THAT(Connect("main"), SizeIs(32));
  EXPECT_EQ(kChallengeSize, 32u);
}

TEST_F(RowsTest, AnErrorWithAForeignTokenChangesNothing) {
  TAM_ROW("A19");
  const teep::Update update = OpenUpdate();
  EXPECT_TRUE(
      IsSilent(Send(Sign(ErrorWith(teep::ErrorCode::kTemporaryError, std::string(16, 'z'))))));
  EXPECT_TRUE(
      IsSilent(Send(Sign(ErrorWith(teep::ErrorCode::kTemporaryError, std::string(9, 'z'))))));
  EXPECT_EQ(Count(Outcome::kReportUnknownToken), 1u);
  EXPECT_EQ(Count(Outcome::kDroppedToken), 1u);
  EXPECT_THAT(Show("pump").open_updates(), SizeIs(1));
  EXPECT_TRUE(IsSilent(Send(Sign(ErrorWith(teep::ErrorCode::kTemporaryError, update.token)))));
  EXPECT_THAT(Show("pump").open_updates(), IsEmpty());
}

TEST_F(RowsTest, Errors3And4AreOfFreshnessAndOfVersions) {
  TAM_ROW("A23");
  EXPECT_EQ(teep::ErrorCodeName(static_cast<teep::ErrorCode>(3)),
            "ERR_UNSUPPORTED_FRESHNESS_MECHANISMS");
  EXPECT_EQ(teep::ErrorCodeName(static_cast<teep::ErrorCode>(4)), "ERR_UNSUPPORTED_MSG_VERSION");
  teep::Error freshness = ErrorWith(static_cast<teep::ErrorCode>(3));
  teep::Error version = ErrorWith(static_cast<teep::ErrorCode>(4));
  freshness.versions = version.versions = {0};
  EXPECT_FALSE(EarnsAQuery(freshness));
  EXPECT_TRUE(EarnsAQuery(version));
  freshness.versions.clear();
  freshness.supported_freshness_mechanisms = {teep::kFreshnessNonce};
  EXPECT_TRUE(EarnsAQuery(freshness));
}

TEST_F(RowsTest, DataItemsBeyondThoseDefinedAreReadAndLeftAlone) {
  TAM_ROW("A20");
  teep::QueryRequest request;
  request.token = std::string(16, 't');
  request.supported_cipher_suites = teep::MandatoryCipherSuites();
  request.supported_suit_cose_profiles = teep::MandatorySuitCoseProfiles();
  request.data_item_requested = UINT64_MAX - 1;
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, teep::Encode(request));
  TAM_ASSERT_OK_AND_ASSIGN(const teep::Message read, teep::Decode(AsBytes(bytes)));
  EXPECT_EQ(std::get<teep::QueryRequest>(read).data_item_requested, UINT64_MAX - 1);
  EXPECT_OK(teep::CheckQueryRequest(request));
}

}  // namespace
}  // namespace tam::gateway
