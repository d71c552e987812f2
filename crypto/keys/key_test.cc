#include "crypto/keys/key.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsString;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;

// RFC 9679 section 6: the example key and its thumbprint.
constexpr char kRfcX[] = "65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d";
constexpr char kRfcY[] = "1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c";
constexpr char kRfcThumbprint[] =
    "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec";

std::string Unhex(std::string_view hex) { return absl::HexStringToBytes({hex.data(), hex.size()}); }

cbor::MapBuilder P256Map() {
  cbor::MapBuilder map;
  map.Set(1, cbor::Writer().Uint(2)).Set(-1, cbor::Writer().Uint(1));
  map.Set(-2, cbor::Writer().ByteString(Unhex(kRfcX)));
  map.Set(-3, cbor::Writer().ByteString(Unhex(kRfcY)));
  return map;
}

cbor::MapBuilder Ed25519Map(std::string_view x_hex) {
  cbor::MapBuilder map;
  map.Set(1, cbor::Writer().Uint(1)).Set(-1, cbor::Writer().Uint(6));
  map.Set(-2, cbor::Writer().ByteString(Unhex(x_hex)));
  return map;
}

absl::StatusOr<PublicKey> Parse(const cbor::MapBuilder& map) {
  return PublicKey::FromCoseKey(AsBytes(map.Encode()));
}

absl::StatusOr<PrivateKey> ParsePrivate(const cbor::MapBuilder& map) {
  return PrivateKey::FromCoseKey(AsBytes(map.Encode()));
}

TEST(PublicKeyTest, HasTheThumbprintOfRfc9679) {
  TAM_ASSERT_OK_AND_ASSIGN(
      const PublicKey key,
      Parse(P256Map().Set(2, cbor::Writer().ByteString("kid")).Set(3, cbor::Writer().Int(-9))));
  EXPECT_EQ(ThumbprintHex(key.thumbprint()), kRfcThumbprint);
  EXPECT_EQ(key.cose_key().size(), 75u);
  EXPECT_EQ(key.cose_key(), P256Map().Encode());
}

TEST(PublicKeyTest, ReadsACompressedPoint) {
  // The y of the example is even: sign bit 0.
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey even,
                           Parse(P256Map().Set(-3, cbor::Writer().Bool(false))));
  EXPECT_EQ(ThumbprintHex(even.thumbprint()), kRfcThumbprint);
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey odd,
                           Parse(P256Map().Set(-3, cbor::Writer().Bool(true))));
  EXPECT_NE(ThumbprintHex(odd.thumbprint()), kRfcThumbprint);
}

TEST(PublicKeyTest, RefusesWhatIsNoVerificationKey) {
  const std::pair<cbor::MapBuilder, const char*> cases[] = {
      {P256Map().Set(1, cbor::Writer().Uint(3)), "cose-key.1: want 2 or 1, got 3"},
      {P256Map().Set(1, cbor::Writer().Text("EC2")), "cose-key.1: want integer"},
      {P256Map().Set(-1, cbor::Writer().Uint(2)), "cose-key.-1: want 1, got 2"},
      {P256Map().Set(-1, cbor::Writer().Uint(6)), "cose-key.-1: want 1, got 6"},
      {P256Map().Set(1, cbor::Writer().Uint(1)), "cose-key.-1: want 6, got 1"},
      {P256Map().Set(3, cbor::Writer().Int(-19)), "cose-key.3: want -9 or -7, got -19"},
      {P256Map().Set(3, cbor::Writer().Int(-25)), "cose-key.3: want -9 or -7"},
      {P256Map().Set(2, cbor::Writer().Text("kid")), "cose-key.2: want byte string"},
      {P256Map().Set(4, cbor::Writer().Array(1).Uint(7)), "cose-key.4: want key operation 2"},
      {P256Map().Set(4, cbor::Writer().Array(0)), "cose-key.4: want array of at least 1"},
      {P256Map().Set(4, cbor::Writer().Uint(2)), "cose-key.4: want array"},
      {P256Map().Set(-2, cbor::Writer().ByteString("x")), "cose-key.-2: want byte string of 32"},
      {P256Map().Set(-3, cbor::Writer().Null()), "cose-key.-3: want byte string of 32"},
      {P256Map().Set(-3, cbor::Writer().ByteString(Unhex(kRfcX))), "off the curve"},
      {P256Map().Set(-2, cbor::Writer().ByteString(std::string(32, '\xff'))), "off the curve"},
      {P256Map().Set(-4, cbor::Writer().ByteString(std::string(32, 'd'))), "no private member"},
  };
  for (const auto& [map, reason] : cases) {
    EXPECT_THAT(Parse(map), StatusIs(kInvalid, HasSubstr(reason))) << reason;
  }
  EXPECT_THAT(PublicKey::FromCoseKey(AsBytes(P256Map().Encode() + "x")),
              StatusIs(kInvalid, HasSubstr("trailing")));
  EXPECT_THAT(PublicKey::FromCoseKey(AsBytes(Unhex("a201022001"))),
              StatusIs(kInvalid, HasSubstr("cose-key.-2: missing")));
}

TEST(PublicKeyTest, RefusesWeakEd25519Points) {
  for (const std::string& x : {
           std::string(64, '0'),
           "01" + std::string(62, '0'),
           std::string(62, '0') + "80",
           std::string("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
           std::string("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
           std::string("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
           std::string("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
           std::string("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
       }) {
    EXPECT_THAT(Parse(Ed25519Map(x)),
                StatusIs(kInvalid, HasSubstr("canonical point of large order")))
        << x;
  }
}

class EitherKeyTest : public ::testing::TestWithParam<KeyType> {};

INSTANTIATE_TEST_SUITE_P(Types, EitherKeyTest,
                         ::testing::Values(KeyType::kP256, KeyType::kEd25519));

TEST_P(EitherKeyTest, VerifiesWhatItSignedAndNothingElse) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(GetParam()));
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey other, PrivateKey::Generate(GetParam()));
  EXPECT_EQ(key.type(), GetParam());
  EXPECT_FALSE(key.public_key() == other.public_key());
  TAM_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign(AsBytes("message")));
  ASSERT_EQ(signature.size(), 64u);
  EXPECT_THAT(key.public_key().Verify(AsBytes("message"), AsBytes(signature)), IsOk());
  EXPECT_THAT(key.public_key().Verify(AsBytes("massage"), AsBytes(signature)),
              StatusIs(kUnauthenticated, "signature does not verify"));
  EXPECT_THAT(other.public_key().Verify(AsBytes("message"), AsBytes(signature)),
              StatusIs(kUnauthenticated, "signature does not verify"));
  EXPECT_THAT(key.public_key().Verify(AsBytes("message"), AsBytes(signature + "x")),
              StatusIs(kUnauthenticated, "signature: want 64 bytes, got 65"));
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string altered = signature;
    altered[i] ^= 0x10;
    EXPECT_THAT(key.public_key().Verify(AsBytes("message"), AsBytes(altered)),
                StatusIs(kUnauthenticated, "signature does not verify"));
  }
}

TEST_P(EitherKeyTest, SurvivesEveryEncoding) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(GetParam()));
  const secret::SecretBytes cose = key.ToCoseKey();
  const secret::SecretBytes pem = key.ToPkcs8Pem();
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey from_cose, PrivateKey::FromCoseKey(cose.Reveal()));
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey from_pem,
                           PrivateKey::FromPem(cbor::AsView(pem.Reveal())));
  EXPECT_EQ(AsString(from_pem.ToCoseKey().Reveal()), AsString(cose.Reveal()));
  EXPECT_TRUE(from_cose.public_key() == key.public_key());
  TAM_ASSERT_OK_AND_ASSIGN(const std::string signature, from_pem.Sign(AsBytes("m")));
  EXPECT_THAT(key.public_key().Verify(AsBytes("m"), AsBytes(signature)), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey public_pem,
                           PublicKey::FromPem(key.public_key().ToPem()));
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey public_cose,
                           PublicKey::FromCoseKey(AsBytes(key.public_key().cose_key())));
  EXPECT_TRUE(public_pem == key.public_key());
  EXPECT_TRUE(public_cose == key.public_key());
  EXPECT_THAT(PublicKey::FromCoseKey(cose.Reveal()),
              StatusIs(kInvalid, HasSubstr("no private member")));
}

TEST_P(EitherKeyTest, RefusesAPublicPartThatIsNotItsOwn) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(GetParam()));
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey other, PrivateKey::Generate(GetParam()));
  std::string mixed = AsString(other.ToCoseKey().Reveal());
  const std::string own = AsString(key.ToCoseKey().Reveal());
  mixed.replace(mixed.size() - 32, 32, own, own.size() - 32, 32);
  EXPECT_THAT(
      PrivateKey::FromCoseKey(AsBytes(mixed)),
      StatusIs(kInvalid, HasSubstr("cose-key.-4: want the private key of the public part")));
}

TEST(PrivateKeyTest, NeedsNoPublicPart) {
  cbor::MapBuilder map;
  map.Set(1, cbor::Writer().Uint(2)).Set(-1, cbor::Writer().Uint(1));
  map.Set(-4, cbor::Writer().ByteString(std::string(31, '\0') + '\x01'));
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, ParsePrivate(map));
  // 1 * G: the generator's x.
  EXPECT_THAT(absl::BytesToHexString(key.public_key().cose_key()),
              HasSubstr("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"));
}

TEST(PrivateKeyTest, RefusesScalarsOutsideTheGroup) {
  cbor::MapBuilder map;
  map.Set(1, cbor::Writer().Uint(2)).Set(-1, cbor::Writer().Uint(1));
  for (const std::string& d :
       {std::string(32, '\0'),
        Unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")}) {
    EXPECT_THAT(ParsePrivate(map.Set(-4, cbor::Writer().ByteString(d))),
                StatusIs(kInvalid, HasSubstr("cose-key.-4: want a scalar of P-256")));
  }
  EXPECT_THAT(ParsePrivate(P256Map()), StatusIs(kInvalid, HasSubstr("cose-key.-4: missing")));
}

TEST(PublicKeyTest, RefusesSignaturesOutsideTheGroupAndTakesHighS) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyType::kP256));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string signature, key.Sign(AsBytes("m")));
  const std::string n = Unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const std::string zero(32, '\0');
  const std::string r = signature.substr(0, 32);
  const std::string s = signature.substr(32);
  for (const std::string& bad :
       {zero + s, r + zero, zero + zero, n + s, r + n, std::string(64, '\xff')}) {
    EXPECT_THAT(key.public_key().Verify(AsBytes("m"), AsBytes(bad)),
                StatusIs(kUnauthenticated, "signature does not verify"));
  }
  // (r, n - s) verifies as (r, s) does: COSE does not forbid either half.
  std::string negated(32, '\0');
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const int digit = static_cast<uint8_t>(n[i]) - static_cast<uint8_t>(s[i]) - borrow;
    borrow = digit < 0 ? 1 : 0;
    negated[i] = static_cast<char>(digit & 0xff);
  }
  EXPECT_THAT(key.public_key().Verify(AsBytes("m"), AsBytes(r + negated)), IsOk());
}

TEST(MacKeyTest, VerifiesTheWholeTagOnly) {
  TAM_ASSERT_OK_AND_ASSIGN(const MacKey key, MacKey::FromBytes(AsBytes("0123456789abcdef")));
  const std::array<uint8_t, 32> tag = key.Mac(AsBytes("m"));
  EXPECT_THAT(key.Verify(AsBytes("m"), tag), IsOk());
  EXPECT_THAT(key.Verify(AsBytes("n"), tag), StatusIs(kUnauthenticated, "MAC does not verify"));
  EXPECT_THAT(key.Verify(AsBytes("m"), Bytes(tag.data(), 16)),
              StatusIs(kUnauthenticated, "MAC does not verify"));
  EXPECT_THAT(MacKey::FromBytes(AsBytes("short")),
              StatusIs(kInvalid, HasSubstr("at least 16 bytes, got 5")));
}

TEST(MacKeyTest, ReadsASymmetricCoseKey) {
  cbor::MapBuilder map;
  map.Set(1, cbor::Writer().Uint(4)).Set(-1, cbor::Writer().ByteString("0123456789abcdef"));
  EXPECT_THAT(MacKey::FromCoseKey(AsBytes(map.Encode())), IsOk());
  EXPECT_THAT(MacKey::FromCoseKey(AsBytes(map.Set(3, cbor::Writer().Int(4)).Encode())),
              StatusIs(kInvalid, HasSubstr("cose-key.3: want 5, got 4")));
  EXPECT_THAT(MacKey::FromCoseKey(AsBytes(P256Map().Encode())),
              StatusIs(kInvalid, HasSubstr("cose-key.1: want 4, got 2")));
}

// Made by another stack (Node.js): SubjectPublicKeyInfo in base64, and a signature over "message".
struct LargerKey {
  KeyType type;
  const char* spki;
  const char* signature;
};

constexpr LargerKey kLarger[] = {
    {KeyType::kP384,
     "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEdCFXU2kmwV6Q32nH91TBCTvxF/ZIRY7LnJYSTaBbmXr60JE1"
     "MaffRVDXA+UTVZLb3NIoSV6feqsYfAgG390XNcIvyxdjP7uvmEX2C4yNLKga9QVF04WxYYbFB6clc7UE",
     "1717bd0991e49f1faa0bb70106a4b93a36390b70206fe0102314485fb5b4ddd1dad855bb60fffd2e"
     "63d430c2d08c70d54252f0552874d4efd5031f05349e0eeded7cd563560e39b08de2b9781ca44c1d"
     "e1a8542eb6cec2110eb0c75197f4ce68"},
    {KeyType::kP521,
     "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAjBxG8XZjM8K6ukg4QgXkb+zKt2ShuxDP4wbqymIhg+bS"
     "rSWcBB/n4HYzNGMJY3IWm2/KvwbKzimHROka2mKriVoB8nwCrHv6pdZMWmHD0GqyQAL33Mkprse9Lk5G"
     "B+QyuFwHUQSLVdLOV/WuT8YP6TNWqygi5Hvlhfc59ni6IOgEIIw=",
     "0181eb15d10f92f47e5435e5d88194e4374a75fe0ecd0fccea0aa4d50b65f6be92be429bf1d055c8"
     "c3356971e4230bb1b3ec41fc8d1d4ef5362bfff27e234635f41a01801a7733fa2dcca330b6ebdae3"
     "554e99c45b7f0fa2ed6c7fca30aec31a5e299ccba5dc705c8aab41e9383e3969d6907c6d6e5ef31e"
     "b3bf3aa585d193a708ce083e"},
};

TEST(PublicKeyTest, LargerCurvesVerifyWhereTheyAreAskedFor) {
  for (const LargerKey& larger : kLarger) {
    std::string der;
    ASSERT_TRUE(absl::Base64Unescape(larger.spki, &der));
    EXPECT_THAT(PublicKey::FromSpkiDer(AsBytes(der)), StatusIs(absl::StatusCode::kInvalidArgument));
    TAM_ASSERT_OK_AND_ASSIGN(const PublicKey key,
                             PublicKey::FromSpkiDer(AsBytes(der), Curves::kAll));
    EXPECT_EQ(key.type(), larger.type);
    std::string signature = absl::HexStringToBytes(larger.signature);
    EXPECT_OK(key.Verify(AsBytes("message"), AsBytes(signature)));
    EXPECT_THAT(key.Verify(AsBytes("massage"), AsBytes(signature)),
                StatusIs(absl::StatusCode::kUnauthenticated));
    EXPECT_THAT(key.VerifyWithHash(EcdsaHash::kSha256, AsBytes("message"), AsBytes(signature)),
                StatusIs(absl::StatusCode::kUnauthenticated));
    signature.pop_back();
    EXPECT_THAT(key.Verify(AsBytes("message"), AsBytes(signature)),
                StatusIs(absl::StatusCode::kUnauthenticated));
    EXPECT_THAT(PublicKey::FromCoseKey(AsBytes(key.cose_key())),
                StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(PublicKey::FromCoseKey(AsBytes(key.cose_key()), Curves::kAll),
                ::tam::testing::IsOkAndHolds(key));
    EXPECT_THAT(PublicKey::FromPem(key.ToPem(), Curves::kAll), ::tam::testing::IsOkAndHolds(key));
  }
}

}  // namespace
}  // namespace tam::keys
