// The legacy wire profile: drafts up to -24 and what their implementations send.
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/message/message.h"
#include "teep/message/older.h"
#include "tests/support/status_matchers.h"

namespace tam::teep {
namespace {

using cbor::AsBytes;
using ::testing::HasSubstr;
using ::testing::Optional;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr WireProfile kOld = WireProfile::kLegacy;
const std::string kToken(8, 't');

QueryResponse FullResponse() {
  QueryResponse m;
  m.token = kToken;
  m.selected_version = 0;
  m.selected_cipher_suite = {{18, cose::kEs256}};
  m.attestation_payload_format = "text/plain";
  m.attestation_payload = "evidence";
  m.suit_reports = {"report"};
  SystemPropertyClaims bare;
  bare.component_id = {"a"};
  m.tc_list = {bare};
  m.requested_tc_list = {{{"b"}, 3, true}};
  m.unneeded_manifest_list = {{"c"}};
  m.ext_list.emplace();
  return m;
}

TEST(LegacyMessage, EveryMessageSurvivesARoundTripInItsNumbering) {
  QueryRequest request;
  request.token = kToken;
  request.versions = {0};
  request.supported_cipher_suites = {{{18, cose::kEs256}}};
  request.supported_suit_cose_profiles = {{-16, -7, -29, -65534}};
  request.data_item_requested = 2;
  Update update;
  update.token = kToken;
  update.manifest_list = {"envelope"};
  update.err_code = ErrorCode::kManifestProcessingFailed;
  update.err_msg = "no";
  update.err_lang = "en";
  Error error;
  error.token = kToken;
  error.supported_cipher_suites = request.supported_cipher_suites;
  error.err_code = ErrorCode::kTemporaryError;
  for (const Message& message : {Message(request), Message(FullResponse()), Message(update),
                                 Message(Success{kToken, "done", {"r"}}), Message(error)}) {
    TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(message, kOld));
    TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(bytes), kOld));
    EXPECT_TRUE(decoded == message) << MessageTypeName(TypeOf(message));
  }
}

TEST(LegacyMessage, HasTheNumbersOfTheOlderDrafts) {
  TAM_ASSERT_OK_AND_ASSIGN(const std::string success,
                           Encode(Success{kToken, std::nullopt, {}}, kOld));
  EXPECT_EQ(success, "\x82\x05\xa1\x14\x48" + kToken);
  Error error;
  error.err_code = ErrorCode::kManifestProcessingFailed;
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(error, kOld));
  EXPECT_EQ(bytes, "\x83\x06\xa0\x11");
  TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(bytes), kOld));
  EXPECT_EQ(std::get<Error>(decoded).err_code, ErrorCode::kManifestProcessingFailed);
  // 11 had no meaning then, so it has none here.
  TAM_ASSERT_OK_AND_ASSIGN(const Message other, Decode(AsBytes("\x83\x06\xa0\x0b"), kOld));
  EXPECT_EQ(ErrorCodeName(std::get<Error>(other).err_code), "unknown error 17");
  EXPECT_THAT(Decode(AsBytes("\x82\x04\xa0"), kOld),
              StatusIs(kInvalid, HasSubstr("want 1, 2, 3, 5 or 6, got 4")));
}

TEST(LegacyMessage, TakesWhatThosePeersLeaveOut) {
  // Profiles of two; empty lists; a tc-list element with its component under 16 and nothing else.
  TAM_ASSERT_OK_AND_ASSIGN(
      const Message request,
      Decode(AsBytes("\x85\x01\xa0\x81\x81\x82\x12\x26\x81\x82\x26\x01\x02"), kOld));
  EXPECT_EQ(std::get<QueryRequest>(request).supported_suit_cose_profiles[0],
            (SuitCoseProfile{-16, -7, 0, 1}));
  TAM_ASSERT_OK_AND_ASSIGN(const Message response,
                           Decode(AsBytes("\x82\x02\xa3\x08\x81\xa1\x10\x81\x41"
                                          "a"
                                          "\x0e\x80\x0f\x80"),
                                  kOld));
  const auto& decoded = std::get<QueryResponse>(response);
  EXPECT_EQ(decoded.tc_list->at(0).component_id, ComponentId{"a"});
  EXPECT_TRUE(decoded.requested_tc_list.empty());
  EXPECT_THAT(Decode(AsBytes(std::string("\x82\x02\xa1\x08\x81\xa2\x10\x81\x41"
                                         "a\x00\x81\x41"
                                         "b",
                                         14)),
                     kOld),
              StatusIs(kInvalid, HasSubstr("want one component identifier")));
  EXPECT_THAT(Decode(AsBytes("\x82\x02\xa1\x08\x81\xa0"), kOld), StatusIs(kInvalid));
}

TEST(LegacyMessage, TheSelectedSuiteExistsThereAlone) {
  QueryResponse response = FullResponse();
  response.tc_list->clear();
  EXPECT_THAT(Encode(response), StatusIs(kInvalid, HasSubstr("selected-teep-cipher-suite")));
}

TEST(LegacyMessage, TheSelectedSuiteHasToBeTheOneThatSigned) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto key, keys::PrivateKey::Generate(keys::KeyType::kP256));
  const auto verify = [&](int64_t selected) {
    QueryResponse response = FullResponse();
    response.selected_cipher_suite = {{18, selected}};
    const std::string payload = *Encode(response, kOld);
    const auto cose = cose::Message::Parse(AsBytes(*cose::Sign1(key, AsBytes(payload))),
                                           cose::TagRule::kRequired);
    return VerifyMessage(*cose, key.public_key(), cose::AlgorithmPolicy::WithOlderNumbers(), kOld)
        .status();
  };
  EXPECT_OK(verify(cose::kEsp256));
  EXPECT_OK(verify(cose::kEs256));
  EXPECT_THAT(verify(cose::kEdDsa), StatusIs(kInvalid, HasSubstr("selected-teep-cipher-suite")));
}

TEST(DescribeOlder, NamesTheSigns) {
  TAM_ASSERT_OK_AND_ASSIGN(const std::string success,
                           Encode(Success{kToken, std::nullopt, {}}, kOld));
  EXPECT_THAT(DescribeOlder(AsBytes(success)),
              Optional(std::string("the numbering before -26 (Success 5, token 20)")));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string response, Encode(FullResponse(), kOld));
  EXPECT_THAT(DescribeOlder(AsBytes(response)), Optional(HasSubstr("tc-list 8")));
  EXPECT_THAT(DescribeOlder(AsBytes("\x83\x06\xa0\x01")), Optional(HasSubstr("Error 6")));
}

TEST(DescribeOlder, SaysNothingOfDraft26AndOfGarbage) {
  QueryResponse response = FullResponse();
  response.selected_cipher_suite.reset();
  response.tc_list->clear();
  TAM_ASSERT_OK_AND_ASSIGN(const std::string now, Encode(response));
  EXPECT_EQ(DescribeOlder(AsBytes(now)), std::nullopt);
  EXPECT_EQ(DescribeOlder(AsBytes("\x83\x05")), std::nullopt);
  EXPECT_EQ(DescribeOlder({}), std::nullopt);
}

}  // namespace
}  // namespace tam::teep
