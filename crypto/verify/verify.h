// Public keys of other makers' hardware: of the kinds and algorithms that attestation meets (TPMs,
// AMD, AWS, Intel), which verify and never sign for us. Here the format says the algorithm, and the
// verifier of that format has checked that it may: unlike keys::PublicKey, which knows its own.
//
// Immutable, cheap to copy, thread safe.
#ifndef TAMARACK_CRYPTO_VERIFY_VERIFY_H_
#define TAMARACK_CRYPTO_VERIFY_VERIFY_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"

namespace tam::verify {

using keys::Bytes;

inline constexpr size_t kMinRsaBytes = 256;  // of the modulus
inline constexpr size_t kMaxRsaBytes = 512;

enum class Kind { kP256, kP384, kP521, kRsa };
// SHA-1 is left out: nothing that it signs is believed.
enum class Hash { kSha256, kSha384, kSha512 };
enum class Padding { kPkcs1, kPss };

size_t HashBytes(Hash hash);
std::string Digest(Hash hash, Bytes message);

class Key {
 public:
  // InvalidArgument with the reason for another kind of key, for an RSA key that has not
  // kMinRsaBytes..kMaxRsaBytes or whose exponent is not 65537, and for a point off the curve. The
  // PEM text holds one PUBLIC KEY block.
  static absl::StatusOr<Key> FromSpkiDer(Bytes der);
  static absl::StatusOr<Key> FromPem(std::string_view pem);
  // Big endian. `modulus` has no leading zero.
  static absl::StatusOr<Key> FromRsa(Bytes modulus, Bytes exponent);
  // Coordinates in the width of the curve, big endian. Aborts for kRsa.
  static absl::StatusOr<Key> FromPoint(Kind kind, Bytes x, Bytes y);

  Kind kind() const;
  // Of a coordinate, or of the modulus.
  size_t bytes() const;
  // RFC 9679 with SHA-256; RSA keys as RFC 8230 writes them. Equal for equal keys alone.
  const keys::Thumbprint& thumbprint() const;
  // Nullopt for RSA.
  const std::optional<keys::PublicKey>& elliptic() const;

  // Unauthenticated when `signature` (r||s in the width of the curve) does not verify over
  // `message`; InvalidArgument for an RSA key.
  absl::Status VerifyEcdsa(Hash hash, Bytes message, Bytes signature) const;
  // RSASSA-PKCS1-v1_5, or RSASSA-PSS with MGF1 over the same hash and a salt of any length, for
  // TPMs differ in it. `signature` has exactly the size of the modulus. InvalidArgument for an
  // elliptic key.
  absl::Status VerifyRsa(Padding padding, Hash hash, Bytes message, Bytes signature) const;

  friend bool operator==(const Key& a, const Key& b) { return a.thumbprint() == b.thumbprint(); }

 private:
  struct Impl;
  explicit Key(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  static Key OfElliptic(keys::PublicKey key, Kind kind);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tam::verify

#endif  // TAMARACK_CRYPTO_VERIFY_VERIFY_H_
