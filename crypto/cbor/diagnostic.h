// CBOR diagnostic notation (RFC 8949 section 8), for people: inspection tools and logs.
#ifndef TAMARACK_CRYPTO_CBOR_DIAGNOSTIC_H_
#define TAMARACK_CRYPTO_CBOR_DIAGNOSTIC_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "crypto/cbor/cbor.h"

namespace tam::cbor {

struct DiagnosticOptions {
  // Spaces a level; 0 writes everything on one line.
  int indent = 0;
  // A byte string longer than this many bytes is cut and its length stated: h'0011...'/5000 bytes/
  size_t max_bytes_shown = SIZE_MAX;
  // Whether this byte string is to be shown as <<...>> (RFC 8610 appendix G.3). Asked for every
  // byte string, those inside <<...>> included; unset means never. A string that is not one strict
  // item is shown as bytes whatever the answer. Paths of items inside continue the outer path.
  std::function<bool(const Item&)> embedded = nullptr;
};

// Control characters and direction marks in text are escaped, so that the result is safe to print
// on a terminal. Recursion is bounded by the depth that the Document was parsed with, and by 8
// levels of <<...>>.
std::string Diagnose(Item item, const DiagnosticOptions& options = DiagnosticOptions());

}  // namespace tam::cbor

#endif  // TAMARACK_CRYPTO_CBOR_DIAGNOSTIC_H_
