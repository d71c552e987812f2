#include "crypto/cose/encrypt.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt_fixture.h"
#include "crypto/secret/cipher.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsView;
using cbor::Writer;
using keys::AgreementCurve;
using keys::AgreementKey;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kUnauthenticated = absl::StatusCode::kUnauthenticated;
class EncryptOnEitherCurveTest : public ::testing::TestWithParam<AgreementCurve> {
 protected:
  const AgreementKey key_ = AgreementKey::Generate(GetParam());
};

INSTANTIATE_TEST_SUITE_P(Curves, EncryptOnEitherCurveTest,
                         ::testing::Values(AgreementCurve::kP256, AgreementCurve::kX25519));

TEST_P(EncryptOnEitherCurveTest, OpensWhatItSealed) {
  for (const ContentAlgorithm algorithm : kAll) {
    for (const std::string& plaintext : {std::string(), std::string(70000, 'x')}) {
      EXPECT_THAT(Opened(Sealed(key_, algorithm, plaintext), key_), IsOk());
      EXPECT_EQ(*Opened(Sealed(key_, algorithm, plaintext), key_), plaintext);
    }
  }
}

// T-55: another `other`, or none, is another key.
TEST_P(EncryptOnEitherCurveTest, BindsWhatIsEncrypted) {
  for (const ContentAlgorithm algorithm : kAll) {
    const std::string sealed = Sealed(key_, algorithm);
    for (const std::string_view other : {kSuitReportEncryption, kSuitPayloadEncryption,
                                         std::string_view(), std::string_view("EAT Encryption ")}) {
      EXPECT_THAT(Opened(sealed, key_, other), StatusIs(kUnauthenticated));
    }
    EXPECT_THAT(Opened(Sealed(key_, algorithm, "content", ""), key_), StatusIs(kUnauthenticated));
    EXPECT_THAT(Opened(Sealed(key_, algorithm, "content", ""), key_, ""), IsOk());
  }
}

TEST_P(EncryptOnEitherCurveTest, EveryRefusalSoundsTheSame) {
  const AgreementKey other = AgreementKey::Generate(GetParam());
  const std::string sealed = Sealed(key_, ContentAlgorithm::kA128Gcm);
  const absl::Status refusal = Opened(sealed, other).status();
  EXPECT_THAT(refusal, StatusIs(kUnauthenticated, HasSubstr("for this key")));
  int refused = 0;
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] ^= 1;
    const auto opened = Opened(changed, key_);
    // The kid is a hint: with another one every recipient is tried.
    if (opened.ok()) {
      EXPECT_EQ(*opened, "content");
      continue;
    }
    // Decided before any key was used.
    if (absl::IsInvalidArgument(opened.status()) || absl::IsUnimplemented(opened.status()))
      continue;
    EXPECT_EQ(opened.status(), refusal) << i;
    ++refused;
  }
  EXPECT_GT(refused, 60);  // content, tag, IV and wrapped key at least
}

TEST_P(EncryptOnEitherCurveTest, IsFreshEachTime) {
  EXPECT_NE(Sealed(key_, ContentAlgorithm::kA128Gcm), Sealed(key_, ContentAlgorithm::kA128Gcm));
}

TEST(EncryptTest, SaysWhetherTheContentIsAuthenticated) {
  const AgreementKey key = AgreementKey::Generate(AgreementCurve::kP256);
  for (const ContentAlgorithm algorithm : kAll) {
    const auto message =
        EncryptedMessage::Parse(AsBytes(Sealed(key, algorithm)), TagRule::kRequired);
    TAM_ASSERT_OK_AND_ASSIGN(const auto payload, message->Decrypt(key, kEatEncryption));
    EXPECT_EQ(payload.algorithm(), algorithm);
    EXPECT_EQ(payload.authenticated(), algorithm != ContentAlgorithm::kA128Ctr);
  }
}

// Made by another stack (Node.js) from keys of our own.
struct Foreign {
  const char* private_key;  // d
  bool x25519;
  ContentAlgorithm algorithm;
  const char* message;
};

constexpr char kP256Key[] = "80d72c60662d5efe1b39b80988c4416e70e80f119c7785683e580e9a9b06d87c";
constexpr char kX25519Key[] = "90e460800d735f0ddb540f39235d88738530145391f3acd4375d2fa51378890c";

constexpr Foreign kForeign[] = {
    {kP256Key, false, ContentAlgorithm::kA128Gcm,
     "d8608443a10101a1054c3a414f6e2d9eef80ebe3958b582708c5a6aae90ae77721eba48e9dec04ca"
     "df7a38384da0107a6ae66fef447b2ed6a4ab82f5b7affb818344a101381ca2045820f8952042f4aa"
     "37bd41cfef2d1e68311223f7bbb40dc3756d3a19e359007086ee20a40102200121582074c6cd7655"
     "eb1561c7b16e4b940bd3ea8b3379dc1516d015830e6e3e4405eb952258203f0645ada102ad6b0282"
     "9c0c3a829b9a099baa3505d1bad6f026db1facb06c2c581847a57a31edf3802b96ebf67eb634265f"
     "f41d393c42840bfe"},
    {kP256Key, false, ContentAlgorithm::kChaCha20Poly1305,
     "d8608444a1011818a1054cb3b3f6da88416cdccbb1424b58271e51692624b8b8c0bbfdd4058a4590"
     "aa07ed942daa68f09e435f02ae9fb9959f5709a241455515818344a101381ca2045820f8952042f4"
     "aa37bd41cfef2d1e68311223f7bbb40dc3756d3a19e359007086ee20a4010220012158209fec19c1"
     "e7a74e70a37e77cb04acd639361680e089dba849d96d26c221503508225820b4c2fca6cdff2c5387"
     "8fcfb2b965f21c3d86b99a650a1ed450be8edbc52f4b3f5828fc4b78c6cf2281eaa41bde5764b2fd"
     "559d533c4b7fd7506d36c2f8bc8cafc624f95eb1e4c73bdc14"},
    {kP256Key, false, ContentAlgorithm::kA128Ctr,
     "d8608440a20139fffd0550893fafa35bb6a36f52dc26f84ec9ad0e5798f2df560b25483ea4658c21"
     "3d815495c1d55f9fdfd121818344a101381ca2045820f8952042f4aa37bd41cfef2d1e68311223f7"
     "bbb40dc3756d3a19e359007086ee20a40102200121582007fb62c455645f0131b3cea4fee5c924db"
     "af25909d8ca61db1f439fcfa9e1aa122582034c9b65c4236cef4f43d08b2b3d113a70d909da73c65"
     "ef3988e666672ad9bca45818bf2bd63b0884b8ad9648f38c3158ba12629a58d9ca978fbf"},
    {kX25519Key, true, ContentAlgorithm::kA128Gcm,
     "d8608443a10101a1054cbe6e6964869908872d6e534658270d742d6025ac620e2ba2016d1eeb5421"
     "b58753487f8646ea2162a617e4556bdb0d9b40413b6273818344a101381ca20458203bc89c513f35"
     "3efa67d972d036a9b72009c2eb03a091f234a08b0494c2f7ea9620a3010120042158202b26cc9cad"
     "be661cfb3d93a9cc0a1bdfc58bed5ef0ec0a9c6b5e7ea733d7447958184cf8a4747bc959f8042c81"
     "7c61b1ddcb05fb23cc2fd498fa"},
    {kX25519Key, true, ContentAlgorithm::kChaCha20Poly1305,
     "d8608444a1011818a1054cdb8d24337ab2b83c6e7332c9582755f7f4e647f85c132fbe38ed5ea6b8"
     "978ff4b27b9322ca2c5439a3f0594a95be06a59e6baef9d2818344a101381ca20458203bc89c513f"
     "353efa67d972d036a9b72009c2eb03a091f234a08b0494c2f7ea9620a301012004215820dfeea320"
     "c198e9198eed77a4675bb590a734ef1df6f3f86b4a6c71403c571e015828e38dcb30eee0e7e57931"
     "418bafe89d1ca6d1877ad22cdd5c2023c5a4774a6d01049c7d912de3ca26"},
    {kX25519Key, true, ContentAlgorithm::kA128Ctr,
     "d8608440a20139fffd0550e522de78a34a47aa0b5ed597a78e6eec57eafc7f417b292cdba5db574f"
     "25487ebb4eca0525e756fe818344a101381ca20458203bc89c513f353efa67d972d036a9b72009c2"
     "eb03a091f234a08b0494c2f7ea9620a301012004215820de4756d04e72ad93c08625d118ffee3531"
     "03dcda08f939de3e59804ea40090025818ee26b4c564844119b80c183ce60d735ebb51ea664d7d87"
     "6d"},
};

TEST(EncryptTest, OpensMessagesOfAnotherStack) {
  for (const Foreign& foreign : kForeign) {
    cbor::MapBuilder map;
    map.Set(1, Writer().Int(foreign.x25519 ? 1 : 2));
    map.Set(-1, Writer().Int(foreign.x25519 ? 4 : 1));
    map.Set(-4, Writer().ByteString(absl::HexStringToBytes(foreign.private_key)));
    TAM_ASSERT_OK_AND_ASSIGN(const AgreementKey key,
                             AgreementKey::FromCoseKey(AsBytes(map.Encode())));
    const std::string bytes = absl::HexStringToBytes(foreign.message);
    TAM_ASSERT_OK_AND_ASSIGN(const auto message,
                             EncryptedMessage::Parse(AsBytes(bytes), TagRule::kRequired));
    EXPECT_EQ(message.algorithm(), foreign.algorithm);
    EXPECT_EQ(message.recipients()[0].kid, AsView(key.public_key().thumbprint()));
    EXPECT_EQ(*Opened(bytes, key), "sealed by another stack");
    EXPECT_THAT(Opened(bytes, key, kSuitReportEncryption), StatusIs(kUnauthenticated));
    EXPECT_THAT(Opened(bytes, key, ""), StatusIs(kUnauthenticated));
  }
}

// Content under a key that both sides know, by the library's own cipher.
class SharedSecretTest : public ::testing::Test {
 protected:
  // A message of `size` elements with the content encrypted under key_ beside `aad`.
  Writer Start(uint64_t tag, size_t size, std::string_view aad) const {
    Writer writer;
    writer.Tag(tag).Array(size).ByteString(Map({{1, Writer().Int(1)}}));
    writer.Raw(Map({{5, Writer().ByteString(iv_)}}));
    writer.ByteString(secret::Encrypt(secret::Cipher::kAes128Gcm, AsBytes(key_), AsBytes(iv_),
                                      AsBytes(aad), AsBytes("content")));
    return writer;
  }

  static EncryptedMessage Parsed(const Writer& writer) {
    return *EncryptedMessage::Parse(AsBytes(writer.bytes()), TagRule::kRequired);
  }

  const std::string key_ = std::string(16, 'k');
  const std::string iv_ = std::string(12, 'i');
  const AgreementKey agreement_ = AgreementKey::Generate(AgreementCurve::kP256);
  // Enc_structure with external_aad "ext".
  const std::string aad_ =
      "\x83\x67"
      "Encrypt"
      "\x43\xa1\x01\x01\x43"
      "ext";
};

TEST_F(SharedSecretTest, OpensEncrypt0) {
  const std::string aad =
      "\x83\x68"
      "Encrypt0"
      "\x43\xa1\x01\x01\x40";
  const EncryptedMessage message = Parsed(Start(16, 3, aad));
  EXPECT_FALSE(message.has_recipients());
  TAM_ASSERT_OK_AND_ASSIGN(const auto opened, message.DecryptWithSecret(AsBytes(key_)));
  EXPECT_EQ(Text(opened), "content");
  for (const std::string& wrong : {std::string(16, 'x'), std::string("short")}) {
    EXPECT_THAT(message.DecryptWithSecret(AsBytes(wrong)).status(), StatusIs(kUnauthenticated));
  }
  EXPECT_THAT(message.DecryptWithSecret(AsBytes(key_), AsBytes("ext")).status(),
              StatusIs(kUnauthenticated));
  EXPECT_THAT(message.Decrypt(agreement_, kEatEncryption).status(),
              StatusIs(kInvalid, HasSubstr("got COSE_Encrypt0")));
}

TEST_F(SharedSecretTest, OpensDirect) {
  Writer writer = Start(96, 4, aad_);
  writer.Array(1).Array(3).ByteString("").Raw(Map({{1, Writer().Int(-6)}})).ByteString("");
  const EncryptedMessage message = Parsed(writer);
  EXPECT_THAT(message.DecryptWithSecret(AsBytes(key_), AsBytes("ext")).status(), IsOk());
  EXPECT_THAT(message.DecryptWithSecret(AsBytes(key_)).status(), StatusIs(kUnauthenticated));
}

TEST_F(SharedSecretTest, OpensAWrappedKey) {
  const std::string kek(16, 'w');
  Writer writer = Start(96, 4, aad_);
  writer.Array(1).Array(3).ByteString("").Raw(Map({{1, Writer().Int(-3)}}));
  writer.ByteString(secret::WrapKeyAes128(AsBytes(kek), AsBytes(key_)));
  const EncryptedMessage message = Parsed(writer);
  EXPECT_THAT(message.DecryptWithSecret(AsBytes(kek), AsBytes("ext")).status(), IsOk());
  EXPECT_THAT(message.DecryptWithSecret(AsBytes(key_), AsBytes("ext")).status(),
              StatusIs(kUnauthenticated));
  EXPECT_THAT(message.Decrypt(agreement_, kEatEncryption).status(), StatusIs(kUnauthenticated));
}

TEST(EncryptTest, CounterModeHasNothingToProtectExternalDataWith) {
  const AgreementKey key = AgreementKey::Generate(AgreementCurve::kP256);
  const auto message =
      EncryptedMessage::Parse(AsBytes(Sealed(key, ContentAlgorithm::kA128Ctr)), TagRule::kRequired);
  EXPECT_THAT(message->Decrypt(key, kEatEncryption, AsBytes("ext")).status(),
              StatusIs(kInvalid, HasSubstr("external_aad")));
}

TEST(EncryptTest, RefusesARecipientOfSmallOrder) {
  std::string zero = AgreementKey::Generate(AgreementCurve::kX25519).public_key().cose_key();
  std::fill(zero.end() - 32, zero.end(), '\0');
  const auto recipient = keys::AgreementPublicKey::FromCoseKey(AsBytes(zero));
  EXPECT_THAT(Encrypt(*recipient, AsBytes("x"), ContentAlgorithm::kA128Gcm, kEatEncryption,
                      secret::RandomSource::System()),
              StatusIs(kInvalid, HasSubstr("large order")));
}

}  // namespace
}  // namespace tam::cose
