#include "tools/tamctl/output.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "google/protobuf/util/json_util.h"
#include "teep/suit/envelope.h"
#include "tools/tamctl/yaml.h"

namespace tam::tamctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes); }

// Server text reaches a terminal.
std::string Printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      Append(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out += c;
    }
  }
  return out;
}

std::string TimeText(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// KEY_STATE_ACTIVE of enum KeyState -> "active".
std::string EnumText(const google::protobuf::EnumValueDescriptor& value) {
  std::string prefix;
  for (const char c : value.type()->name()) {
    if (std::isupper(static_cast<unsigned char>(c)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(c));
  }
  std::string name = value.name();
  if (name.rfind(prefix + "_", 0) == 0) name = name.substr(prefix.size() + 1);
  for (char& c : name) c = c == '_' ? '-' : static_cast<char>(std::tolower(c));
  return name == "unspecified" ? "" : name;
}

std::string BytesText(const std::string& bytes, Show show) {
  if (show == Show::kShortHex) return Hex(bytes.substr(0, 8));
  if (show == Show::kComponentId && !bytes.empty()) {
    const auto id = suit::ParseComponentId(cbor::AsBytes(bytes), "component");
    if (id.ok()) return suit::ComponentIdText(*id);
  }
  return Hex(bytes);
}

std::string StringText(const std::string& text, Show show) {
  if (show != Show::kLastSegment) return Printable(text);
  return Printable(text.substr(text.rfind('/') + 1));
}

std::string MessageText(const Message& message);

// `index` is that of a repeated field's entry; -1 for a singular one.
std::string ScalarText(const Message& message, const FieldDescriptor& field, int index, Show show) {
  const Reflection& r = *message.GetReflection();
  const bool many = index >= 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text =
          many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field);
      return field.type() == FieldDescriptor::TYPE_BYTES ? BytesText(text, show)
                                                         : StringText(text, show);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(
          *(many ? r.GetRepeatedEnum(message, &field, index) : r.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field)) ? "yes"
                                                                                             : "no";
    case FieldDescriptor::CPPTYPE_INT64: {
      const int64_t value =
          many ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field);
      if (show == Show::kMilliseconds) {
        return value == 0 ? "" : TimeText(absl::FromUnixMillis(value));
      }
      return Concat(value);
    }
    case FieldDescriptor::CPPTYPE_UINT64:
      return Concat(many ? r.GetRepeatedUInt64(message, &field, index)
                         : r.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return Concat(many ? r.GetRepeatedInt32(message, &field, index)
                         : r.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return Concat(many ? r.GetRepeatedUInt32(message, &field, index)
                         : r.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageText(many ? r.GetRepeatedMessage(message, &field, index)
                              : r.GetMessage(message, &field));
    default:
      return "?";
  }
}

// Timestamps as times, map entries as key=value, anything else by its fields.
std::string MessageText(const Message& message) {
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return TimeText(absl::FromUnixSeconds(time->seconds()));
  }
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (type.options().map_entry()) {
    return Concat(ScalarText(message, *type.field(0), -1, Show::kValue), "=",
                  ScalarText(message, *type.field(1), -1, Show::kValue));
  }
  std::string text;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::string value = FieldText(message, {"", type.field(i)->name(), Show::kValue});
    if (value == "-") continue;
    Append(&text, text.empty() ? "" : " ", type.field(i)->name(), "=", value);
  }
  return text;
}

std::string RepeatedText(const Message& message, const FieldDescriptor& field, Show show) {
  std::vector<std::string> entries;
  for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) {
    entries.push_back(ScalarText(message, field, i, show));
  }
  if (field.is_map()) std::sort(entries.begin(), entries.end());
  std::string text;
  for (const std::string& entry : entries) Append(&text, text.empty() ? "" : ", ", entry);
  return text;
}

}  // namespace

std::string FieldText(const Message& message, const Column& column) {
  const std::string path(column.field);
  const size_t dot = path.find('.');
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(path.substr(0, dot));
  if (field == nullptr) return "?";
  const bool singular_message =
      field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field->is_repeated();
  if (singular_message && !message.GetReflection()->HasField(message, field)) return "-";
  if (dot != std::string::npos) {
    if (!singular_message) return "?";
    return FieldText(message.GetReflection()->GetMessage(message, field),
                     {column.header, column.field.substr(dot + 1), column.show});
  }
  const std::string text = field->is_repeated() ? RepeatedText(message, *field, column.show)
                                                : ScalarText(message, *field, -1, column.show);
  return text.empty() ? "-" : text;
}

std::string FormatTable(const std::vector<std::string>& headers,
                        const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(headers.size());
  for (size_t i = 0; i < headers.size(); ++i) {
    widths[i] = headers[i].size();
    for (const auto& row : rows) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto line = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += "\n";
  };
  line(headers);
  for (const auto& row : rows) line(row);
  return text;
}

absl::StatusOr<std::string> ToJson(const Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) return absl::InternalError("cannot write the answer as JSON");
  return json;
}

absl::Status PrintJsonText(Context& context, const std::string& json) {
  if (context.format() == OutputFormat::kJson) {
    context.out() << json << (json.empty() || json.back() != '\n' ? "\n" : "");
    return absl::OkStatus();
  }
  const auto yaml = YamlFromJson(json);
  if (!yaml.ok()) return absl::InternalError(yaml.status().message());
  context.out() << *yaml;
  return absl::OkStatus();
}

absl::Status PrintStructured(Context& context, const Message& message) {
  if (context.format() == OutputFormat::kTable) return absl::OkStatus();
  const auto json = ToJson(message);
  return json.ok() ? PrintJsonText(context, *json) : json.status();
}

absl::Status PrintList(Context& context, const Message& message, const std::string& field_name,
                       const std::vector<Column>& columns) {
  if (context.format() != OutputFormat::kTable) return PrintStructured(context, message);
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(field_name);
  if (field == nullptr) return absl::InternalError("no such list: " + field_name);
  std::vector<std::string> headers;
  for (const Column& column : columns) headers.emplace_back(column.header);
  std::vector<std::vector<std::string>> rows;
  const Reflection& r = *message.GetReflection();
  for (int i = 0; i < r.FieldSize(message, field); ++i) {
    std::vector<std::string>& row = rows.emplace_back();
    for (const Column& column : columns) {
      row.push_back(FieldText(r.GetRepeatedMessage(message, field, i), column));
    }
  }
  context.out() << FormatTable(headers, rows);
  return absl::OkStatus();
}

absl::Status PrintOne(Context& context, const Message& message,
                      const std::vector<Column>& columns) {
  if (context.format() != OutputFormat::kTable) return PrintStructured(context, message);
  size_t width = 0;
  for (const Column& column : columns) width = std::max(width, column.header.size());
  for (const Column& column : columns) {
    std::string name = Concat(column.header, ":");
    name.resize(width + 2, ' ');
    context.out() << name << FieldText(message, column) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace tam::tamctl
