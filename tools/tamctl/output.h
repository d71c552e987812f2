// What a command prints: a protobuf message as JSON or YAML, or as a table of chosen fields.
#ifndef TAMARACK_TOOLS_TAMCTL_OUTPUT_H_
#define TAMARACK_TOOLS_TAMCTL_OUTPUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {

// How a field is shown in a table. Bytes are hex where nothing else is said.
enum class Show {
  kValue,
  kLastSegment,   // "x" of "tenants/t/domains/x"
  kComponentId,   // CBOR of a component identifier, as text
  kMilliseconds,  // since the epoch, as a time
  kShortHex,      // the first 8 bytes
};

struct Column {
  std::string_view header;
  std::string_view field;  // "last_attestation.verdict"
  Show show = Show::kValue;
};

// One field as text; "-" when it is unset or empty. Enum values lose their prefix, repeated fields
// are joined, control characters are escaped. "?" for a field that the message does not have.
std::string FieldText(const google::protobuf::Message& message, const Column& column);

// Columns of text, padded, headers first.
std::string FormatTable(const std::vector<std::string>& headers,
                        const std::vector<std::vector<std::string>>& rows);

// JSON with the field names of the proto file, zero values included.
absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message);

// A list answer: `field` of `message` is the repeated field whose entries are the rows.
absl::Status PrintList(Context& context, const google::protobuf::Message& message,
                       const std::string& field, const std::vector<Column>& columns);

// One resource: in a table, a line for each column.
absl::Status PrintOne(Context& context, const google::protobuf::Message& message,
                      const std::vector<Column>& columns);

// JSON or YAML of `message`; nothing for the table format.
absl::Status PrintStructured(Context& context, const google::protobuf::Message& message);
absl::Status PrintJsonText(Context& context, const std::string& json);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_OUTPUT_H_
