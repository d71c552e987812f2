// The two header buckets of a COSE structure (RFC 9052 section 3). Internal to crypto/cose.
//
//   protected   = bstr .cbor header-map / bstr of size 0
//   unprotected = header-map = { * (int / tstr) => any }
#ifndef TAMARACK_CRYPTO_COSE_HEADERS_H_
#define TAMARACK_CRYPTO_COSE_HEADERS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"

namespace tam::cose {

inline constexpr int64_t kLabelAlg = 1;
inline constexpr int64_t kLabelCrit = 2;
inline constexpr int64_t kLabelContentType = 3;
inline constexpr int64_t kLabelKid = 4;
inline constexpr int64_t kLabelIv = 5;
inline constexpr int64_t kLabelPartialIv = 6;
inline constexpr int64_t kLabelX5Chain = 33;

inline constexpr uint64_t kTagMac0 = 17;
inline constexpr uint64_t kTagSign1 = 18;
inline constexpr uint64_t kTagSign = 98;

struct Headers {
  std::string protected_bytes;  // as in Sig_structure: h'' for an empty bucket
  SignerHeader header;
  std::optional<std::string> content_type;
};

// Errors as Message::Parse says.
absl::StatusOr<Headers> ReadHeaders(cbor::Item protected_item, cbor::Item unprotected_item);

// The bytes that a signature or a MAC covers. `context` is "Signature1", "Signature" or "MAC0";
// `sign_protected` is there for "Signature" alone.
std::string ToBeSigned(std::string_view context, Bytes body_protected,
                       std::optional<Bytes> sign_protected, Bytes external_aad, Bytes payload);

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_HEADERS_H_
