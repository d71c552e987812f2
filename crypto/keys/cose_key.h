// The members of a COSE_Key (RFC 9052 section 7, RFC 9053 section 7) that keys of ours have.
// Internal to crypto/keys.
#ifndef TAMARACK_CRYPTO_KEYS_COSE_KEY_H_
#define TAMARACK_CRYPTO_KEYS_COSE_KEY_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"

namespace tam::keys {

inline constexpr int64_t kLabelKty = 1;
inline constexpr int64_t kLabelKid = 2;
inline constexpr int64_t kLabelAlg = 3;
inline constexpr int64_t kLabelKeyOps = 4;
inline constexpr int64_t kLabelCrv = -1;
inline constexpr int64_t kLabelK = -1;  // of a symmetric key
inline constexpr int64_t kLabelX = -2;
inline constexpr int64_t kLabelY = -3;
inline constexpr int64_t kLabelD = -4;

inline constexpr int64_t kKtyOkp = 1;
inline constexpr int64_t kKtyEc2 = 2;
inline constexpr int64_t kKtySymmetric = 4;
inline constexpr int64_t kCrvP256 = 1;
inline constexpr int64_t kCrvP384 = 2;
inline constexpr int64_t kCrvP521 = 3;
inline constexpr int64_t kCrvX25519 = 4;
inline constexpr int64_t kCrvEd25519 = 6;

inline constexpr int64_t kOpSign = 1;
inline constexpr int64_t kOpVerify = 2;
inline constexpr int64_t kOpDeriveKey = 7;
inline constexpr int64_t kOpDeriveBits = 8;
inline constexpr int64_t kOpMacCreate = 9;
inline constexpr int64_t kOpMacVerify = 10;

enum class CurveName { kP256, kP384, kP521, kEd25519, kX25519 };

// What a key is read for: decides the curves, the alg and the key_ops that it may have.
enum class KeyUse {
  kSign,         // P-256, Ed25519
  kVerify,       // the same
  kVerifyAny,    // and P-384, P-521
  kAgree,        // P-256, X25519; key_ops 7 or 8
  kAgreePublic,  // the same; key_ops may be empty (RFC 9053 section 6.3.1)
};

// An EC2 or OKP key. x, y and d have the width of the curve and borrow from the Item's document;
// nothing is known of how they fit together.
struct CurveKey {
  CurveName curve;
  std::optional<cbor::Bytes> x;
  std::optional<cbor::Bytes> y;  // EC2 with y as bytes
  std::optional<bool> y_sign;    // EC2 with y as sign bit
  std::optional<cbor::Bytes> d;
};

// InvalidArgument with path for another kty or crv, for members of the wrong type or length, an alg
// that does not fit, and key_ops that do not allow `use`.
absl::StatusOr<CurveKey> ReadCurveKey(cbor::Item map, KeyUse use);
// The point of an EC2 key as 0x02, 0x03 or 0x04 and its coordinates. InvalidArgument when x or y is
// missing.
absl::StatusOr<std::string> EncodedPoint(cbor::Item map, const CurveKey& key);
// RFC 9679 section 4: the required members, deterministically encoded. `y` is empty for OKP.
std::string EncodePublicKey(CurveName curve, cbor::Bytes x, cbor::Bytes y);
// The public members alone, as a COSE_Key.
std::string PublicPart(cbor::Item map);
// The private key's map: `public_key` with d. 32-byte curves alone.
secret::SecretBytes EncodePrivateKey(const std::string& public_key,
                                     const std::array<uint8_t, 32>& d);

// k of a symmetric key for HMAC 256/256. Errors as above.
absl::StatusOr<cbor::Bytes> ReadSymmetricKey(cbor::Item map);

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_COSE_KEY_H_
