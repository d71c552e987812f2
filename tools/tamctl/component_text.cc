#include "tools/tamctl/component_text.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "crypto/text/text.h"

namespace tam::tamctl {
namespace {

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

// 8-4-4-4-12
bool IsUuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

absl::StatusOr<std::string> ParseSegment(const std::string& segment) {
  if (segment.empty()) return absl::InvalidArgumentError("an empty segment");
  if (IsUuid(segment) || (segment.size() == 32 && IsHex(segment))) return ParseUuid(segment);
  if (segment.size() >= 3 && segment.rfind("h'", 0) == 0 && segment.back() == '\'') {
    return ParseHex(std::string_view(segment).substr(2, segment.size() - 3));
  }
  return segment;
}

}  // namespace

absl::StatusOr<std::string> ParseHex(std::string_view text) {
  if (text.size() % 2 != 0 || !IsHex(text)) {
    return absl::InvalidArgumentError(
        Concat("want an even number of hex digits, got '", text, "'"));
  }
  return absl::HexStringToBytes(AbslView(text));
}

absl::StatusOr<std::string> ParseUuid(std::string_view text) {
  std::string digits(text);
  if (IsUuid(text)) digits.erase(std::remove(digits.begin(), digits.end(), '-'), digits.end());
  if (digits.size() != 32 || !IsHex(digits)) {
    return absl::InvalidArgumentError(Concat("want a UUID, got '", text, "'"));
  }
  return absl::HexStringToBytes(digits);
}

absl::StatusOr<suit::ComponentId> ParseComponentText(std::string_view text) {
  if (text.empty()) return absl::InvalidArgumentError("component '': want at least one segment");
  suit::ComponentId id;
  for (const absl::string_view segment : absl::StrSplit(AbslView(text), '/')) {
    auto bytes = ParseSegment(std::string(segment));
    if (!bytes.ok()) {
      return absl::InvalidArgumentError(
          Concat("component '", text, "': ", StdView(bytes.status().message())));
    }
    id.push_back(*std::move(bytes));
  }
  return id;
}

}  // namespace tam::tamctl
