// Text rules: language tags, and an err-msg that fits.
#include <algorithm>
#include <string>

#include "crypto/cbor/utf8.h"
#include "teep/message/message.h"
#include "teep/message/options.h"

namespace tam::teep {
namespace {

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool IsLanguageTag(std::string_view text) {
  size_t subtag = 0;
  bool first = true;
  for (char c : text) {
    if (c == '-') {
      if (subtag == 0) return false;
      subtag = 0;
      first = false;
      continue;
    }
    if (!IsAlpha(c) && (first || !IsDigit(c))) return false;
    if (++subtag > 8) return false;
  }
  return subtag > 0;
}

std::string FitErrMsg(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const cbor::CodePoint point = cbor::DecodeUtf8(cbor::AsBytes(text));
    const size_t size = std::max<size_t>(point.size, 1);
    if (out.size() + size > kMaxMsg) break;
    if (point.size == 0) {
      out += '?';
    } else if (point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0)) {
      out += ' ';  // Net-Unicode (RFC 5198) has no bare control characters.
    } else {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out.empty() ? "unspecified" : out;
}

}  // namespace tam::teep
