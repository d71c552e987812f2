#ifndef TAMARACK_CRYPTO_X509_DER_H_
#define TAMARACK_CRYPTO_X509_DER_H_

// What extensions of certificates hold: elements of DER (X.690 section 10), for those who read the
// extensions of a manufacturer. Pure functions; thread safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::x509 {

// Those that manufacturers' extensions are made of; the tag as one octet.
inline constexpr uint32_t kDerBoolean = 0x01;
inline constexpr uint32_t kDerInteger = 0x02;
inline constexpr uint32_t kDerOctetString = 0x04;
inline constexpr uint32_t kDerOid = 0x06;
inline constexpr uint32_t kDerEnumerated = 0x0a;
inline constexpr uint32_t kDerUtf8String = 0x0c;
inline constexpr uint32_t kDerIa5String = 0x16;
inline constexpr uint32_t kDerSequence = 0x30;

struct DerElement {
  uint32_t tag;  // one of the above, or another
  std::string_view content;
};

// The elements that `der` is the row of, at most 64; they borrow from it. InvalidArgument: "der:
// want …, got …" for lengths that are not minimal or go beyond its end, and for long tags.
absl::StatusOr<std::vector<DerElement>> ReadDer(std::string_view der);

// The elements within the one element of this tag that `der` is.
absl::StatusOr<std::vector<DerElement>> ReadDerWithin(uint32_t tag, std::string_view der);

// "1.2.840.113741.1.13.1". InvalidArgument unless it is an OBJECT IDENTIFIER.
absl::StatusOr<std::string> DerOidText(const DerElement& element);

// InvalidArgument unless it is an INTEGER of 0..2^64-1 in the fewest octets.
absl::StatusOr<uint64_t> DerNumber(const DerElement& element);

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_DER_H_
