// Keys that agree on a secret (ECDH): P-256 and X25519. They sign nothing, and signing keys agree
// on nothing: two types, so that one key never serves both.
//
// Immutable, cheap to copy (shared, reference counted) and thread safe. Private material is wiped
// when the last copy goes.
#ifndef TAMARACK_CRYPTO_KEYS_AGREEMENT_H_
#define TAMARACK_CRYPTO_KEYS_AGREEMENT_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"

namespace tam::keys {

enum class AgreementCurve { kP256, kX25519 };

class AgreementPublicKey {
 public:
  // COSE_Key: EC2/P-256 (y as bytes or sign bit; the point must lie on the curve) or OKP/X25519.
  // alg (3), when present, must be ECDH-ES+A128KW (-29); key_ops (4), when present, must be empty
  // or hold derive key (7) or derive bits (8); d is refused. InvalidArgument with path.
  static absl::StatusOr<AgreementPublicKey> FromCoseKey(Bytes cose_key);
  // SubjectPublicKeyInfo; one PUBLIC KEY block. InvalidArgument for another key type.
  static absl::StatusOr<AgreementPublicKey> FromPem(std::string_view pem);

  AgreementCurve curve() const;
  // RFC 9679 with SHA-256.
  const Thumbprint& thumbprint() const;
  // Deterministic COSE_Key of the required members (75 bytes for P-256, 42 for X25519).
  const std::string& cose_key() const;
  std::string ToPem() const;

  friend bool operator==(const AgreementPublicKey& a, const AgreementPublicKey& b) {
    return a.thumbprint() == b.thumbprint();
  }

 private:
  friend class AgreementKey;
  struct Impl;
  explicit AgreementPublicKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

class AgreementKey {
 public:
  static AgreementKey Generate(AgreementCurve curve,
                               secret::RandomSource& random = secret::RandomSource::System());
  // COSE_Key with d (-4); the public part, when present, must belong to it. alg as above; key_ops,
  // when present, must hold derive key (7) or derive bits (8).
  static absl::StatusOr<AgreementKey> FromCoseKey(Bytes cose_key);
  // PKCS#8 or SEC 1 (P-256), PEM, unencrypted; one key block.
  static absl::StatusOr<AgreementKey> FromPem(std::string_view pem);

  const AgreementPublicKey& public_key() const;
  // 32 bytes: the x coordinate of the common point (P-256), or X25519's output. InvalidArgument
  // when `peer` is on another curve, or when an X25519 peer's point is of small order.
  absl::StatusOr<secret::SecretBytes> SharedSecret(const AgreementPublicKey& peer) const;

  // COSE_Key with d. The only ways that private material leaves.
  secret::SecretBytes ToCoseKey() const;
  secret::SecretBytes ToPkcs8Pem() const;

 private:
  struct Impl;
  explicit AgreementKey(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_AGREEMENT_H_
