#include "storage/model/id.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tam::storage::internal {
namespace {

constexpr char kHex[] = "0123456789abcdef";

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// A dash precedes these bytes of a UUID.
bool DashBefore(size_t byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

}  // namespace

std::string PrintFixed(absl::Span<const uint8_t> bytes) {
  std::string text;
  text.reserve(2 * bytes.size() + 4);
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.size() == 16 && DashBefore(i)) text.push_back('-');
    text.push_back(kHex[bytes[i] >> 4]);
    text.push_back(kHex[bytes[i] & 15]);
  }
  return text;
}

bool ParseFixed(absl::string_view text, absl::Span<uint8_t> out) {
  const bool dashes = out.size() == 16 && text.size() == 36;
  if (text.size() != 2 * out.size() + (dashes ? 4 : 0)) return false;
  size_t at = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (dashes && DashBefore(i) && text[at++] != '-') return false;
    const int high = HexValue(text[at]);
    const int low = HexValue(text[at + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
    at += 2;
  }
  return true;
}

absl::Status WrongLength(absl::string_view what, size_t want, size_t got) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": want ", want, " bytes, got ", got));
}

absl::Status WrongText(absl::string_view what, size_t want) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": want ", want, " bytes in hexadecimal",
                                                 want == 16 ? " or a UUID" : "",
                                                 ", got other text"));
}

}  // namespace tam::storage::internal
