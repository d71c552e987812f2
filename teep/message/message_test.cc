#include "teep/message/message.h"

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::teep {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

const ComponentId kComponent = {"TEEP-Device", "SecureFS", "x.ta"};

QueryRequest FullQueryRequest() {
  QueryRequest m;
  m.challenge = std::string(32, 'c');
  m.supported_freshness_mechanisms = {kFreshnessNonce, kFreshnessTimestamp};
  m.versions = {0, 0xffffffff};
  m.attestation_payload_format = "application/eat+cwt";
  m.attestation_payload = "evidence about the TAM";
  m.suit_reports = {"r1", "r2"};
  m.supported_cipher_suites = MandatoryCipherSuites();
  m.supported_suit_cose_profiles = MandatorySuitCoseProfiles();
  m.data_item_requested = 11;
  return m;
}

QueryResponse FullQueryResponse() {
  QueryResponse m;
  m.token = std::string(16, 't');
  m.selected_version = 0;
  m.attestation_payload_format = "application/eat+cwt; eat_profile=\"urn:x\"";
  m.attestation_payload = "evidence";
  m.suit_reports = {"report"};
  SystemPropertyClaims claims;
  claims.component_id = kComponent;
  claims.image_digest = SystemPropertyClaims::ImageDigest{-16, std::string(32, 'd')};
  claims.image_size = 20;
  claims.other_parameters = {{1, "\x41v"}, {2, "\x41w"}, {-3, "\x01"}};
  m.tc_list = {claims};
  m.requested_tc_list = {{kComponent, 2, true}, {{"b"}, std::nullopt, std::nullopt}};
  m.unneeded_manifest_list = {kComponent, {""}};
  m.ext_list = {{1, 2}};
  return m;
}

Update FullUpdate() {
  Update m;
  m.token = std::string(16, 't');
  m.unneeded_manifest_list = {kComponent};
  m.manifest_list = {"envelope"};
  m.attestation_payload_format = "application/eat+cwt";
  m.attestation_payload = "result";
  m.err_code = ErrorCode::kAttestationRequired;
  m.err_msg = "dbgstat: want 2..4, got 0";
  m.err_lang = "en-GB";
  return m;
}

Error FullError() {
  Error m;
  m.token = std::string(8, 't');
  m.err_msg = "no";
  m.err_lang = "de";
  m.supported_cipher_suites = {{{18, -9}, {96, 1}}};
  m.supported_freshness_mechanisms = {1};
  m.supported_suit_cose_profiles = {{-16, -9, -29, 1}};
  m.challenge = std::string(512, 'c');
  m.versions = {0};
  m.suit_reports = {"r"};
  m.err_code = static_cast<ErrorCode>(200);
  return m;
}

std::vector<Message> FullMessages() {
  return {FullQueryRequest(), FullQueryResponse(), FullUpdate(),
          Success{std::string(64, 't'), "done", {"r"}}, FullError()};
}

Writer Bytes1(size_t size) {
  Writer w;
  w.ByteString(std::string(size, 'b'));
  return w;
}
Writer Text1(std::string_view text) {
  Writer w;
  w.Text(text);
  return w;
}
Writer Uint1(uint64_t value) {
  Writer w;
  w.Uint(value);
  return w;
}
Writer Array1(std::vector<std::string> elements) {
  Writer w;
  w.Array(elements.size());
  for (const std::string& element : elements) w.Raw(element);
  return w;
}

// [type, {label: value}] with the given elements behind.
std::string WithOption(uint64_t type, int64_t label, Writer value, std::string tail = "",
                       size_t tail_count = 0) {
  cbor::MapBuilder map;
  map.Set(label, std::move(value));
  Writer w;
  w.Array(2 + tail_count).Uint(type).Raw(map.Encode()).Raw(tail);
  return std::move(w).Take();
}

absl::Status DecodeStatus(const std::string& bytes) { return Decode(AsBytes(bytes)).status(); }

TEST(Message, EveryFieldSurvivesARoundTrip) {
  for (const Message& message : FullMessages()) {
    TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(message));
    TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(bytes)));
    EXPECT_TRUE(decoded == message) << MessageTypeName(TypeOf(message));
    EXPECT_THAT(Encode(decoded), tam::testing::IsOkAndHolds(bytes));
  }
}

TEST(Message, EncodesTheNumbersOfDraft26) {
  TAM_ROW("A21");
  const std::string token(8, 't');
  TAM_ASSERT_OK_AND_ASSIGN(const std::string success, Encode(Success{token, std::nullopt, {}}));
  EXPECT_EQ(success, "\x82\x04\xa1\x13\x48" + token);
  Error error;
  error.err_code = ErrorCode::kManifestProcessingFailed;
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(error));
  EXPECT_EQ(bytes, "\x83\x05\xa0\x0b");
}

// TEEP.md A5: how a device that has none answers bits 1 and 2.
TEST(Message, WritesOptionsSortedAndEmptyListsOfADeviceThatHasNone) {
  QueryResponse response;
  response.token = std::string(8, 't');
  response.selected_version = 0;
  response.tc_list.emplace();
  response.ext_list.emplace();
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Encode(response));
  EXPECT_EQ(bytes,
            std::string("\x82\x02\xa4\x05\x00\x07\x80\x08\x80\x13\x48", 11) + std::string(8, 't'));
  TAM_ASSERT_OK_AND_ASSIGN(const Message decoded, Decode(AsBytes(bytes)));
  EXPECT_TRUE(std::get<QueryResponse>(decoded) == response);
}

TEST(Message, AcceptsOptionsInAnyOrder) {
  TAM_ROW("A21");
  const std::string token(8, 't');
  TAM_ASSERT_OK_AND_ASSIGN(
      const Message message,
      Decode(AsBytes(std::string("\x82\x02\xa2\x13\x48", 5) + token + std::string("\x05\x00", 2))));
  EXPECT_EQ(std::get<QueryResponse>(message).token, token);
}

TEST(Message, IgnoresUnknownOptions) {
  TAM_ROW("T-48");
  EXPECT_THAT(DecodeStatus(WithOption(2, 200, Text1("x"))), IsOk());
  EXPECT_THAT(DecodeStatus(WithOption(4, 65536, Uint1(1))), IsOk());
}

TEST(Message, RefusesOptionKeysThatAreNoUnsignedIntegers) {
  EXPECT_THAT(DecodeStatus(WithOption(2, -1, Uint1(1))),
              StatusIs(kInvalid, HasSubstr("options key: want unsigned integer")));
  EXPECT_THAT(DecodeStatus(std::string("\x82\x02\xa1\x61x\x01", 6)),
              StatusIs(kInvalid, HasSubstr("query-response.options key")));
}

TEST(Message, RefusesWrongShapes) {
  TAM_ROW("T-08", "A11");
  for (const std::string& bytes : {std::string(""), std::string("\xa0"), std::string("\x80"),
                                   std::string("\x81\x02"), std::string("\x82\x02\xa0\x00", 4),
                                   std::string("\x82\x02\x80"), std::string("\x82\x61x\xa0")}) {
    EXPECT_THAT(DecodeStatus(bytes), StatusIs(kInvalid)) << bytes.size();
  }
  EXPECT_THAT(DecodeStatus(std::string("\x83\x02\xa0\x01", 4)),
              StatusIs(kInvalid, HasSubstr("query-response: want 2 elements, got 3")));
  EXPECT_THAT(DecodeStatus(std::string("\x82\x06\xa0", 3)),
              StatusIs(kInvalid, HasSubstr("message.type: want 1..5, got 6")));
  EXPECT_THAT(DecodeStatus(std::string("\x82\x00\xa0", 3)),
              StatusIs(kInvalid, HasSubstr("message.type: want 1..5, got 0")));
}

TEST(Message, RefusesDuplicateOptions) {
  TAM_ROW("A21");
  const std::string pair = std::string("\x13\x48") + std::string(8, 't');
  EXPECT_THAT(DecodeStatus(std::string("\x82\x04\xa2") + pair + pair), StatusIs(kInvalid));
}

// T-10, T-11, T-40 and the sizes of section 4, from both sides.
TEST(Message, ByteAndTextBoundsHold) {
  TAM_ROW("T-08", "T-10", "T-11", "T-40");
  struct {
    int64_t label;
    size_t min, max;
    bool text;
    const char* name;
  } const kBounds[] = {{19, 8, 64, false, "token"},
                       {2, 8, 512, false, "challenge"},
                       {10, 1, 128, true, "msg"},
                       {11, 1, 128, true, "err-msg"}};
  for (const auto& bound : kBounds) {
    auto value = [&](size_t size) {
      return bound.text ? Text1(std::string(size, 'x')) : Bytes1(size);
    };
    EXPECT_THAT(DecodeStatus(WithOption(2, bound.label, value(bound.min))), IsOk());
    EXPECT_THAT(DecodeStatus(WithOption(2, bound.label, value(bound.max))), IsOk());
    for (size_t size : {bound.min - 1, bound.max + 1}) {
      EXPECT_THAT(
          DecodeStatus(WithOption(2, bound.label, value(size))),
          StatusIs(kInvalid, HasSubstr(Concat("query-response.", bound.name, ": want ", bound.min,
                                              "..", bound.max, " bytes, got ", size))));
    }
  }
}

TEST(Message, NumbersAreBounded) {
  TAM_ROW("T-08");
  EXPECT_THAT(DecodeStatus(WithOption(2, 5, Uint1(0xffffffff))), IsOk());
  EXPECT_THAT(DecodeStatus(WithOption(2, 5, Uint1(0x100000000))),
              StatusIs(kInvalid, HasSubstr("selected-version: want at most 4294967295")));
  for (int64_t label : {3, 8, 20}) {
    EXPECT_THAT(DecodeStatus(WithOption(2, label, Array1({Uint1(0x100000000).bytes()}))),
                StatusIs(kInvalid, HasSubstr("[0]: want at most")));
  }
}

TEST(Message, ListsMustNotBeEmptyExceptThoseOfAnEmptyDevice) {
  TAM_ROW("T-08", "A5");
  for (int64_t label : {1, 3, 4, 9, 13, 14, 18, 20}) {
    EXPECT_THAT(DecodeStatus(WithOption(2, label, Array1({}))),
                StatusIs(kInvalid, HasSubstr("want at least one element")))
        << label;
  }
  TAM_ASSERT_OK_AND_ASSIGN(const Message tc, Decode(AsBytes(WithOption(2, 7, Array1({})))));
  EXPECT_TRUE(std::get<QueryResponse>(tc).tc_list.has_value());
  TAM_ASSERT_OK_AND_ASSIGN(const Message ext, Decode(AsBytes(WithOption(2, 8, Array1({})))));
  EXPECT_TRUE(std::get<QueryResponse>(ext).ext_list.has_value());
}

TEST(Message, EveryKnownOptionHasItsType) {
  TAM_ROW("T-08");
  for (int64_t label : {1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 18, 19, 20, 21}) {
    EXPECT_THAT(DecodeStatus(WithOption(2, label, Uint1(1))),
                StatusIs(kInvalid, HasSubstr(": want ")))
        << label;
  }
  for (int64_t label : {5, 22}) {
    EXPECT_THAT(DecodeStatus(WithOption(2, label, Text1("x"))),
                StatusIs(kInvalid, HasSubstr("want unsigned integer, got text string")));
  }
}

TEST(Message, ErrLangHasTheShapeOfALanguageTag) {
  TAM_ROW("A17");
  for (const char* tag : {"en", "de-DE", "zh-Hant-TW", "x-private", "sl-rozaj-biske-1994"}) {
    EXPECT_THAT(DecodeStatus(WithOption(3, 21, Text1(tag))), IsOk()) << tag;
  }
  for (const char* tag : {"", "-", "en-", "-en", "en_GB", "1a", "toolongsubtag", "en--x",
                          "aaaaaaaa-bbbbbbbb-cccccccc-dddddddd-e"}) {
    EXPECT_THAT(DecodeStatus(WithOption(3, 21, Text1(tag))),
                StatusIs(kInvalid, HasSubstr("update.err-lang")))
        << tag;
  }
}

// T-39, T-47.
TEST(Message, ErrCodeZeroIsRefusedAndUnknownCodesAreCarried) {
  TAM_ROW("T-39", "T-47");
  EXPECT_THAT(DecodeStatus(std::string("\x83\x05\xa0\x00", 4)),
              StatusIs(kInvalid, HasSubstr("error.err-code: want 1 or more, got 0")));
  EXPECT_THAT(DecodeStatus(WithOption(3, 22, Uint1(0))), StatusIs(kInvalid));
  TAM_ASSERT_OK_AND_ASSIGN(const Message m, Decode(AsBytes(std::string("\x83\x05\xa0\x18\xc8"))));
  EXPECT_EQ(ErrorCodeName(std::get<Error>(m).err_code), "unknown error 200");
  EXPECT_EQ(ErrorCodeName(ErrorCode::kAttestationRequired), "ERR_ATTESTATION_REQUIRED");
  Error zero;
  zero.err_code = static_cast<ErrorCode>(0);
  EXPECT_THAT(Encode(zero), StatusIs(kInvalid));
}

// T-30.
TEST(Message, HaveBinaryNeedsASequenceNumber) {
  TAM_ROW("T-30");
  QueryResponse response;
  response.requested_tc_list = {{kComponent, std::nullopt, true}};
  EXPECT_THAT(Encode(response), StatusIs(kInvalid, HasSubstr("tc-manifest-sequence-number")));
  response.requested_tc_list = {{kComponent, std::nullopt, false}};
  EXPECT_THAT(Encode(response), IsOk());
  const std::string info = std::string("\xa2\x0f\x81\x41") + "a" + "\x11\xf5";
  EXPECT_THAT(DecodeStatus(WithOption(2, 13, Array1({info}))),
              StatusIs(kInvalid, HasSubstr("requested-tc-list[0]: want tc-manifest-sequence")));
}

TEST(Message, ComponentIdsAreNonEmptyArraysOfByteStrings) {
  EXPECT_THAT(DecodeStatus(WithOption(2, 14, Array1({"\x80"}))),
              StatusIs(kInvalid, HasSubstr("unneeded-manifest-list[0]: want at least one")));
  EXPECT_THAT(DecodeStatus(WithOption(2, 14, Array1({std::string("\x81\x61x")}))),
              StatusIs(kInvalid, HasSubstr("unneeded-manifest-list[0][0]: want byte string")));
  EXPECT_THAT(DecodeStatus(WithOption(2, 13, Array1({"\xa0"}))),
              StatusIs(kInvalid, HasSubstr("component-id")));
  Update update;
  update.unneeded_manifest_list = {{}};
  EXPECT_THAT(Encode(update), StatusIs(kInvalid));
}

TEST(Message, TcListElementsNeedAComponentAndAParameter) {
  const std::string id = std::string("\x81\x41") + "a";
  EXPECT_THAT(DecodeStatus(WithOption(2, 7, Array1({std::string("\xa1\x00", 2) + id}))),
              StatusIs(kInvalid, HasSubstr("tc-list[0]: want at least one SUIT parameter")));
  EXPECT_THAT(DecodeStatus(WithOption(2, 7, Array1({std::string("\xa1\x0e\x01", 3)}))),
              StatusIs(kInvalid, HasSubstr("tc-list[0].0: want at least one byte string")));
  const std::string short_digest = std::string("\xa2\x00", 2) + id + "\x03\x44\x82\x2f\x41" + "d";
  EXPECT_THAT(DecodeStatus(WithOption(2, 7, Array1({short_digest}))),
              StatusIs(kInvalid, HasSubstr("tc-list[0].3: want 32..32 bytes, got 1")));
  const std::string unwrapped = std::string("\xa2\x00", 2) + id + "\x03\x82\x2f\x41" + "d";
  EXPECT_THAT(DecodeStatus(WithOption(2, 7, Array1({unwrapped}))),
              StatusIs(kInvalid, HasSubstr("tc-list[0].3: want byte string, got array")));
}

// T-24.
TEST(Message, QueryRequestNeedsItsPositionalElements) {
  TAM_ROW("T-24");
  QueryRequest request = FullQueryRequest();
  request.supported_cipher_suites.clear();
  EXPECT_THAT(Encode(request), StatusIs(kInvalid));
  request = FullQueryRequest();
  request.supported_cipher_suites = {{}};
  EXPECT_THAT(Encode(request), StatusIs(kInvalid));
  request = FullQueryRequest();
  request.supported_suit_cose_profiles.clear();
  EXPECT_THAT(Encode(request), StatusIs(kInvalid));
  const std::string suites = "\x81\x81\x82\x12\x28", profiles = "\x81\x84\x2f\x28\x38\x1c\x01";
  const std::string head = "\x85\x01\xa0";
  EXPECT_THAT(DecodeStatus(head + suites + profiles + "\x02"), IsOk());
  EXPECT_THAT(DecodeStatus(head + "\x80" + profiles + "\x02"), StatusIs(kInvalid));
  EXPECT_THAT(DecodeStatus(head + "\x81\x80" + profiles + "\x02"), StatusIs(kInvalid));
  EXPECT_THAT(DecodeStatus(head + suites + "\x80\x02"), StatusIs(kInvalid));
  EXPECT_THAT(DecodeStatus(head + suites + "\x81\x83\x2f\x28\x01\x02"), StatusIs(kInvalid));
  EXPECT_THAT(DecodeStatus(head + suites + profiles + "\x21"), StatusIs(kInvalid));
}

TEST(Message, EncodeRefusesWhatDecodeWould) {
  EXPECT_THAT(Encode(Success{std::string(7, 't'), std::nullopt, {}}), StatusIs(kInvalid));
  EXPECT_THAT(Encode(Success{std::nullopt, std::string(129, 'x'), {}}), StatusIs(kInvalid));
  EXPECT_THAT(Encode(Success{std::nullopt, "\xff", {}}), StatusIs(kInvalid, HasSubstr("UTF-8")));
  Update update;
  update.err_lang = "not a tag";
  EXPECT_THAT(Encode(update), StatusIs(kInvalid));
}

}  // namespace
}  // namespace tam::teep
