// What a CBOR item is, judged by its tag and by the keys that it holds.
#ifndef TAMARACK_TOOLS_TAMCTL_INSPECT_DETECT_H_
#define TAMARACK_TOOLS_TAMCTL_INSPECT_DETECT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"
#include "tools/tamctl/inspect/shape.h"

namespace tam::inspect {

enum class Kind {
  kCbor,
  kTeep,      // a TEEP payload
  kEnvelope,  // SUIT_Envelope
  kManifest,  // SUIT_Manifest without its envelope
  kReport,    // SUIT_Report
  kEat,       // a claims set
  kBundle,    // a detached EAT bundle
  kCoseKey,
  kCose,  // any COSE container; its payload has a kind of its own
};

// "teep", "suit", "manifest", "report", "eat", "deb", "key", "cose", "cbor". InvalidArgument lists
// them.
absl::StatusOr<Kind> ParseKind(std::string_view text);

// Looks at tags, keys and element types, never at signatures. Anything that fits nothing is kCbor.
Kind Detect(const cbor::Item& item);

ShapeOf ShapeForKind(Kind kind);

// Where the parts of a COSE container stand. For shapes and titles; cose::Message decides.
struct CoseParts {
  std::string_view name;  // "COSE_Sign1"
  bool tagged = false;
  bool cwt = false;                   // behind tag 61
  cbor::Item array;                   // the four (or three) elements
  std::optional<cbor::Item> payload;  // a byte string; nullopt when nil or encrypted
};
// nullopt when the item has not the form of a COSE container.
std::optional<CoseParts> FindCoseParts(const cbor::Item& item);

// The item without its tags.
cbor::Item StripTags(cbor::Item item);

}  // namespace tam::inspect

#endif  // TAMARACK_TOOLS_TAMCTL_INSPECT_DETECT_H_
