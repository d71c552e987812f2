// PEM of which no byte can be changed without being seen. Usual readers pass over text between the
// blocks, line ends and loose base64; bytes that a device sends and no signature covers must not be
// free, for a digest of them names what was verified.
//
//   chain = 1..3 of block [NUL]
//   block = "-----BEGIN CERTIFICATE-----" LF *(64 base64 LF) 1..64 base64 LF
//           "-----END CERTIFICATE-----" LF
//
// The last LF may be missing; base64 is canonical.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_PEM_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_PEM_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::attestation::dcap {

inline constexpr size_t kMaxPemBytes = 12 << 10;

// The certificates as DER, in their order. InvalidArgument "`name`.pem: want …, got …".
absl::StatusOr<std::vector<std::string>> ReadStrictPem(std::string_view name, std::string_view pem);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_PEM_H_
