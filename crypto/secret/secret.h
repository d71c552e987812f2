// Secret bytes, wiped when freed, and the symmetric primitives that work on them.
#ifndef TAMARACK_CRYPTO_SECRET_SECRET_H_
#define TAMARACK_CRYPTO_SECRET_SECRET_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tam::secret {

using Bytes = absl::Span<const uint8_t>;

class RandomSource;

// Owns bytes; wipes them on destruction and on move. Not copyable. Never prints.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(Bytes bytes);
  static SecretBytes Random(size_t size, RandomSource& random);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  // Borrowed, for a call that must see the bytes.
  Bytes Reveal() const { return Bytes(data_.data(), data_.size()); }
  size_t size() const { return data_.size(); }

 private:
  std::vector<uint8_t> data_;
};

using Digest256 = std::array<uint8_t, 32>;

Digest256 Sha256(Bytes data);
Digest256 HmacSha256(Bytes key, Bytes data);
// RFC 5869; `length` at most 8160, the process ends otherwise.
SecretBytes HkdfSha256(Bytes key, Bytes salt, std::string_view info, size_t length);

// Compares in time that depends on the lengths alone.
bool ConstantTimeEquals(Bytes a, Bytes b);

// Cryptographically secure random bytes. Injected wherever a test must choose them.
class RandomSource {
 public:
  virtual ~RandomSource() = default;
  virtual void Fill(absl::Span<uint8_t> out) = 0;
  // BoringSSL's generator; thread safe, process lifetime.
  static RandomSource& System();
};

// AES-256-GCM with a random 12-byte nonce in front of the ciphertext; `context` is authenticated.
// Wraps private keys at rest. Thread safe.
class KeyWrapper {
 public:
  // `kek` is exactly 32 bytes.
  static absl::StatusOr<KeyWrapper> Create(SecretBytes kek);
  std::string Wrap(Bytes plaintext, std::string_view context, RandomSource& random) const;
  // Unauthenticated when the bytes or the context were altered.
  absl::StatusOr<SecretBytes> Unwrap(Bytes wrapped, std::string_view context) const;

 private:
  explicit KeyWrapper(SecretBytes kek) : kek_(std::move(kek)) {}
  SecretBytes kek_;
};

}  // namespace tam::secret

#endif  // TAMARACK_CRYPTO_SECRET_SECRET_H_
