// SUIT component identifiers and prefixes of them: a list of byte-string segments
// (draft-ietf-suit-manifest, SUIT_Component_Identifier).

#ifndef TAMARACK_STORAGE_MODEL_COMPONENT_ID_H_
#define TAMARACK_STORAGE_MODEL_COMPONENT_ID_H_

#include <compare>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/model/id.h"

namespace tam::storage {

// A value. Also used for a prefix (fewer segments).
class ComponentId {
 public:
  ComponentId() = default;
  // Segments longer than 65,535 bytes or more than 64 of them: InvalidArgument.
  static absl::StatusOr<ComponentId> FromSegments(std::vector<Bytes> segments);
  // Reads ToKey's bytes. InvalidArgument if they are not such.
  static absl::StatusOr<ComponentId> FromKey(absl::Span<const uint8_t> key);

  const std::vector<Bytes>& segments() const { return segments_; }
  bool empty() const { return segments_.empty(); }

  // True if this is `other` or leads to it, segment by segment. The empty prefix leads to all.
  bool IsPrefixOf(const ComponentId& other) const;

  // Two bytes of length, big endian, then the segment, for each segment: a.IsPrefixOf(b) exactly if
  // a.ToKey() is a prefix of b.ToKey(). How a component identifier stands in a database.
  Bytes ToKey() const;
  // Segments joined by '/'; a segment that is not printable ASCII as h'hexadecimal'.
  std::string ToString() const;

  friend bool operator==(const ComponentId&, const ComponentId&) = default;
  friend auto operator<=>(const ComponentId&, const ComponentId&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const ComponentId& id) {
    return H::combine(std::move(h), id.segments_);
  }
  friend std::ostream& operator<<(std::ostream& out, const ComponentId& id) {
    return out << id.ToString();
  }

 private:
  explicit ComponentId(std::vector<Bytes> segments) : segments_(std::move(segments)) {}
  std::vector<Bytes> segments_;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_COMPONENT_ID_H_
