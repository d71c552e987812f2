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
inline constexpr int64_t kLabelEphemeralKey = -1;  // of a recipient (RFC 9053 section 6.3.1)
inline constexpr int64_t kLabelSalt = -20;         // (RFC 9053 section 5.1)

inline constexpr uint64_t kTagEncrypt0 = 16;
inline constexpr uint64_t kTagMac0 = 17;
inline constexpr uint64_t kTagSign1 = 18;
inline constexpr uint64_t kTagEncrypt = 96;
inline constexpr uint64_t kTagSign = 98;

// Where alg may stand.
enum class AlgRule {
  kProtected,
  // Also in the unprotected bucket when the protected one is h'': algorithms without associated
  // data (A128CTR, A128KW, direct) have it there.
  kUnprotectedWhenEmpty,
};

struct Headers {
  std::string protected_bytes;  // as in Sig_structure: h'' for an empty bucket
  SignerHeader header;
  bool alg_is_protected = false;
  std::optional<std::string> content_type;
  std::optional<std::string> iv;
  bool has_partial_iv = false;
  std::optional<std::string> ephemeral_key;  // encoded
  std::optional<std::string> salt;
  bool has_party_info = false;  // -21..-26: what it names would belong into the KDF's context
};

// What is read beside the parameters of signatures: IV, and a recipient's ephemeral key and salt.
// crit may then name them.
enum class HeaderSet { kSignature, kEncryption };

// Errors as Message::Parse says.
absl::StatusOr<Headers> ReadHeaders(cbor::Item protected_item, cbor::Item unprotected_item,
                                    AlgRule rule = AlgRule::kProtected,
                                    HeaderSet set = HeaderSet::kSignature);

// The bytes that a signature or a MAC covers. `context` is "Signature1", "Signature" or "MAC0";
// `sign_protected` is there for "Signature" alone.
std::string ToBeSigned(std::string_view context, Bytes body_protected,
                       std::optional<Bytes> sign_protected, Bytes external_aad, Bytes payload);

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_HEADERS_H_
