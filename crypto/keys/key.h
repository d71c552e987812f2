// Keys by what they can do. A caller chooses a key, never an algorithm: the key knows its own.
//
// PublicKey and PrivateKey are immutable, cheap to copy (shared, reference counted) and thread
// safe. Private material is wiped when the last copy goes.
#ifndef TAMARACK_CRYPTO_KEYS_KEY_H_
#define TAMARACK_CRYPTO_KEYS_KEY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/secret/secret.h"

namespace tam::keys {

using Bytes = absl::Span<const uint8_t>;

// Fully specified COSE algorithms (RFC 9864) of a signing key.
enum class KeyType {
  kP256,     // ESP256 (-9); verifies ES256 (-7) too where a policy allows it
  kEd25519,  // Ed25519 (-19); verifies EdDSA (-8) too where a policy allows it
  kP384,     // ESP384 (-51), ES384 (-35); only verifies
  kP521,     // ESP512 (-52), ES512 (-36); only verifies
};

// The public keys that a reader takes.
enum class Curves {
  kTeep,  // P-256 and Ed25519: all that a TEEP message, manifest or result of ours is signed with
  kAll,   // P-384 and P-521 too: attesters of other makers sign with them
};

enum class EcdsaHash { kSha256, kSha384, kSha512 };

// RFC 9679 with SHA-256: over the deterministic COSE_Key of the required members alone.
using Thumbprint = std::array<uint8_t, 32>;

std::string ThumbprintHex(const Thumbprint& thumbprint);

class PublicKey {
 public:
  // COSE_Key (RFC 9052 section 7): EC2 (y as bytes or sign bit; the point must lie on the curve) or
  // OKP/Ed25519. alg (3), when present, must fit the key; key_ops (4), when present, must allow
  // verify (2). A private member (-4) is refused, and so is an Ed25519 point of small order or one
  // not encoded canonically. InvalidArgument with path, also for a curve that `curves` leaves out.
  static absl::StatusOr<PublicKey> FromCoseKey(Bytes cose_key, Curves curves = Curves::kTeep);
  // SubjectPublicKeyInfo, PEM or DER. InvalidArgument for another key type. The PEM text holds one
  // PUBLIC KEY block.
  static absl::StatusOr<PublicKey> FromPem(std::string_view pem, Curves curves = Curves::kTeep);
  static absl::StatusOr<PublicKey> FromSpkiDer(Bytes der, Curves curves = Curves::kTeep);

  KeyType type() const;
  const Thumbprint& thumbprint() const;
  // Deterministic COSE_Key of the required members (75 bytes for P-256, 42 for Ed25519).
  const std::string& cose_key() const;
  // SubjectPublicKeyInfo.
  std::string ToPem() const;

  // Unauthenticated when `signature` (r||s in the width of the curve, or Ed25519's 64 bytes) does
  // not verify over `message`. ECDSA hashes with SHA-256, SHA-384 and SHA-512 for the three curves.
  absl::Status Verify(Bytes message, Bytes signature) const;
  // ECDSA with the hash that a polymorphic algorithm number names (ES512 over P-256).
  // InvalidArgument for an Ed25519 key.
  absl::Status VerifyWithHash(EcdsaHash hash, Bytes message, Bytes signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.thumbprint() == b.thumbprint();
  }

 private:
  friend class PrivateKey;
  struct Impl;
  explicit PublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

class PrivateKey {
 public:
  // P-256 or Ed25519; the process ends for another type.
  static absl::StatusOr<PrivateKey> Generate(KeyType type);
  // COSE_Key with d (-4); the public part, when present, must belong to it. alg, when present, must
  // fit the key; key_ops, when present, must allow sign (1).
  static absl::StatusOr<PrivateKey> FromCoseKey(Bytes cose_key);
  // PKCS#8 or SEC 1, PEM, unencrypted; one key block.
  static absl::StatusOr<PrivateKey> FromPem(std::string_view pem);

  KeyType type() const;
  const PublicKey& public_key() const;
  // 64 bytes. ECDSA is randomised by BoringSSL.
  absl::StatusOr<std::string> Sign(Bytes message) const;

  // COSE_Key with d. The only way that private material leaves.
  secret::SecretBytes ToCoseKey() const;
  secret::SecretBytes ToPkcs8Pem() const;

 private:
  struct Impl;
  explicit PrivateKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// A symmetric key for HMAC-SHA-256 (COSE alg 5, "HMAC 256/256").
class MacKey {
 public:
  // At least 16 bytes.
  static absl::StatusOr<MacKey> FromBytes(Bytes key);
  // COSE_Key kty 4 with k (-1). alg, when present, must be 5; key_ops, when present, must allow MAC
  // create (9) or verify (10).
  static absl::StatusOr<MacKey> FromCoseKey(Bytes cose_key);
  // The whole 32-byte tag.
  std::array<uint8_t, 32> Mac(Bytes message) const;
  // Constant time. Unauthenticated on mismatch.
  absl::Status Verify(Bytes message, Bytes tag) const;

 private:
  explicit MacKey(std::shared_ptr<const secret::SecretBytes> key) : key_(std::move(key)) {}
  std::shared_ptr<const secret::SecretBytes> key_;
};

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_KEY_H_
