#include "crypto/secret/cipher.h"

#include <string>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::secret {
namespace {

using ::tam::testing::StatusIs;

constexpr absl::StatusCode kUnauthenticated = absl::StatusCode::kUnauthenticated;

Bytes AsBytes(const std::string& s) {
  return Bytes(reinterpret_cast<const uint8_t*>(s.data()), s.size());
}

std::string Text(const SecretBytes& secret) {
  return std::string(secret.Reveal().begin(), secret.Reveal().end());
}

constexpr Cipher kAll[] = {Cipher::kAes128Gcm, Cipher::kAes192Gcm, Cipher::kAes256Gcm,
                           Cipher::kChaCha20Poly1305, Cipher::kAes128Ctr};

TEST(CipherTest, OpensWhatItSealed) {
  for (const Cipher cipher : kAll) {
    const std::string key(KeyBytes(cipher), 'k');
    const std::string iv(IvBytes(cipher), 'i');
    const std::string aad = IsAuthenticated(cipher) ? "aad" : "";
    for (const std::string plaintext : {"", "a plaintext longer than one block of AES"}) {
      const std::string sealed =
          Encrypt(cipher, AsBytes(key), AsBytes(iv), AsBytes(aad), AsBytes(plaintext));
      TAM_ASSERT_OK_AND_ASSIGN(const SecretBytes opened, Decrypt(cipher, AsBytes(key), AsBytes(iv),
                                                                 AsBytes(aad), AsBytes(sealed)));
      EXPECT_EQ(Text(opened), plaintext);
    }
  }
}

TEST(CipherTest, RefusesEveryChangedBit) {
  for (const Cipher cipher : kAll) {
    if (!IsAuthenticated(cipher)) continue;
    const std::string key(KeyBytes(cipher), 'k');
    const std::string iv(IvBytes(cipher), 'i');
    const std::string sealed =
        Encrypt(cipher, AsBytes(key), AsBytes(iv), AsBytes("aad"), AsBytes("plain"));
    for (size_t i = 0; i < sealed.size(); ++i) {
      std::string changed = sealed;
      changed[i] ^= 1;
      EXPECT_THAT(Decrypt(cipher, AsBytes(key), AsBytes(iv), AsBytes("aad"), AsBytes(changed)),
                  StatusIs(kUnauthenticated));
    }
    for (size_t size = 0; size < sealed.size(); ++size) {
      EXPECT_THAT(Decrypt(cipher, AsBytes(key), AsBytes(iv), AsBytes("aad"),
                          AsBytes(sealed.substr(0, size))),
                  StatusIs(kUnauthenticated));
    }
    EXPECT_THAT(Decrypt(cipher, AsBytes(key), AsBytes(iv), AsBytes("other"), AsBytes(sealed)),
                StatusIs(kUnauthenticated));
  }
}

// The example of RFC 3394 section 4.1.
TEST(CipherTest, WrapsKeysAsTheRfcDoes) {
  const std::string kek = absl::HexStringToBytes("000102030405060708090a0b0c0d0e0f");
  const std::string key = absl::HexStringToBytes("00112233445566778899aabbccddeeff");
  const std::string wrapped = WrapKeyAes128(AsBytes(kek), AsBytes(key));
  EXPECT_EQ(absl::BytesToHexString(wrapped), "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5");
  TAM_ASSERT_OK_AND_ASSIGN(const SecretBytes unwrapped,
                           UnwrapKeyAes128(AsBytes(kek), AsBytes(wrapped)));
  EXPECT_EQ(Text(unwrapped), key);
}

TEST(CipherTest, UnwrapsNothingElse) {
  const std::string kek(16, 'k');
  for (const size_t size : {16, 24, 32}) {
    const std::string wrapped = WrapKeyAes128(AsBytes(kek), AsBytes(std::string(size, 'c')));
    EXPECT_EQ(wrapped.size(), size + 8);
    for (size_t i = 0; i < wrapped.size(); ++i) {
      std::string changed = wrapped;
      changed[i] ^= 0x80;
      EXPECT_THAT(UnwrapKeyAes128(AsBytes(kek), AsBytes(changed)), StatusIs(kUnauthenticated));
    }
  }
  for (const size_t size : {0, 7, 8, 16, 23, 25, 48}) {
    EXPECT_THAT(UnwrapKeyAes128(AsBytes(kek), AsBytes(std::string(size, 'w'))),
                StatusIs(kUnauthenticated));
  }
}

}  // namespace
}  // namespace tam::secret
