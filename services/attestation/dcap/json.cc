#include "services/attestation/dcap/json.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation::dcap {
namespace {

constexpr uint64_t kMaxNumber = uint64_t{1} << 53;
constexpr size_t kMaxValues = 20'000;
// Both bound the work that paths and the search for duplicates cost.
constexpr size_t kMaxMembers = 64;
constexpr size_t kMaxName = 64;

std::string_view KindName(Json::Kind kind) {
  switch (kind) {
    case Json::Kind::kNull:
      return "null";
    case Json::Kind::kBoolean:
      return "a boolean";
    case Json::Kind::kNumber:
      return "a number";
    case Json::Kind::kString:
      return "a text";
    case Json::Kind::kArray:
      return "a list";
    case Json::Kind::kObject:
      return "an object";
  }
  return "";
}

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

// One pass, by recursion of at most kMaxJsonDepth.
class JsonParser {
 public:
  JsonParser(std::string_view name, std::string_view text) : name_(name), text_(text) {}

  absl::StatusOr<Json> Parse() {
    Json root;
    SkipSpace();
    if (absl::Status s = Value(root, std::string(name_), 0); !s.ok()) return s;
    SkipSpace();
    if (at_ != text_.size()) return Error("nothing after the object");
    if (root.kind_ != Json::Kind::kObject) return root.Error("an object", KindName(root.kind_));
    return root;
  }

 private:
  absl::Status Error(std::string_view want) const {
    const std::string got = at_ < text_.size() ? Concat("another character at ", at_) : "the end";
    return absl::InvalidArgumentError(AbslView(Concat(name_, ".form: want ", want, ", got ", got)));
  }

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
  }
  bool Separator() {  // A comma between spaces.
    SkipSpace();
    const bool more = Take(',');
    SkipSpace();
    return more;
  }

  absl::Status Value(Json& value, std::string path, int depth) {
    if (depth > kMaxJsonDepth) return Error("at most 12 levels");
    if (++values_ > kMaxValues) return Error("at most 20000 values");
    const size_t start = at_;
    value.path_ = std::move(path);
    absl::Status status = Content(value, depth);
    value.bytes_ = text_.substr(start, at_ - start);
    return status;
  }

  absl::Status Content(Json& value, int depth) {
    if (Take('{')) return Object(value, depth);
    if (Take('[')) return Array(value, depth);
    if (Take('"')) {
      value.kind_ = Json::Kind::kString;
      return Text(value.text_);
    }
    if (TakeWord("true") || TakeWord("false")) {
      value.kind_ = Json::Kind::kBoolean;
      return absl::OkStatus();
    }
    if (TakeWord("null")) return absl::OkStatus();
    return Number(value);
  }

  absl::Status Object(Json& value, int depth) {
    value.kind_ = Json::Kind::kObject;
    SkipSpace();
    if (Take('}')) return absl::OkStatus();
    do {
      std::string name;
      if (!Take('"')) return Error("a member's name");
      if (absl::Status s = Text(name); !s.ok()) return s;
      if (name.size() > kMaxName || value.members() == kMaxMembers) {
        return Error("at most 64 members, of names of at most 64 characters");
      }
      if (value.Find(name) != nullptr) {
        return value.Error(Concat("one member \"", name, "\""), "another of that name");
      }
      SkipSpace();
      if (!Take(':')) return Error("a colon");
      SkipSpace();
      std::string path = Concat(value.path_, ".", name);
      value.members_.emplace_back(std::move(name), Json());
      if (absl::Status s = Value(value.members_.back().second, std::move(path), depth + 1);
          !s.ok()) {
        return s;
      }
    } while (Separator());
    return Take('}') ? absl::OkStatus() : Error("a comma or }");
  }

  absl::Status Array(Json& value, int depth) {
    value.kind_ = Json::Kind::kArray;
    SkipSpace();
    if (Take(']')) return absl::OkStatus();
    do {
      std::string path = Concat(value.path_, "[", value.elements_.size(), "]");
      value.elements_.emplace_back();
      if (absl::Status s = Value(value.elements_.back(), std::move(path), depth + 1); !s.ok()) {
        return s;
      }
    } while (Separator());
    return Take(']') ? absl::OkStatus() : Error("a comma or ]");
  }

  absl::Status Text(std::string& text) {
    constexpr std::string_view kEscapes = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_];
      if (c < 0x20 || c == 0x7f) return Error("printable ASCII");  // char: 0x80.. is below 0 too
      if (c == '\\') {
        const size_t escape =
            at_ + 1 < text_.size() ? kEscapes.find(text_[at_ + 1]) : std::string_view::npos;
        if (escape == std::string_view::npos) return Error("a plain escape");
        c = kMeanings[escape];
        ++at_;
      }
      text.push_back(c);
      ++at_;
    }
    return Take('"') ? absl::OkStatus() : Error("the end of a text");
  }

  absl::Status Number(Json& value) {
    value.kind_ = Json::Kind::kNumber;
    const size_t start = at_;
    while (at_ < text_.size() && absl::ascii_isdigit(static_cast<unsigned char>(text_[at_]))) {
      value.number_ = value.number_ * 10 + static_cast<uint64_t>(text_[at_] - '0');
      if (value.number_ > kMaxNumber) return Error("an integer of 0..2^53");
      ++at_;
    }
    const bool padded = at_ - start > 1 && text_[start] == '0';
    const bool goes_on =
        at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E');
    if (at_ == start || padded || goes_on) return Error("a value; of numbers, integers alone");
    return absl::OkStatus();
  }

  std::string_view name_;
  std::string_view text_;
  size_t at_ = 0;
  size_t values_ = 0;
};

absl::StatusOr<Json> Json::Parse(std::string_view name, std::string_view text) {
  if (text.size() > kMaxJsonBytes) {
    return absl::InvalidArgumentError(
        AbslView(Concat(name, ".size: want at most ", kMaxJsonBytes, " bytes, got ", text.size())));
  }
  return JsonParser(name, text).Parse();
}

absl::Status Json::Error(std::string_view want, std::string_view got) const {
  return absl::InvalidArgumentError(AbslView(Concat(path_, ": want ", want, ", got ", got)));
}

const Json* Json::Find(std::string_view member) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [member](const auto& m) { return m.first == member; });
  return found == members_.end() ? nullptr : &found->second;
}

absl::StatusOr<const Json*> Json::Get(std::string_view member, Kind kind) const {
  const Json* const value = Find(member);
  if (value == nullptr) return Error(Concat("a member ", member), "none");
  if (value->kind_ != kind) return value->Error(KindName(kind), KindName(value->kind_));
  return value;
}

absl::StatusOr<uint64_t> Json::GetNumber(std::string_view member, uint64_t max) const {
  const auto value = Get(member, Kind::kNumber);
  if (!value.ok()) return value.status();
  if ((*value)->number_ <= max) return (*value)->number_;
  return (*value)->Error(Concat("at most ", max), Concat((*value)->number_));
}

absl::StatusOr<std::string> Json::GetString(std::string_view member) const {
  const auto value = Get(member, Kind::kString);
  if (!value.ok()) return value.status();
  return (*value)->text_;
}

absl::StatusOr<std::string> Json::GetHex(std::string_view member, size_t size) const {
  const auto value = Get(member, Kind::kString);
  if (!value.ok()) return value.status();
  const std::string& text = (*value)->text_;
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  if (!digits || text.size() != 2 * size) {
    return (*value)->Error(Concat(2 * size, " hexadecimal digits"), Concat(text.size(), " others"));
  }
  return absl::HexStringToBytes(text);
}

}  // namespace tam::attestation::dcap
