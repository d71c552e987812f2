#include "storage/postgres/values.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tam::storage::postgres {
namespace {

// The length of the UTF-8 character that `text` starts with, or 0 if it is malformed (RFC 3629).
size_t CharacterLength(absl::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool too_large = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

// The elements of a one-dimensional array literal. False if it is not such, or an element is NULL.
bool SplitArray(absl::string_view text, std::vector<std::string>& elements) {
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
  text = text.substr(1, text.size() - 2);
  size_t at = 0;
  while (at < text.size()) {
    std::string element;
    const bool quoted = text[at] == '"';
    if (quoted) ++at;
    while (at < text.size() && (quoted ? text[at] != '"' : text[at] != ',')) {
      if (text[at] == '\\' && ++at == text.size()) return false;
      element.push_back(text[at++]);
    }
    if (quoted && at++ == text.size()) return false;
    if (!quoted && element == "NULL") return false;
    elements.push_back(std::move(element));
    if (at == text.size()) return true;
    if (text[at++] != ',') return false;
  }
  return true;
}

}  // namespace

std::optional<std::string> Params::Text(absl::string_view value) {
  std::string text;
  text.reserve(value.size());
  while (!value.empty()) {
    const size_t length = CharacterLength(value);
    if (length == 0) {
      text.push_back('?');
    } else {
      absl::StrAppend(&text, value.substr(0, length));
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

std::optional<std::string> Params::Text(absl::Span<const uint8_t> value) {
  return absl::StrCat("\\x", absl::BytesToHexString(absl::string_view(
                                 reinterpret_cast<const char*>(value.data()), value.size())));
}

void Params::AppendElement(const Value& element, std::string& array) {
  if (array.size() > 1) array.push_back(',');
  if (!element.has_value()) {
    array.append("NULL");
    return;
  }
  array.push_back('"');
  for (char c : *element) {
    if (c == '"' || c == '\\') array.push_back('\\');
    array.push_back(c);
  }
  array.push_back('"');
}

absl::string_view RowReader::Next() {
  if (at_ >= row_.size()) {
    Fail("another column");
    return "";
  }
  const std::optional<std::string>& column = row_[at_++];
  if (!column.has_value()) {
    Fail("a value");
    return "";
  }
  return *column;
}

void RowReader::Fail(absl::string_view want) {
  if (!status_.ok()) return;
  status_ = absl::InternalError(absl::StrCat("row.column ", at_, ": want ", want, ", got another"));
}

Bytes RowReader::FromHex(absl::string_view text) {
  if (text.substr(0, 2) != "\\x") {
    Fail("bytea in hexadecimal");
    return {};
  }
  const std::string bytes = absl::HexStringToBytes(text.substr(2));
  return Bytes(bytes.begin(), bytes.end());
}

ComponentId RowReader::FromKey(const Bytes& key) {
  absl::StatusOr<ComponentId> component = ComponentId::FromKey(key);
  if (component.ok()) return *std::move(component);
  Fail("a component id");
  return {};
}

Bytes RowReader::Binary() { return FromHex(Next()); }

ComponentId RowReader::Component() { return FromKey(Binary()); }

int64_t RowReader::Int() {
  int64_t value = 0;
  if (!absl::SimpleAtoi(Next(), &value)) Fail("a number");
  return value;
}

std::vector<std::string> RowReader::TextArray() {
  std::vector<std::string> elements;
  if (!SplitArray(Next(), elements)) Fail("an array");
  return elements;
}

std::vector<Bytes> RowReader::BinaryArray() {
  std::vector<Bytes> values;
  for (const std::string& text : TextArray()) values.push_back(FromHex(text));
  return values;
}

std::vector<ComponentId> RowReader::ComponentArray() {
  std::vector<ComponentId> values;
  for (const Bytes& key : BinaryArray()) values.push_back(FromKey(key));
  return values;
}

std::vector<int64_t> RowReader::IntArray() {
  std::vector<int64_t> values;
  for (const std::string& text : TextArray()) {
    if (!absl::SimpleAtoi(text, &values.emplace_back())) Fail("numbers");
  }
  return values;
}

}  // namespace tam::storage::postgres
