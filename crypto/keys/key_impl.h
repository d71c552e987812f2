// What a key holds once it has been parsed, and what keys of both kinds, those that sign and those
// that agree, need of BoringSSL. Internal to crypto/keys.
#ifndef TAMARACK_CRYPTO_KEYS_KEY_IMPL_H_
#define TAMARACK_CRYPTO_KEYS_KEY_IMPL_H_

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "crypto/keys/cose_key.h"
#include "crypto/keys/key.h"
#include "openssl/base.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"

namespace tam::keys {

inline constexpr size_t kSignatureBytes = 64;  // of the keys that sign

struct PublicKey::Impl {
  KeyType type = KeyType::kP256;
  bssl::UniquePtr<EC_KEY> ec;            // P-256, P-384, P-521
  std::array<uint8_t, 32> ed25519 = {};  // Ed25519
  std::string cose_key;
  Thumbprint thumbprint = {};

  // `ec` holds a point of one of the three curves.
  static std::shared_ptr<const Impl> OfEc(bssl::UniquePtr<EC_KEY> ec);
  static absl::StatusOr<std::shared_ptr<const Impl>> OfEd25519(Bytes x);
  // InvalidArgument unless it is a key of one of `curves`.
  static absl::StatusOr<std::shared_ptr<const Impl>> OfEvp(const EVP_PKEY* key, Curves curves);
  // Never null.
  bssl::UniquePtr<EVP_PKEY> ToEvp() const;
};

// The NID of an EC2 curve.
int CurveNid(CurveName curve);
// A key whose public point is 0x02, 0x03 or 0x04 and its coordinates; null when that is no point of
// the curve.
bssl::UniquePtr<EC_KEY> EcFromPoint(int nid, Bytes encoded);
// A P-256 key with the scalar `d` and its public point; null when d is not in 1..n-1.
bssl::UniquePtr<EC_KEY> P256FromScalar(Bytes d);
// x and y, each in the width of the curve.
std::pair<std::string, std::string> Coordinates(const EC_KEY* ec);
// Only the public half; aborts when out of memory.
bssl::UniquePtr<EC_KEY> CopyPublic(const EC_KEY* ec);
// A P-256 key's d; a wiped array is the caller's duty.
void ReadScalar(const EC_KEY* ec, std::array<uint8_t, 32>& out);

// InvalidArgument for anything but one SubjectPublicKeyInfo of a type that BoringSSL knows.
absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParseSpki(Bytes der);
// The one key of a PEM text, PKCS#8 or SEC 1 (P-256 alone). InvalidArgument.
absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ParsePrivatePem(std::string_view pem);
std::string SpkiPem(EVP_PKEY* key);
secret::SecretBytes Pkcs8Pem(EVP_PKEY* key);
// An EVP_PKEY around `ec`.
bssl::UniquePtr<EVP_PKEY> EvpOf(EC_KEY* ec);

// InvalidArgument; empties BoringSSL's queue of reasons, for ours say enough.
absl::Status Invalid(std::string_view message);

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
