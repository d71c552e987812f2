// The members of a COSE_Key (RFC 9052 section 7, RFC 9053 section 7) that keys of ours have.
// Internal to crypto/keys.
#ifndef TAMARACK_CRYPTO_KEYS_COSE_KEY_H_
#define TAMARACK_CRYPTO_KEYS_COSE_KEY_H_

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"

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
inline constexpr int64_t kCrvEd25519 = 6;

inline constexpr int64_t kOpSign = 1;
inline constexpr int64_t kOpVerify = 2;
inline constexpr int64_t kOpMacCreate = 9;
inline constexpr int64_t kOpMacVerify = 10;

inline constexpr size_t kCoordinateBytes = 32;

enum class CurveName { kP256, kEd25519 };

// An EC2 or OKP key of one of the two curves. x, y and d have 32 bytes and borrow from the Item's
// document; nothing is known of how they fit together.
struct CurveKey {
  CurveName curve;
  std::optional<cbor::Bytes> x;
  std::optional<cbor::Bytes> y;  // P-256 with y as bytes
  std::optional<bool> y_sign;    // P-256 with y as sign bit
  std::optional<cbor::Bytes> d;
};

// InvalidArgument with path for another kty or crv, for members of the wrong type or length, an alg
// that does not fit, and key_ops that do not contain `operation`.
absl::StatusOr<CurveKey> ReadCurveKey(cbor::Item map, int64_t operation);

// k of a symmetric key for HMAC 256/256. Errors as above.
absl::StatusOr<cbor::Bytes> ReadSymmetricKey(cbor::Item map);

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_COSE_KEY_H_
