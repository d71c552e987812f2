#include "teep/eat/eat.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vectors.h"

namespace tam::eat {
namespace {

using cbor::AsBytes;
using cbor::Writer;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

Claims FullClaims() {
  Claims claims;
  claims.issuer = "verifier";
  claims.expires = absl::FromUnixSeconds(1790003600);
  claims.not_before = absl::FromUnixSeconds(1789999000);
  claims.issued_at = absl::FromUnixSeconds(1790000000);
  claims.cnf = Confirmation{keys::PrivateKey::Generate(keys::KeyType::kP256)->public_key(),
                            std::string(32, 'k'), std::string(32, 'c')};
  claims.nonces = {std::string(32, 'n')};
  claims.ueid = "\x01" + std::string(16, 'u');
  claims.oemid = "abc";
  claims.hwmodel = "model";
  claims.hwversion = "1.3.4";
  claims.hwversion_scheme = "\x01";
  claims.oemboot = true;
  claims.dbgstat = 3;
  claims.profile = kEvidenceProfile;
  claims.manifests = {{60, "m"}};
  claims.measurements = {EncodeMeasurements({{"tee-os", std::string(32, 'd')}})};
  claims.other[std::move(Writer().Int(-70000)).Take()] = std::move(Writer().Text("x")).Take();
  return claims;
}

std::string OneClaim(int64_t label, Writer value) {
  cbor::MapBuilder map;
  map.Set(label, std::move(value));
  return map.Encode();
}

absl::Status ParseStatus(const std::string& bytes) { return ParseClaims(AsBytes(bytes)).status(); }

TEST(Claims, EveryClaimSurvivesARoundTrip) {
  Claims claims = FullClaims();
  EXPECT_THAT(ParseClaims(AsBytes(EncodeClaims(claims))), IsOkAndHolds(claims));
  claims.oemid = "64242";
  claims.oemid_is_pen = true;
  claims.nonces = {std::string(8, 'n'), std::string(64, 'm')};
  claims.nonce_is_array = true;
  claims.hwversion_scheme.reset();
  EXPECT_THAT(ParseClaims(AsBytes(EncodeClaims(claims))), IsOkAndHolds(claims));
}

TEST(Claims, RefusesWhatIsNotAMap) {
  TAM_ROW("T-58");
  EXPECT_THAT(ParseStatus("\x80"), StatusIs(kInvalid, HasSubstr("eat: want map")));
  EXPECT_THAT(ParseStatus(""), StatusIs(kInvalid));
  EXPECT_THAT(ParseStatus(EncodeClaims(FullClaims()) + "x"), StatusIs(kInvalid));
  EXPECT_THAT(ParseStatus(std::string("\xbf\xff")), StatusIs(kInvalid));  // indefinite length
}

TEST(Claims, AnEnterpriseNumberHas32Bits) {
  EXPECT_THAT(ParseStatus(OneClaim(258, std::move(Writer().Uint(UINT32_MAX)))), IsOk());
  // As text 16 digits, which are not the 16 bytes of a random number.
  EXPECT_THAT(ParseStatus(OneClaim(258, std::move(Writer().Uint(1234567890123456)))),
              StatusIs(kInvalid, HasSubstr("eat.258: want a PEN of 32 bits")));
}

TEST(Claims, RefusesTagsAnywhere) {
  TAM_ROW("T-58");
  Writer nested;
  nested.Array(1).Tag(1).Uint(0);
  EXPECT_THAT(ParseStatus(OneClaim(264, std::move(nested))),
              StatusIs(kInvalid, HasSubstr("want no tag")));
}

TEST(Claims, ChecksTypesAndSizes) {
  auto text = [] { return std::move(Writer().Text("x")); };
  for (int64_t label : {4, 5, 6, 8, 10, 256, 258, 259, 260, 262, 263, 272, 273}) {
    EXPECT_THAT(ParseStatus(OneClaim(label, text())),
                StatusIs(kInvalid, HasSubstr("eat." + std::to_string(label))));
  }
  EXPECT_THAT(ParseStatus(OneClaim(10, std::move(Writer().ByteString(std::string(7, 'n'))))),
              StatusIs(kInvalid, HasSubstr("eat.10: want 8..64 bytes, got 7")));
  EXPECT_THAT(ParseStatus(OneClaim(258, std::move(Writer().ByteString("abcd")))),
              StatusIs(kInvalid, HasSubstr("eat.258: want 3 or 16 bytes, got 4")));
  EXPECT_THAT(ParseStatus(OneClaim(263, std::move(Writer().Uint(5)))),
              StatusIs(kInvalid, HasSubstr("eat.263: want 0..4")));
  EXPECT_THAT(ParseStatus(OneClaim(6, std::move(Writer().Int(-1)))), StatusIs(kInvalid));
  EXPECT_THAT(ParseStatus(OneClaim(6, std::move(Writer().Uint(UINT64_MAX)))), StatusIs(kInvalid));
  EXPECT_THAT(ParseStatus(OneClaim(8, std::move(Writer().Raw("\xa0")))),
              StatusIs(kInvalid, HasSubstr("eat.8: want COSE_Key")));
}

TEST(Confirmation, EveryMemberMustNameTheKey) {
  TAM_ROW("T-35", "A22");
  const auto key = keys::PrivateKey::Generate(keys::KeyType::kEd25519)->public_key();
  const auto other = keys::PrivateKey::Generate(keys::KeyType::kEd25519)->public_key();
  const std::string thumbprint(key.thumbprint().begin(), key.thumbprint().end());
  EXPECT_TRUE((Confirmation{key, thumbprint, thumbprint}).Names(key.thumbprint()));
  EXPECT_TRUE((Confirmation{std::nullopt, thumbprint, {}}).Names(key.thumbprint()));
  EXPECT_FALSE((Confirmation{key, std::nullopt, {}}).Names(other.thumbprint()));
  EXPECT_FALSE((Confirmation{key, std::string(32, 'x'), {}}).Names(key.thumbprint()));
  EXPECT_FALSE((Confirmation{{}, thumbprint.substr(0, 16), {}}).Names(key.thumbprint()));
  EXPECT_FALSE(Confirmation{}.Names(key.thumbprint()));
}

TEST(Ueid, HasOneOfThreeForms) {
  for (const auto& [type, size] : {std::pair{1, 17}, {1, 25}, {1, 33}, {2, 7}, {2, 9}, {3, 15}}) {
    std::string ueid(size, 'u');
    ueid[0] = static_cast<char>(type);
    EXPECT_OK(CheckUeid(AsBytes(ueid)));
    EXPECT_THAT(CheckUeid(AsBytes(ueid + "x")), StatusIs(kInvalid, HasSubstr("eat.256: want")));
  }
  EXPECT_THAT(CheckUeid({}), StatusIs(kInvalid, HasSubstr("got 0")));
  EXPECT_THAT(CheckUeid(AsBytes("\x09" + std::string(16, 'u'))),
              StatusIs(kInvalid, HasSubstr("want type 1, 2 or 3, got 9")));
}

TEST(MediaType, ParsesQuotedAndUnquotedParameters) {
  const MediaType want = {"application", "eat+cwt", {{"eat_profile", "urn:ietf:rfc:rfcXXXX"}}};
  for (const char* text : {"application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"",
                           "Application/EAT+cwt;EAT_profile=urn:ietf:rfc:rfcXXXX",
                           " application/eat+cwt ;\teat_profile=\"urn:ietf:rfc:rfc\\XXXX\" ; "}) {
    EXPECT_THAT(ParseMediaType(text), IsOkAndHolds(want)) << text;
  }
  EXPECT_EQ(FormatMediaType(want), "application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"");
  EXPECT_THAT(ParseMediaType(FormatMediaType(want)), IsOkAndHolds(want));
}

TEST(MediaType, RefusesMalformedText) {
  for (const char* text : {"", "application", "application/", "/x", "a/b c", "a/b; x", "a/b; =y",
                           "a/b; x=", "a/b; x=\"y", "a/b; x=1; X=2", "a/b; x=\"\x01\""}) {
    EXPECT_THAT(ParseMediaType(text), StatusIs(kInvalid, HasSubstr("media type: "))) << text;
  }
  EXPECT_THAT(ParseMediaType("a/" + std::string(600, 'b')), StatusIs(kInvalid));
}

// T-32.
TEST(ClassifyPayload, OnlyTheTeepProfileNamesAResult) {
  TAM_ROW("T-32");
  const std::vector<std::string> profiles = {kTeepProfile};
  const auto result = PayloadKind::kAttestationResult;
  const auto evidence = PayloadKind::kEvidence;
  EXPECT_EQ(ClassifyPayload(std::nullopt, profiles), result);
  EXPECT_EQ(ClassifyPayload("application/eat+cwt; eat_profile=urn:ietf:rfc:rfcXXXX", profiles),
            result);
  for (const char* format :
       {"application/eat+cwt; eat_profile=\"urn:tamarack:teep-evidence:1\"", "application/eat+cwt",
        "application/eat+jwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"", "nonsense", "",
        "application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfcXXXX\"; x=y"}) {
    EXPECT_EQ(ClassifyPayload(format, profiles), evidence) << format;
  }
}

TEST(Measurements, AreMapsOfNamesToDigests) {
  const ContentEntry a = EncodeMeasurements({{"boot", std::string(32, 'a')}});
  const ContentEntry b = EncodeMeasurements({{"tee-os", std::string(32, 'b')}});
  TAM_ASSERT_OK_AND_ASSIGN(const auto digests, ParseMeasurements({a, b}));
  EXPECT_THAT(digests, UnorderedElementsAre(Pair("boot", std::string(32, 'a')),
                                            Pair("tee-os", std::string(32, 'b'))));
  EXPECT_THAT(ParseMeasurements({a, a}), StatusIs(kInvalid, HasSubstr("measured twice")));
  EXPECT_THAT(ParseMeasurements({{258, a.content}}),
              StatusIs(kInvalid, HasSubstr("want content-format 60, got 258")));
  EXPECT_THAT(ParseMeasurements({EncodeMeasurements({{"boot", "short"}})}),
              StatusIs(kInvalid, HasSubstr("eat.273[0]")));
  EXPECT_THAT(ParseMeasurements({{60, "\xa0"}}), StatusIs(kInvalid));
}

TEST(ExtractChallenge, ReadsTheSingleNonce) {
  TAM_ROW("A12");
  const auto key = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  Claims claims = FullClaims();
  auto token = [&] { return *cose::Sign1(key, AsBytes(EncodeClaims(claims))); };
  EXPECT_THAT(ExtractChallenge(AsBytes(token())), IsOkAndHolds(claims.nonces[0]));
  EXPECT_THAT(ExtractChallenge(AsBytes("\xd8\x3d" + token())), IsOkAndHolds(claims.nonces[0]));
  claims.nonces = {std::string(8, 'a'), std::string(8, 'b')};
  claims.nonce_is_array = true;
  EXPECT_THAT(ExtractChallenge(AsBytes(token())), StatusIs(kNotFound));
  claims.nonces.clear();
  EXPECT_THAT(ExtractChallenge(AsBytes(token())), StatusIs(kNotFound));
  EXPECT_THAT(ExtractChallenge(AsBytes("junk")), StatusIs(kInvalid));
}

TEST(ExtractTimestamp, ReadsTimeAndAudienceWhereThereIsNoNonce) {
  const auto key = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  Claims claims = FullClaims();
  auto token = [&] { return *cose::Sign1(key, AsBytes(EncodeClaims(claims))); };
  claims.issued_at = absl::FromUnixSeconds(1'790'000'000);
  claims.audience = "/tam/acme/main";
  EXPECT_THAT(ExtractTimestamp(AsBytes(token())), StatusIs(kNotFound));
  claims.nonces.clear();
  claims.nonce_is_array = false;
  TAM_ASSERT_OK_AND_ASSIGN(const Timestamp stamp, ExtractTimestamp(AsBytes(token())));
  EXPECT_EQ(stamp.issued_at, claims.issued_at);
  EXPECT_EQ(stamp.audience, claims.audience);
  claims.audience.reset();
  EXPECT_THAT(ExtractTimestamp(AsBytes(token())), StatusIs(kNotFound));
  claims.audience = "/tam/acme/main";
  claims.issued_at.reset();
  EXPECT_THAT(ExtractTimestamp(AsBytes(token())), StatusIs(kNotFound));
  EXPECT_THAT(ExtractTimestamp(AsBytes("junk")), StatusIs(kInvalid));
}

TEST(ExtractProfile, ReadsItUnverified) {
  const auto key = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  Claims claims = FullClaims();
  auto token = [&] { return *cose::Sign1(key, AsBytes(EncodeClaims(claims))); };
  claims.profile = "urn:x";
  EXPECT_THAT(ExtractProfile(AsBytes(token())), IsOkAndHolds("urn:x"));
  EXPECT_THAT(ExtractProfile(AsBytes("\xd8\x3d" + token())), IsOkAndHolds("urn:x"));
  claims.profile.reset();
  EXPECT_THAT(ExtractProfile(AsBytes(token())), StatusIs(kNotFound));
  EXPECT_THAT(ExtractProfile(AsBytes("junk")), StatusIs(kInvalid));
  EXPECT_THAT(ExtractProfile(AsBytes(*cose::Sign1(key, AsBytes("\x01")))), StatusIs(kInvalid));
}

class EatVectors : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto root = testing::VectorRoot();
    if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is not set";
    root_ = *root;
  }
  // The token's claims without a look at its signature.
  static absl::Status Parse(const std::string& token) {
    auto cose = cose::Message::Parse(StripCwtTag(AsBytes(token)), cose::TagRule::kRequired);
    if (!cose.ok()) return cose.status();
    if (!cose->unverified_payload().has_value()) return absl::InvalidArgumentError("no payload");
    return ParseClaims(AsBytes(*cose->unverified_payload())).status();
  }
  std::string root_;
};

TEST_F(EatVectors, AttestationCasesAsFarAsParsingDecides) {
  int checked = 0;
  const std::string folder = root_ + "/vectors/attestation/";
  for (const auto& row : testing::ReadCases(folder + "cases.json")) {
    if (testing::Value(row, "format") != "eat") continue;
    const std::string id = testing::Value(row, "id");
    const absl::Status status = Parse(testing::ReadFile(folder + testing::Value(row, "evidence")));
    const std::string reason =
        testing::Value(row, "expect.reasons.0") + testing::Value(row, "expect.reasons.1");
    const bool malformed = reason.find("parse:") != std::string::npos ||
                           reason.find("crit") != std::string::npos ||
                           reason.find("COSE tag") != std::string::npos ||
                           reason.find("shorter than 8") != std::string::npos;
    if (testing::Value(row, "media_type").find("older") != std::string::npos) {
      EXPECT_THAT(status, StatusIs(kInvalid, HasSubstr("eat.260: want text string"))) << id;
    } else if (malformed) {
      EXPECT_THAT(status, StatusIs(kInvalid)) << id;
    } else if (testing::Value(row, "expect.verdict_default") == "accept") {
      EXPECT_THAT(status, IsOk()) << id;
    }
    ++checked;
  }
  EXPECT_GE(checked, 27);
}

}  // namespace
}  // namespace tam::eat
