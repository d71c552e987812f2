#include "storage/model/component_id.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace tam::storage {
namespace {

constexpr size_t kMaxSegments = 64;
constexpr size_t kMaxSegment = 65535;

bool Printable(const Bytes& segment) {
  return !segment.empty() && std::all_of(segment.begin(), segment.end(), [](uint8_t c) {
    return c > 0x20 && c < 0x7f && c != '/';
  });
}

std::string PrintSegment(const Bytes& segment) {
  const absl::string_view text(reinterpret_cast<const char*>(segment.data()), segment.size());
  return Printable(segment) ? std::string(text)
                            : absl::StrCat("h'", absl::BytesToHexString(text), "'");
}

}  // namespace

absl::StatusOr<ComponentId> ComponentId::FromSegments(std::vector<Bytes> segments) {
  if (segments.size() > kMaxSegments) {
    return absl::InvalidArgumentError(absl::StrCat("component-id: want at most ", kMaxSegments,
                                                   " segments, got ", segments.size()));
  }
  for (const Bytes& segment : segments) {
    if (segment.size() > kMaxSegment) {
      return absl::InvalidArgumentError(absl::StrCat("component-id: want segments of at most ",
                                                     kMaxSegment, " bytes, got ", segment.size()));
    }
  }
  return ComponentId(std::move(segments));
}

absl::StatusOr<ComponentId> ComponentId::FromKey(absl::Span<const uint8_t> key) {
  std::vector<Bytes> segments;
  while (!key.empty()) {
    const size_t length = key.size() < 2 ? kMaxSegment + 1 : size_t{key[0]} << 8 | key[1];
    if (key.size() < 2 + length) {
      return absl::InvalidArgumentError("component-id: want whole segments, got a torn key");
    }
    segments.emplace_back(key.begin() + 2, key.begin() + 2 + length);
    key.remove_prefix(2 + length);
  }
  return FromSegments(std::move(segments));
}

bool ComponentId::IsPrefixOf(const ComponentId& other) const {
  return segments_.size() <= other.segments_.size() &&
         std::equal(segments_.begin(), segments_.end(), other.segments_.begin());
}

Bytes ComponentId::ToKey() const {
  Bytes key;
  for (const Bytes& segment : segments_) {
    key.push_back(static_cast<uint8_t>(segment.size() >> 8));
    key.push_back(static_cast<uint8_t>(segment.size() & 0xff));
    key.insert(key.end(), segment.begin(), segment.end());
  }
  return key;
}

std::string ComponentId::ToString() const {
  std::string text;
  for (const Bytes& segment : segments_) {
    absl::StrAppend(&text, text.empty() ? "" : "/", PrintSegment(segment));
  }
  return text;
}

}  // namespace tam::storage
