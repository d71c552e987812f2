#include "crypto/keys/key_file.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::keys {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// RFC 8037 appendix A (Ed25519) and a P-256 test key.
constexpr char kEd25519Jwk[] =
    R"({"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr char kP256Jwk[] =
    R"({"kty":"EC","crv":"P-256","kid":"a","alg":"ES256","use":"sig",
        "x":"usWxHK2PmfnHKwXPS54m0kTcGJ90UiglWiGahtagnv8",
        "y":"IBOL-C3BttVivg-lSreASjpkttcsz-1rb7btKLv8EX4"})";

TEST(KeyFileTest, ReadsEveryFormOfAPrivateKeyAlike) {
  for (const KeyType type : {KeyType::kP256, KeyType::kEd25519}) {
    TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(type));
    const secret::SecretBytes pem = key.ToPkcs8Pem();
    const secret::SecretBytes cose = key.ToCoseKey();
    for (Bytes content : {pem.Reveal(), cose.Reveal()}) {
      TAM_ASSERT_OK_AND_ASSIGN(const AnyKey any, ParseKeyFile(content));
      ASSERT_TRUE(std::holds_alternative<PrivateKey>(any));
      EXPECT_TRUE(std::get<PrivateKey>(any).public_key() == key.public_key());
      TAM_ASSERT_OK_AND_ASSIGN(const PublicKey public_key, ParsePublicKeyFile(content));
      EXPECT_TRUE(public_key == key.public_key());
    }
    for (const std::string& content : {key.public_key().ToPem(), key.public_key().cose_key()}) {
      TAM_ASSERT_OK_AND_ASSIGN(const AnyKey any, ParseKeyFile(AsBytes(content)));
      ASSERT_TRUE(std::holds_alternative<PublicKey>(any));
      EXPECT_TRUE(std::get<PublicKey>(any) == key.public_key());
    }
  }
}

TEST(KeyFileTest, ReadsJwks) {
  TAM_ASSERT_OK_AND_ASSIGN(const AnyKey ed, ParseKeyFile(AsBytes(kEd25519Jwk)));
  EXPECT_TRUE(std::holds_alternative<PrivateKey>(ed));
  TAM_ASSERT_OK_AND_ASSIGN(const AnyKey ec, ParseKeyFile(AsBytes(kP256Jwk)));
  EXPECT_TRUE(std::holds_alternative<PublicKey>(ec));
  TAM_ASSERT_OK_AND_ASSIGN(const AnyKey mac,
                           ParseKeyFile(AsBytes(R"({"kty":"oct","k":"MDEyMzQ1Njc4OWFiY2RlZg"})")));
  ASSERT_TRUE(std::holds_alternative<MacKey>(mac));
  TAM_ASSERT_OK_AND_ASSIGN(const MacKey same, MacKey::FromBytes(AsBytes("0123456789abcdef")));
  EXPECT_EQ(std::get<MacKey>(mac).Mac(AsBytes("m")), same.Mac(AsBytes("m")));
  TAM_ASSERT_OK_AND_ASSIGN(const AnyKey ascii,
                           ParseKeyFile(AsBytes(R"( {"hmac256_key_ascii":"0123456789abcdef"})")));
  EXPECT_EQ(std::get<MacKey>(ascii).Mac(AsBytes("m")), same.Mac(AsBytes("m")));
}

TEST(KeyFileTest, ReadsSec1PemWithItsParameters) {
  constexpr char kPem[] =
      "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
      "-----BEGIN EC PRIVATE KEY-----\n"
      "MDECAQEEIFfJIHdmQUbodnYMlSDQVKqTw6+wTjBnBdtgkDCFB7TToAoGCCqGSM49AwEH\n"
      "-----END EC PRIVATE KEY-----\n";
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey key, ParsePublicKeyFile(AsBytes(kPem)));
  TAM_ASSERT_OK_AND_ASSIGN(const PublicKey jwk, ParsePublicKeyFile(AsBytes(kP256Jwk)));
  EXPECT_TRUE(key == jwk);
}

TEST(KeyFileTest, RefusesWithAReason) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "key file: want a key, got nothing"},
      {" \n", "key file: want a key, got nothing"},
      {"{", "key file: want a JSON object"},
      {"{}", "key file: want JSON with \"kty\""},
      {R"({"kty":1})", "jwk.kty: want text, got number"},
      {R"({"kty":"RSA"})", "jwk.kty: want one of 3 known names, got \"RSA\""},
      {R"({"kty":"EC","crv":"P-192"})", "jwk.crv: want one of 5 known names"},
      {R"({"kty":"EC","crv":"P-384"})", "cose-key.-1: want 1, got 2"},
      {R"({"kty":"EC","crv":"P-256"})", "cose-key.-2: missing"},
      {R"({"kty":"EC","crv":"P-256","x":"!"})", "jwk.x: want base64url"},
      {R"({"kty":"EC","crv":"P-256","use":"enc"})", "jwk.use: want sig"},
      {R"({"kty":"EC","crv":"P-256","key_ops":["deriveKey"]})", "cose-key.4: want key operation 2"},
      {R"({"kty":"EC","crv":"P-256","key_ops":"sign"})", "jwk.key_ops: want an array"},
      {R"({"kty":"oct","k":"AA"})", "MAC key: want at least 16 bytes, got 1"},
      {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "SubjectPublicKeyInfo"},
      {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "got CERTIFICATE"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA", "pem: want PRIVATE KEY, got no whole block"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "want one key of a known"},
      {"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n"
       "-----END EC PRIVATE KEY-----\n",
       "pem: want no headers"},
      {"hello", "cose-key"},
      {std::string(70000, ' '), "key file: want at most 65536 bytes"},
  };
  for (const auto& [content, reason] : cases) {
    EXPECT_THAT(ParseKeyFile(AsBytes(content)), StatusIs(kInvalid, HasSubstr(reason))) << content;
  }
  EXPECT_THAT(ParsePublicKeyFile(AsBytes(R"({"hmac256_key_ascii":"0123456789abcdef"})")),
              StatusIs(kInvalid, HasSubstr("want a public key, got a symmetric one")));
}

TEST(KeyFileTest, RefusesTwoKeysInOneFile) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey key, PrivateKey::Generate(KeyType::kP256));
  EXPECT_THAT(ParseKeyFile(AsBytes(key.public_key().ToPem() + key.public_key().ToPem())),
              StatusIs(kInvalid, "pem: want one key, got more"));
}

TEST(KeyFileTest, ReadsThePublishedKeys) {
  const char* const vectors = std::getenv("TAM_VECTORS");
  if (vectors == nullptr) GTEST_SKIP() << "TAM_VECTORS names no folder of test vectors";
  const auto read = [vectors](const std::string& name) {
    std::ifstream in(std::string(vectors) + "/protocol/vectors/keys/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::pair<const char*, const char*> pairs[] = {
      {"t-tam-p256.priv.pem", "7077436568198fdc235ea0251ff0df77d0e129aefcde9dc46aeea936154e7d6e"},
      {"t-tam-p256.pub.pem", "7077436568198fdc235ea0251ff0df77d0e129aefcde9dc46aeea936154e7d6e"},
      {"t-tam-ed25519.priv.pem",
       "cbbc493aa1611c3e2454b4b7715887666c85cec8967f492847f3ecf423ceb49f"},
      {"suit-example.priv.pem", "ca9e35f23b2b525fb4fc83f512b0dcac4ac29e457e873a5d6a7313f71690b33c"},
      {"libteep-tamE.pub.pem", "2daf64ab7e2f1b101fa305add0f09cb9179f49d89f8bb15630b5aa36d725d036"},
      {"suit-recipient-ecdh.priv.jwk.json",
       "e96788b10b1610abe478f9ce8dcfe2304c0911dd8cfeadde25ec30ccb5a7b5af"},
  };
  for (const auto& [name, thumbprint] : pairs) {
    TAM_ASSERT_OK_AND_ASSIGN(const PublicKey key, ParsePublicKeyFile(AsBytes(read(name))));
    EXPECT_EQ(ThumbprintHex(key.thumbprint()), thumbprint) << name;
  }
  TAM_ASSERT_OK_AND_ASSIGN(const AnyKey mac, ParseKeyFile(AsBytes(read("suit-symmetric.json"))));
  EXPECT_TRUE(std::holds_alternative<MacKey>(mac));
}

}  // namespace
}  // namespace tam::keys
