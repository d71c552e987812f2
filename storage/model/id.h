// Strong identifiers: fixed-length byte strings that cannot be mixed up.
//
// An `Id` (16 bytes, a UUID) prints as the canonical UUID text; every other length prints as
// lower-case hexadecimal. All are plain values: copyable, ordered, hashable, thread compatible.

#ifndef TAMARACK_STORAGE_MODEL_ID_H_
#define TAMARACK_STORAGE_MODEL_ID_H_

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tam::storage {

using Bytes = std::vector<uint8_t>;

// Fills the span with unpredictable bytes. Injected; must be thread safe.
using RandomSource = std::function<void(absl::Span<uint8_t>)>;

namespace internal {
std::string PrintFixed(absl::Span<const uint8_t> bytes);
// Accepts hexadecimal of exactly out.size() bytes; for 16 bytes the UUID form with dashes too.
bool ParseFixed(absl::string_view text, absl::Span<uint8_t> out);
absl::Status WrongLength(absl::string_view what, size_t want, size_t got);
absl::Status WrongText(absl::string_view what, size_t want);
}  // namespace internal

// `Tag` names the type in error messages: it has a static `kName`.
template <typename Tag, size_t N>
class FixedBytes {
 public:
  static constexpr size_t kSize = N;

  // All zero: the nil value.
  FixedBytes() = default;
  explicit FixedBytes(const std::array<uint8_t, N>& bytes) : bytes_(bytes) {}

  // InvalidArgument unless exactly N bytes.
  static absl::StatusOr<FixedBytes> FromBytes(absl::Span<const uint8_t> bytes) {
    if (bytes.size() != N) return internal::WrongLength(Tag::kName, N, bytes.size());
    FixedBytes value;
    std::copy(bytes.begin(), bytes.end(), value.bytes_.begin());
    return value;
  }
  // Reads what ToString printed. InvalidArgument otherwise.
  static absl::StatusOr<FixedBytes> Parse(absl::string_view text) {
    FixedBytes value;
    if (!internal::ParseFixed(text, absl::MakeSpan(value.bytes_))) {
      return internal::WrongText(Tag::kName, N);
    }
    return value;
  }

  absl::Span<const uint8_t> bytes() const { return bytes_; }
  const std::array<uint8_t, N>& array() const { return bytes_; }
  bool is_nil() const { return bytes_ == std::array<uint8_t, N>{}; }
  std::string ToString() const { return internal::PrintFixed(bytes_); }

  friend bool operator==(const FixedBytes&, const FixedBytes&) = default;
  friend auto operator<=>(const FixedBytes&, const FixedBytes&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const FixedBytes& value) {
    return H::combine(std::move(h), value.bytes_);
  }
  friend std::ostream& operator<<(std::ostream& out, const FixedBytes& value) {
    return out << value.ToString();
  }

 private:
  std::array<uint8_t, N> bytes_{};
};

#define TAMARACK_FIXED_BYTES(Type, size)         \
  struct Type##Tag {                             \
    static constexpr const char kName[] = #Type; \
  };                                             \
  using Type = FixedBytes<Type##Tag, size>

TAMARACK_FIXED_BYTES(TenantId, 16);
TAMARACK_FIXED_BYTES(EndpointId, 16);
TAMARACK_FIXED_BYTES(DeviceId, 16);
TAMARACK_FIXED_BYTES(DomainId, 16);
TAMARACK_FIXED_BYTES(DeploymentId, 16);
TAMARACK_FIXED_BYTES(BlobId, 16);
TAMARACK_FIXED_BYTES(ChallengeRootId, 16);
TAMARACK_FIXED_BYTES(AuditId, 16);
// Stands for a person or a device inside an audit entry.
TAMARACK_FIXED_BYTES(Pseudonym, 16);
// The random token of an Update.
TAMARACK_FIXED_BYTES(UpdateToken, 16);
// RFC 9679 COSE Key Thumbprint with SHA-256.
TAMARACK_FIXED_BYTES(KeyThumbprint, 32);
// SHA-256 over a SUIT manifest bstr: a manifest's identity.
TAMARACK_FIXED_BYTES(ManifestDigest, 32);
// SHA-256 over the bytes of a TEEP message as received.
TAMARACK_FIXED_BYTES(MessageDigest, 32);
// SHA-256 of a measured part, a reference value.
TAMARACK_FIXED_BYTES(MeasurementDigest, 32);
// The random part of a challenge.
TAMARACK_FIXED_BYTES(ChallengeRandom, 8);

#undef TAMARACK_FIXED_BYTES

// A random UUID (RFC 9562 version 4) as an identifier of type `IdType`.
template <typename IdType>
IdType NewId(const RandomSource& random) {
  static_assert(IdType::kSize == 16);
  std::array<uint8_t, 16> bytes;
  random(absl::MakeSpan(bytes));
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  return IdType(bytes);
}

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_ID_H_
