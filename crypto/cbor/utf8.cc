#include "crypto/cbor/utf8.h"

#include <cstring>

namespace tam::cbor {

CodePoint DecodeUtf8(absl::Span<const uint8_t> bytes) {
  const uint8_t first = bytes[0];
  if (first < 0x80) return {first, 1};
  size_t size;
  uint32_t least;
  uint32_t value;
  if ((first & 0xe0) == 0xc0) {
    size = 2, least = 0x80, value = first & 0x1f;
  } else if ((first & 0xf0) == 0xe0) {
    size = 3, least = 0x800, value = first & 0x0f;
  } else if ((first & 0xf8) == 0xf0) {
    size = 4, least = 0x10000, value = first & 0x07;
  } else {
    return {};
  }
  if (bytes.size() < size) return {};
  for (size_t i = 1; i < size; ++i) {
    if ((bytes[i] & 0xc0) != 0x80) return {};
    value = value << 6 | (bytes[i] & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least || surrogate || value > 0x10ffff) return {};
  return {value, size};
}

bool IsValidUtf8(absl::Span<const uint8_t> bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    uint64_t word;
    if (bytes.size() - i >= sizeof(word)) {
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      if ((word & 0x8080808080808080) == 0) {
        i += sizeof(word);
        continue;
      }
    }
    const CodePoint point = DecodeUtf8(bytes.subspan(i));
    if (point.size == 0) return false;
    i += point.size;
  }
  return true;
}

}  // namespace tam::cbor
