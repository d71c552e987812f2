// CBOR diagnostic notation (RFC 8949 section 8) with the names of the fields as comments.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_ANNOTATE_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_ANNOTATE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "tools/tamctl/inspect/shape.h"

namespace tam::inspect {

// Where an item stands: by names, and in bytes from the start of the file.
struct Place {
  std::string path;  // "query-response.options.token"
  size_t offset = 0;
};

struct AnnotateOptions {
  // A longer byte string is cut, and its length stated in a comment.
  size_t max_bytes_shown = 1024;
};

struct Annotated {
  std::string text;           // no newline at its end
  std::vector<Place> places;  // of every item, outer before inner
};

// Prints `item`, which must lie in `file`. Private key material is never printed. Nesting of byte
// strings within byte strings is followed to 12 levels.
Annotated Annotate(const cbor::Item& item, ShapeOf shape, std::string_view root_path,
                   cbor::Bytes file, const AnnotateOptions& options = AnnotateOptions());

// The offset of the place that a message such as "query-response.token: want 8..64 bytes" names:
// the first whose path ends as the message's does; SIZE_MAX when there is none.
size_t FindOffset(const std::vector<Place>& places, std::string_view path);

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_ANNOTATE_H_
