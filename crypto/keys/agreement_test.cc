#include "crypto/keys/agreement.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using cbor::Writer;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

class EitherCurveTest : public ::testing::TestWithParam<AgreementCurve> {
 protected:
  const AgreementKey key_ = AgreementKey::Generate(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Curves, EitherCurveTest,
                         ::testing::Values(AgreementCurve::kP256, AgreementCurve::kX25519));

TEST_P(EitherCurveTest, BothSidesAgree) {
  const AgreementKey other = AgreementKey::Generate(GetParam());
  TAM_ASSERT_OK_AND_ASSIGN(const auto one, key_.SharedSecret(other.public_key()));
  TAM_ASSERT_OK_AND_ASSIGN(const auto two, other.SharedSecret(key_.public_key()));
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(one.Reveal(), two.Reveal());
  const AgreementKey third = AgreementKey::Generate(GetParam());
  TAM_ASSERT_OK_AND_ASSIGN(const auto three, third.SharedSecret(key_.public_key()));
  EXPECT_NE(one.Reveal(), three.Reveal());
}

TEST_P(EitherCurveTest, SurvivesEveryEncoding) {
  const AgreementPublicKey& own = key_.public_key();
  EXPECT_THAT(AgreementPublicKey::FromCoseKey(AsBytes(own.cose_key())), IsOkAndHolds(own));
  EXPECT_THAT(AgreementPublicKey::FromPem(own.ToPem()), IsOkAndHolds(own));
  const secret::SecretBytes cose_key = key_.ToCoseKey();
  const secret::SecretBytes pem = key_.ToPkcs8Pem();
  for (const Bytes bytes : {cose_key.Reveal(), pem.Reveal()}) {
    TAM_ASSERT_OK_AND_ASSIGN(const AgreementKey again, ParseAgreementKeyFile(bytes));
    EXPECT_EQ(again.public_key(), own);
    EXPECT_EQ(again.ToCoseKey().Reveal(), cose_key.Reveal());
    EXPECT_THAT(ParseAgreementPublicKeyFile(bytes), IsOkAndHolds(own));
  }
  EXPECT_THAT(ParseAgreementPublicKeyFile(AsBytes(own.ToPem())), IsOkAndHolds(own));
  EXPECT_THAT(ParseAgreementPublicKeyFile(AsBytes(own.cose_key())), IsOkAndHolds(own));
}

// The public key's map with the pair `label`: `value` more.
std::string With(const AgreementPublicKey& key, int64_t label, Writer value) {
  const auto document = cbor::Document::Parse(AsBytes(key.cose_key()));
  cbor::MapBuilder map;
  for (const auto [k, v] : document->root().each_pair()) {
    map.SetRaw(cbor::AsString(k.encoded()), cbor::AsString(v.encoded()));
  }
  map.Set(label, std::move(value));
  return map.Encode();
}

TEST_P(EitherCurveTest, TakesTheUsesOfAgreementAlone) {
  const AgreementPublicKey& own = key_.public_key();
  const auto parse = [&](int64_t label, Writer value) {
    return AgreementPublicKey::FromCoseKey(AsBytes(With(own, label, std::move(value))));
  };
  Writer none, derive, sign;
  none.Array(0);
  derive.Array(2).Int(7).Int(8);
  sign.Array(1).Int(1);
  EXPECT_THAT(parse(4, none), IsOkAndHolds(own));
  EXPECT_THAT(parse(4, derive), IsOkAndHolds(own));
  EXPECT_THAT(parse(4, sign), StatusIs(kInvalid, HasSubstr("want key operation 7")));
  EXPECT_THAT(parse(3, Writer().Int(-29)), IsOkAndHolds(own));
  EXPECT_THAT(parse(3, Writer().Int(-9)), StatusIs(kInvalid, HasSubstr("want -29, got -9")));
  EXPECT_THAT(parse(-4, Writer().ByteString(std::string(32, 'd'))),
              StatusIs(kInvalid, HasSubstr("no private member")));
  EXPECT_THAT(parse(-2, Writer().ByteString(std::string(31, 'x'))),
              StatusIs(kInvalid, HasSubstr("cose-key.-2")));
}

TEST_P(EitherCurveTest, RefusesAPublicPartThatIsNotItsOwn) {
  const AgreementKey other = AgreementKey::Generate(GetParam());
  const std::string own = std::string(AsView(key_.ToCoseKey().Reveal()));
  const std::string d = own.substr(own.size() - 32);
  const std::string mixed = With(other.public_key(), -4, Writer().ByteString(d));
  EXPECT_THAT(AgreementKey::FromCoseKey(AsBytes(mixed)).status(),
              StatusIs(kInvalid, HasSubstr("private key of the public part")));
}

TEST(AgreementTest, CurvesDoNotMix) {
  const AgreementKey p256 = AgreementKey::Generate(AgreementCurve::kP256);
  const AgreementKey x25519 = AgreementKey::Generate(AgreementCurve::kX25519);
  EXPECT_THAT(p256.SharedSecret(x25519.public_key()).status(), StatusIs(kInvalid));
  EXPECT_THAT(x25519.SharedSecret(p256.public_key()).status(), StatusIs(kInvalid));
}

TEST(AgreementTest, RefusesPointsThatAgreeOnNothing) {
  const AgreementKey key = AgreementKey::Generate(AgreementCurve::kX25519);
  std::string zero = key.public_key().cose_key();
  std::fill(zero.end() - 32, zero.end(), '\0');
  TAM_ASSERT_OK_AND_ASSIGN(const auto peer, AgreementPublicKey::FromCoseKey(AsBytes(zero)));
  EXPECT_THAT(key.SharedSecret(peer).status(), StatusIs(kInvalid, HasSubstr("large order")));
  std::string off = AgreementKey::Generate(AgreementCurve::kP256).public_key().cose_key();
  off.back() ^= 1;
  EXPECT_THAT(AgreementPublicKey::FromCoseKey(AsBytes(off)),
              StatusIs(kInvalid, HasSubstr("off the curve")));
}

TEST(AgreementTest, SigningCurvesDoNotAgree) {
  const auto ed25519 = PrivateKey::Generate(KeyType::kEd25519);
  EXPECT_THAT(AgreementPublicKey::FromCoseKey(AsBytes(ed25519->public_key().cose_key())),
              StatusIs(kInvalid, HasSubstr("want 4, got 6")));
  EXPECT_THAT(AgreementPublicKey::FromPem(ed25519->public_key().ToPem()),
              StatusIs(kInvalid, HasSubstr("want a P-256 or X25519 key")));
  const AgreementKey x25519 = AgreementKey::Generate(AgreementCurve::kX25519);
  EXPECT_THAT(PublicKey::FromCoseKey(AsBytes(x25519.public_key().cose_key())),
              StatusIs(kInvalid, HasSubstr("want 6, got 4")));
  EXPECT_THAT(PublicKey::FromPem(x25519.public_key().ToPem()), StatusIs(kInvalid));
}

TEST(AgreementTest, ReadsAJwk) {
  const std::string jwk =
      R"({"kty":"OKP","crv":"X25519","use":"enc","key_ops":["deriveKey"],"alg":"ECDH-ES+A128KW",)"
      R"("d":"kORggA1zXw3bVA85I12IcziFMBRTkfOs1DddL6UTeIk"})";
  EXPECT_THAT(ParseAgreementKeyFile(AsBytes(jwk)).status(), StatusIs(absl::StatusCode::kOk));
  EXPECT_THAT(ParseAgreementKeyFile(AsBytes(R"({"kty":"oct","k":"AAAA"})")).status(),
              StatusIs(kInvalid));
  EXPECT_THAT(ParseAgreementKeyFile(AsBytes("{}")).status(),
              StatusIs(kInvalid, HasSubstr("want a JWK")));
}

}  // namespace
}  // namespace tam::keys
