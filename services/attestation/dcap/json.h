// JSON as Intel signs it: small, strict, and with each object's exact bytes, for the signature of
// collateral is over those. No duplicate members, no numbers but integers of 0..2^53, no escapes
// beyond \" \\ \/ \b \f \n \r \t, ASCII alone; what is beyond these is refused, not repaired.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_JSON_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_JSON_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::attestation::dcap {

inline constexpr size_t kMaxJsonBytes = 256 << 10;
inline constexpr int kMaxJsonDepth = 12;

// A value. Its `bytes` borrow from the text that was parsed; all else is its own.
class Json {
 public:
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  // InvalidArgument "`name`: want …, got …" with the offset, unless `text` is one object.
  static absl::StatusOr<Json> Parse(std::string_view name, std::string_view text);

  Kind kind() const { return kind_; }
  // From its first to its last character.
  std::string_view bytes() const { return bytes_; }
  // Null when this is no object or has no such member.
  const Json* Find(std::string_view member) const;
  size_t members() const { return members_.size(); }

  // InvalidArgument "tcb_info.tcbLevels[2].tcb.pcesvn: want …, got …" with the path of this value.
  absl::StatusOr<const Json*> Get(std::string_view member, Kind kind) const;
  // At most `max`.
  absl::StatusOr<uint64_t> GetNumber(std::string_view member, uint64_t max) const;
  absl::StatusOr<std::string> GetString(std::string_view member) const;
  // The bytes of a text of exactly 2 * `size` hexadecimal digits, of either case.
  absl::StatusOr<std::string> GetHex(std::string_view member, size_t size) const;
  const std::vector<Json>& elements() const { return elements_; }
  const std::string& text() const { return text_; }
  absl::Status Error(std::string_view want, std::string_view got) const;

 private:
  friend class JsonParser;
  Kind kind_ = Kind::kNull;
  std::string path_;
  std::string_view bytes_;
  std::string text_;
  uint64_t number_ = 0;
  std::vector<Json> elements_;
  std::vector<std::pair<std::string, Json>> members_;
};

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_JSON_H_
