// What a key holds once it has been parsed. Internal to crypto/keys.
#ifndef TAMARACK_CRYPTO_KEYS_KEY_IMPL_H_
#define TAMARACK_CRYPTO_KEYS_KEY_IMPL_H_

#include <array>
#include <memory>
#include <string>

#include "crypto/keys/key.h"
#include "openssl/base.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"

namespace tam::keys {

inline constexpr size_t kSignatureBytes = 64;

struct PublicKey::Impl {
  KeyType type = KeyType::kP256;
  bssl::UniquePtr<EC_KEY> ec;            // P-256
  std::array<uint8_t, 32> ed25519 = {};  // Ed25519
  std::string cose_key;
  Thumbprint thumbprint = {};

  // `ec` holds a point of P-256.
  static std::shared_ptr<const Impl> OfP256(bssl::UniquePtr<EC_KEY> ec);
  static absl::StatusOr<std::shared_ptr<const Impl>> OfEd25519(Bytes x);
  // InvalidArgument unless it is an Ed25519 or P-256 key.
  static absl::StatusOr<std::shared_ptr<const Impl>> OfEvp(const EVP_PKEY* key);
  // Never null.
  bssl::UniquePtr<EVP_PKEY> ToEvp() const;
};

// A P-256 key whose public point is 0x02, 0x03 or 0x04 and its coordinates; null when that is no
// point of the curve.
bssl::UniquePtr<EC_KEY> P256FromPoint(Bytes encoded);

// The one PEM block in `pem` with one of `names` (EC PARAMETERS are skipped). InvalidArgument when
// there is none, more than one, or one that is encrypted.
struct PemBlock {
  std::string name;
  secret::SecretBytes content;
};
absl::StatusOr<PemBlock> ReadPemBlock(std::string_view pem,
                                      std::initializer_list<std::string_view> names);

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_KEY_IMPL_H_
