// The attestation document of AWS Nitro Enclaves: ATTESTATION.md section 9. Layout alone; nothing
// here is verified.
//
//   document = COSE_Sign1 (untagged or tag 18), protected {1: -35}, unprotected {}, payload:
//   { "module_id": text, "digest": "SHA384", "timestamp": uint (ms), "pcrs": {0..31: 32/48/64
//   bytes},
//     "certificate": bytes, "cabundle": [+ bytes] (the root first),
//     ? "public_key": bytes / null, ? "user_data": bytes / null, ? "nonce": bytes / null }
//   Members beyond these are passed over: they are signed, and say nothing to us.
#ifndef TAMARACK_SERVICES_ATTESTATION_NITRO_DOCUMENT_H_
#define TAMARACK_SERVICES_ATTESTATION_NITRO_DOCUMENT_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/cose/cose.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::nitro {

inline constexpr size_t kMaxDocumentBytes = 16 << 10;
// How far its clock may be before ours.
inline constexpr absl::Duration kClockAhead = absl::Seconds(60);
inline constexpr size_t kMaxNonceBytes = 512;
inline constexpr size_t kMaxUserDataBytes = 512;
inline constexpr size_t kMaxPublicKeyBytes = 1024;

struct Document {
  cose::Message message;
  std::string module_id;
  absl::Time timestamp;
  std::map<uint32_t, std::string> pcrs;
  std::vector<std::string> chain;  // the leaf first
  std::optional<std::string> public_key, user_data, nonce;
};

// Claims "document.size", "document.form" (CBOR, COSE, tags, members) and "alg".
std::variant<Document, Finding> ParseDocument(absl::Span<const uint8_t> bytes);

}  // namespace tam::attestation::nitro

#endif  // TAMARACK_SERVICES_ATTESTATION_NITRO_DOCUMENT_H_
