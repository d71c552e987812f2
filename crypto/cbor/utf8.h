// UTF-8 validity (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#ifndef TAMARACK_CRYPTO_CBOR_UTF8_H_
#define TAMARACK_CRYPTO_CBOR_UTF8_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace tam::cbor {

// One code point at the start of non-empty `bytes`; size is 0 when they do not start with one.
struct CodePoint {
  uint32_t value = 0;
  size_t size = 0;
};
CodePoint DecodeUtf8(absl::Span<const uint8_t> bytes);

bool IsValidUtf8(absl::Span<const uint8_t> bytes);

}  // namespace tam::cbor

#endif  // TAMARACK_CRYPTO_CBOR_UTF8_H_
