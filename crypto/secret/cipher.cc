#include "crypto/secret/cipher.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "absl/status/status.h"
#include "openssl/aead.h"
#include "openssl/aes.h"
#include "openssl/base.h"
#include "openssl/err.h"
#include "openssl/mem.h"

namespace tam::secret {
namespace {

constexpr size_t kTagBytes = 16;
constexpr size_t kWrapBytes = 8;  // what wrapping adds
constexpr size_t kKekBytes = 16;

void Require(bool condition) {
  if (!condition) std::abort();  // A caller's mistake, or out of memory.
}

const EVP_AEAD* AeadOf(Cipher cipher) {
  switch (cipher) {
    case Cipher::kAes128Gcm:
      return EVP_aead_aes_128_gcm();
    case Cipher::kAes192Gcm:
      return EVP_aead_aes_192_gcm();
    case Cipher::kAes256Gcm:
      return EVP_aead_aes_256_gcm();
    case Cipher::kChaCha20Poly1305:
      return EVP_aead_chacha20_poly1305();
    case Cipher::kAes128Ctr:
      break;
  }
  std::abort();
}

bssl::UniquePtr<EVP_AEAD_CTX> NewContext(Cipher cipher, Bytes key) {
  bssl::UniquePtr<EVP_AEAD_CTX> context(
      EVP_AEAD_CTX_new(AeadOf(cipher), key.data(), key.size(), kTagBytes));
  Require(context != nullptr);
  return context;
}

// An expanded key, wiped.
struct AesKey {
  AES_KEY key;
  ~AesKey() { OPENSSL_cleanse(&key, sizeof(key)); }
};

void RunCtr(Bytes key, Bytes iv, Bytes in, uint8_t* out) {
  AesKey aes;
  Require(AES_set_encrypt_key(key.data(), static_cast<unsigned>(key.size() * 8), &aes.key) == 0);
  std::array<uint8_t, AES_BLOCK_SIZE> counter;
  std::copy_n(iv.begin(), counter.size(), counter.begin());
  std::array<uint8_t, AES_BLOCK_SIZE> stream = {};
  unsigned used = 0;
  AES_ctr128_encrypt(in.data(), out, in.size(), &aes.key, counter.data(), stream.data(), &used);
  OPENSSL_cleanse(stream.data(), stream.size());
}

void CheckArguments(Cipher cipher, Bytes key, Bytes iv, Bytes associated) {
  Require(key.size() == KeyBytes(cipher) && iv.size() == IvBytes(cipher));
  Require(IsAuthenticated(cipher) || associated.empty());
}

absl::Status Refused() {
  ERR_clear_error();
  return absl::UnauthenticatedError("ciphertext: does not open");
}

// Hands `out` over and wipes it.
SecretBytes TakeSecret(std::vector<uint8_t>& out, size_t size) {
  SecretBytes secret(Bytes(out.data(), size));
  OPENSSL_cleanse(out.data(), out.size());
  return secret;
}

}  // namespace

size_t KeyBytes(Cipher cipher) {
  switch (cipher) {
    case Cipher::kAes128Gcm:
    case Cipher::kAes128Ctr:
      return 16;
    case Cipher::kAes192Gcm:
      return 24;
    case Cipher::kAes256Gcm:
    case Cipher::kChaCha20Poly1305:
      return 32;
  }
  std::abort();
}

size_t IvBytes(Cipher cipher) { return cipher == Cipher::kAes128Ctr ? AES_BLOCK_SIZE : 12; }
bool IsAuthenticated(Cipher cipher) { return cipher != Cipher::kAes128Ctr; }

std::string Encrypt(Cipher cipher, Bytes key, Bytes iv, Bytes associated, Bytes plaintext) {
  CheckArguments(cipher, key, iv, associated);
  const bool authenticated = IsAuthenticated(cipher);
  std::string out(plaintext.size() + (authenticated ? kTagBytes : 0), '\0');
  uint8_t* const bytes = reinterpret_cast<uint8_t*>(out.data());
  if (!authenticated) {
    RunCtr(key, iv, plaintext, bytes);
    return out;
  }
  size_t size = 0;
  Require(EVP_AEAD_CTX_seal(NewContext(cipher, key).get(), bytes, &size, out.size(), iv.data(),
                            iv.size(), plaintext.data(), plaintext.size(), associated.data(),
                            associated.size()) == 1);
  return out;
}

absl::StatusOr<SecretBytes> Decrypt(Cipher cipher, Bytes key, Bytes iv, Bytes associated,
                                    Bytes ciphertext) {
  CheckArguments(cipher, key, iv, associated);
  std::vector<uint8_t> out(ciphertext.size());
  if (!IsAuthenticated(cipher)) {
    RunCtr(key, iv, ciphertext, out.data());
    return TakeSecret(out, out.size());
  }
  size_t size = 0;
  const bool opened =
      EVP_AEAD_CTX_open(NewContext(cipher, key).get(), out.data(), &size, out.size(), iv.data(),
                        iv.size(), ciphertext.data(), ciphertext.size(), associated.data(),
                        associated.size()) == 1;
  SecretBytes secret = TakeSecret(out, opened ? size : 0);
  if (!opened) return Refused();
  return secret;
}

std::string WrapKeyAes128(Bytes kek, Bytes key) {
  Require(kek.size() == kKekBytes && (key.size() == 16 || key.size() == 24 || key.size() == 32));
  AesKey aes;
  Require(AES_set_encrypt_key(kek.data(), kKekBytes * 8, &aes.key) == 0);
  std::string out(key.size() + kWrapBytes, '\0');
  Require(AES_wrap_key(&aes.key, nullptr, reinterpret_cast<uint8_t*>(out.data()), key.data(),
                       key.size()) == static_cast<int>(out.size()));
  return out;
}

absl::StatusOr<SecretBytes> UnwrapKeyAes128(Bytes kek, Bytes wrapped) {
  Require(kek.size() == kKekBytes);
  const size_t size = wrapped.size() - std::min(wrapped.size(), kWrapBytes);
  if (size != 16 && size != 24 && size != 32) return Refused();
  AesKey aes;
  Require(AES_set_decrypt_key(kek.data(), kKekBytes * 8, &aes.key) == 0);
  std::vector<uint8_t> out(size);
  const bool opened = AES_unwrap_key(&aes.key, nullptr, out.data(), wrapped.data(),
                                     wrapped.size()) == static_cast<int>(size);
  SecretBytes secret = TakeSecret(out, opened ? size : 0);
  if (!opened) return Refused();
  return secret;
}

}  // namespace tam::secret
