// SQL parameters and results as text, so that one file alone needs to know libpqxx.

#ifndef TAMARACK_STORAGE_POSTGRES_VALUES_H_
#define TAMARACK_STORAGE_POSTGRES_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/model/component_id.h"
#include "storage/model/id.h"

namespace tam::storage::postgres {

// The parameters $1, $2, ... of a statement, each text or NULL. 16-byte ids become uuid (update
// tokens bytea), longer ones, bytes and component ids bytea; times become microseconds since the
// Unix epoch (read by tam.at), durations microseconds, enumerations their number, vectors arrays.
class Params {
 public:
  Params() = default;
  template <typename... Args>
  static Params Of(const Args&... args) {
    Params params;
    (params.Add(args), ...);
    return params;
  }

  template <typename T>
  Params& Add(const T& value) {
    values_.push_back(Text(value));
    return *this;
  }

  const std::vector<std::optional<std::string>>& values() const { return values_; }
  int size() const { return static_cast<int>(values_.size()); }

 private:
  using Value = std::optional<std::string>;

  static Value Text(std::nullopt_t) { return std::nullopt; }
  static Value Text(bool value) { return value ? "t" : "f"; }
  static Value Text(int value) { return std::to_string(value); }
  static Value Text(int64_t value) { return std::to_string(value); }
  static Value Text(uint32_t value) { return std::to_string(value); }
  // Must be below 2^63.
  static Value Text(uint64_t value) { return std::to_string(value); }
  static Value Text(absl::Time value) { return std::to_string(absl::ToUnixMicros(value)); }
  static Value Text(absl::Duration value) {
    return std::to_string(absl::ToInt64Microseconds(value));
  }
  // PostgreSQL's text holds neither NUL nor malformed UTF-8: those bytes become '?'.
  static Value Text(absl::string_view value);
  static Value Text(const std::string& value) { return Text(absl::string_view(value)); }
  static Value Text(const char* value) { return Text(absl::string_view(value)); }
  static Value Text(absl::Span<const uint8_t> value);
  static Value Text(const Bytes& value) { return Text(absl::MakeConstSpan(value)); }
  static Value Text(const ComponentId& value) { return Text(value.ToKey()); }
  static Value Text(const UpdateToken& value) { return Text(value.bytes()); }
  template <typename Tag, size_t N>
  static Value Text(const FixedBytes<Tag, N>& value) {
    if constexpr (N == 16) {
      return value.ToString();
    } else {
      return Text(value.bytes());
    }
  }
  template <typename E, std::enable_if_t<std::is_enum_v<E>, int> = 0>
  static Value Text(E value) {
    return std::to_string(static_cast<int>(value));
  }
  template <typename T>
  static Value Text(const std::optional<T>& value) {
    return value.has_value() ? Text(*value) : std::nullopt;
  }
  template <typename T>
  static Value Text(const std::vector<T>& values) {
    std::string array = "{";
    for (const T& value : values) AppendElement(Text(value), array);
    array.push_back('}');
    return array;
  }
  static void AppendElement(const Value& element, std::string& array);

  std::vector<Value> values_;
};

using Row = std::vector<std::optional<std::string>>;
using Rows = std::vector<Row>;

// Reads a row's columns from left to right, in the forms of Params. After a column that is not as
// asked for, everything reads as empty and status() says so: Internal, because a statement and its
// reader disagree.
class RowReader {
 public:
  // Borrows the row.
  explicit RowReader(const Row& row) : row_(row) {}

  const absl::Status& status() const { return status_; }
  // The next column is NULL. Does not move.
  bool NextIsNull() const { return at_ < row_.size() && !row_[at_].has_value(); }
  void Skip(int columns) { at_ += columns; }

  template <typename Id>
  Id Fixed() {
    return Parsed<Id>(Next());
  }
  std::string Text() { return std::string(Next()); }
  Bytes Binary();
  ComponentId Component();
  int64_t Int();
  uint64_t Unsigned() { return static_cast<uint64_t>(Int()); }
  bool Bool() { return Next() == "t"; }
  absl::Time Time() { return absl::FromUnixMicros(Int()); }
  template <typename E>
  E Enum() {
    return static_cast<E>(Int());
  }

  std::vector<std::string> TextArray();
  std::vector<Bytes> BinaryArray();
  std::vector<ComponentId> ComponentArray();
  std::vector<int64_t> IntArray();
  template <typename Id>
  std::vector<Id> FixedArray() {
    std::vector<Id> ids;
    for (const std::string& text : TextArray()) ids.push_back(Parsed<Id>(text));
    return ids;
  }

  // Absent where the next column is NULL; `read` is a member function such as &RowReader::Time.
  template <typename T>
  std::optional<T> Optional(T (RowReader::*read)()) {
    if (NextIsNull()) {
      ++at_;
      return std::nullopt;
    }
    return (this->*read)();
  }

 private:
  absl::string_view Next();
  void Fail(absl::string_view want);
  Bytes FromHex(absl::string_view text);
  ComponentId FromKey(const Bytes& key);
  template <typename Id>
  Id Parsed(absl::string_view text) {
    if (text.substr(0, 2) == "\\x") text.remove_prefix(2);
    absl::StatusOr<Id> id = Id::Parse(text);
    if (id.ok()) return *id;
    Fail("an id");
    return Id();
  }

  const Row& row_;
  size_t at_ = 0;
  absl::Status status_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_VALUES_H_
