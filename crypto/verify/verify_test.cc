#include "crypto/verify/verify.h"

#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/verify/testing/issued.h"
#include "tests/support/status_matchers.h"

namespace tam::verify {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using testing::SigningKey;

constexpr Hash kHashes[] = {Hash::kSha256, Hash::kSha384, Hash::kSha512};

TEST(KeyTest, EllipticKeysVerifyWithEachHash) {
  for (const Kind kind : {Kind::kP256, Kind::kP384, Kind::kP521}) {
    const SigningKey key = SigningKey::Generate(kind);
    for (const Hash hash : kHashes) {
      std::string signature = key.SignEcdsa(hash, "message");
      EXPECT_OK(key.PublicKey().VerifyEcdsa(hash, AsBytes("message"), AsBytes(signature)));
      EXPECT_THAT(key.PublicKey().VerifyEcdsa(hash, AsBytes("other"), AsBytes(signature)),
                  StatusIs(absl::StatusCode::kUnauthenticated));
      signature += '\0';
      EXPECT_THAT(key.PublicKey().VerifyEcdsa(hash, AsBytes("message"), AsBytes(signature)),
                  StatusIs(absl::StatusCode::kUnauthenticated));
    }
    EXPECT_THAT(key.PublicKey().VerifyRsa(Padding::kPss, Hash::kSha256, {}, {}),
                StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_OK(Key::FromPoint(kind, AsBytes(key.X()), AsBytes(key.Y())));
    EXPECT_EQ(*Key::FromPoint(kind, AsBytes(key.X()), AsBytes(key.Y())), key.PublicKey());
  }
}

TEST(KeyTest, RsaKeysVerifyTheirPaddingAndHashAlone) {
  const SigningKey key = SigningKey::Generate(Kind::kRsa);
  const Key verifier = key.PublicKey();
  for (const Padding padding : {Padding::kPkcs1, Padding::kPss}) {
    for (const Hash hash : kHashes) {
      const std::string signature = key.SignRsa(padding, hash, "message");
      for (const Padding other_padding : {Padding::kPkcs1, Padding::kPss}) {
        for (const Hash other_hash : kHashes) {
          const absl::Status status =
              verifier.VerifyRsa(other_padding, other_hash, AsBytes("message"), AsBytes(signature));
          EXPECT_EQ(status.ok(), padding == other_padding && hash == other_hash);
        }
      }
      EXPECT_THAT(
          verifier.VerifyRsa(padding, hash, AsBytes("message"), AsBytes(signature).subspan(1)),
          StatusIs(absl::StatusCode::kUnauthenticated));
    }
  }
  EXPECT_EQ(verifier.kind(), Kind::kRsa);
  EXPECT_EQ(verifier.bytes(), 256u);
  EXPECT_THAT(verifier.VerifyEcdsa(Hash::kSha256, {}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(KeyTest, RsaKeysThatProveNothingAreRefused) {
  const SigningKey key = SigningKey::Generate(Kind::kRsa);
  const std::string modulus = key.X();
  EXPECT_EQ(*Key::FromRsa(AsBytes(modulus), AsBytes(std::string("\x01\x00\x01", 3))),
            key.PublicKey());
  EXPECT_FALSE(Key::FromRsa(AsBytes(modulus), AsBytes("\x01")).ok());
  EXPECT_THAT(Key::FromRsa(AsBytes(modulus), AsBytes("\x03")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exponent")));
  const std::string small = modulus.substr(0, 64) + "\x01";
  EXPECT_THAT(Key::FromRsa(AsBytes(small), AsBytes(std::string("\x01\x00\x01", 3))),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("modulus")));
  EXPECT_FALSE(Key::FromRsa({}, {}).ok());
}

TEST(KeyTest, OtherBytesAreNoKey) {
  const std::string spki = SigningKey::Generate(Kind::kP384).Spki();
  EXPECT_OK(Key::FromSpkiDer(AsBytes(spki)));
  EXPECT_FALSE(Key::FromSpkiDer(AsBytes(spki + '\0')).ok());
  for (size_t size = 0; size < spki.size(); ++size) {
    EXPECT_FALSE(Key::FromSpkiDer(AsBytes(spki.substr(0, size))).ok()) << size;
  }
  EXPECT_FALSE(Key::FromPem("-----BEGIN PUBLIC KEY-----\n").ok());
  const std::string wide(48, '\x01');
  EXPECT_FALSE(Key::FromPoint(Kind::kP384, AsBytes(wide), AsBytes(wide)).ok());
  EXPECT_FALSE(Key::FromPoint(Kind::kP384, AsBytes(spki), AsBytes(wide)).ok());
}

}  // namespace
}  // namespace tam::verify
