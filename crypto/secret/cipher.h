// Ciphers under keys that are used once: content encryption and key wrapping of COSE_Encrypt.
#ifndef TAMARACK_CRYPTO_SECRET_CIPHER_H_
#define TAMARACK_CRYPTO_SECRET_CIPHER_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "crypto/secret/secret.h"

namespace tam::secret {

enum class Cipher {
  kAes128Gcm,  // RFC 5116; 12-byte IV, 16-byte tag behind the ciphertext
  kAes192Gcm,
  kAes256Gcm,
  kChaCha20Poly1305,  // RFC 8439; the same sizes
  kAes128Ctr,         // 16-byte IV; no integrity: any bytes decrypt to something
};

size_t KeyBytes(Cipher cipher);
size_t IvBytes(Cipher cipher);
bool IsAuthenticated(Cipher cipher);

// `key` and `iv` have the sizes above, the process ends otherwise. `associated` is empty for a
// cipher without integrity. A key and an IV must not meet twice.
std::string Encrypt(Cipher cipher, Bytes key, Bytes iv, Bytes associated, Bytes plaintext);
// Unauthenticated when the tag does not verify, or when the ciphertext is shorter than a tag.
absl::StatusOr<SecretBytes> Decrypt(Cipher cipher, Bytes key, Bytes iv, Bytes associated,
                                    Bytes ciphertext);

// AES key wrap (RFC 3394) under 16 bytes. `key` has 16, 24 or 32 bytes, the process ends otherwise.
std::string WrapKeyAes128(Bytes kek, Bytes key);
// 16, 24 or 32 bytes. Unauthenticated when the integrity check fails or for another size.
absl::StatusOr<SecretBytes> UnwrapKeyAes128(Bytes kek, Bytes wrapped);

}  // namespace tam::secret

#endif  // TAMARACK_CRYPTO_SECRET_CIPHER_H_
