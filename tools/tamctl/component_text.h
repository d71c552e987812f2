// Component identifiers as people type them.
#ifndef TAMARACK_TOOLS_TAMCTL_COMPONENT_TEXT_H_
#define TAMARACK_TOOLS_TAMCTL_COMPONENT_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "teep/suit/envelope.h"

namespace tam::tamctl {

// "TEEP-Device/SecureFS/8d82573a-926d-4754-9353-32dc29997f74/ta": segments joined by '/'. A segment
// of the form of a UUID, with or without dashes, is its 16 bytes, h'0011' is those bytes, anything
// else is its text. InvalidArgument: an empty segment, bad hex, no segment.
absl::StatusOr<suit::ComponentId> ParseComponentText(std::string_view text);

// 16 bytes of a UUID in text, or of 32 hex digits. InvalidArgument.
absl::StatusOr<std::string> ParseUuid(std::string_view text);

// Bytes of an even number of hex digits. InvalidArgument.
absl::StatusOr<std::string> ParseHex(std::string_view text);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_COMPONENT_TEXT_H_
