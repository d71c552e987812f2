#include "tools/tamctl/yaml.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "crypto/text/text.h"

namespace tam::tamctl {
namespace {

constexpr int kMaxDepth = 64;

// Plain when it can be read as nothing but this text.
bool IsPlain(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kWords = {
      "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan"};
  if (text.empty() || !std::isalpha(static_cast<unsigned char>(text[0]))) return false;
  std::string lower;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-' && c != '/' &&
        c != '.') {
      return false;
    }
    lower += static_cast<char>(std::tolower(c));
  }
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

size_t CountDigits(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  return count;
}

// number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ e [ "+" / "-" ] 1*digit ], RFC 8259
// section 6.
bool IsNumber(std::string_view text) {
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  const size_t whole = CountDigits(text);
  if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
  text.remove_prefix(whole);
  if (!text.empty() && text[0] == '.') {
    const size_t fraction = CountDigits(text.substr(1));
    if (fraction == 0) return false;
    text.remove_prefix(1 + fraction);
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  return !text.empty() && CountDigits(text) == text.size();
}

// What may stand behind a backslash, and how long it is with it; 0: nothing such.
size_t EscapeLength(std::string_view text) {
  if (text.size() < 2) return 0;
  if (std::string_view("\"\\/bfnrt").find(text[1]) != std::string_view::npos) return 2;
  if (text[1] != 'u' || text.size() < 6) return 0;
  const std::string_view digits = text.substr(2, 4);
  const bool hex = std::all_of(digits.begin(), digits.end(),
                               [](unsigned char c) { return std::isxdigit(c) != 0; });
  return hex ? 6 : 0;
}

class Converter {
 public:
  explicit Converter(std::string_view json) : json_(json) {}

  absl::StatusOr<std::string> Convert() {
    Value(0, Place::kTop);
    Space();
    if (failed_ || at_ != json_.size()) {
      return absl::InvalidArgumentError(Concat("offset ", at_, ": not JSON"));
    }
    return std::move(out_);
  }

 private:
  enum class Place { kTop, kMember, kElement };

  void Space() {
    while (at_ < json_.size() &&
           std::string_view(" \t\r\n").find(json_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  char Peek() {
    Space();
    return at_ < json_.size() ? json_[at_] : '\0';
  }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++at_;
    return true;
  }

  // A string token as it stands in the JSON, quotes included: YAML reads the same escapes.
  std::string_view String() {
    if (!Take('"')) return Fail();
    const size_t first = at_ - 1;
    while (at_ < json_.size() && json_[at_] != '"') {
      if (static_cast<unsigned char>(json_[at_]) < 0x20) return Fail();
      const size_t length = json_[at_] == '\\' ? EscapeLength(json_.substr(at_)) : 1;
      if (length == 0) return Fail();
      at_ += length;
    }
    if (at_ >= json_.size()) return Fail();
    ++at_;
    return json_.substr(first, at_ - first);
  }

  std::string_view Fail() {
    failed_ = true;
    return "\"\"";
  }

  void Scalar(std::string_view text) { Append(&out_, text, "\n"); }

  void Text(std::string_view quoted) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    out_ += IsPlain(inner) ? inner : quoted;
  }

  void Value(int indent, Place place) {
    if (failed_ || depth_ > kMaxDepth) {
      failed_ = true;
      return;
    }
    const char next = Peek();
    if (next == '{' || next == '[') {
      ++depth_;
      next == '{' ? Object(indent, place) : List(indent, place);
      --depth_;
      return;
    }
    if (place == Place::kMember) out_ += " ";
    if (next == '"') {
      Text(String());
      out_ += "\n";
      return;
    }
    const size_t start = at_;
    while (at_ < json_.size() && (std::isalnum(static_cast<unsigned char>(json_[at_])) ||
                                  json_[at_] == '-' || json_[at_] == '+' || json_[at_] == '.')) {
      ++at_;
    }
    const std::string_view word = json_.substr(start, at_ - start);
    if (word != "true" && word != "false" && word != "null" && !IsNumber(word)) Fail();
    Scalar(word);
  }

  void Empty(Place place, std::string_view text) {
    if (place == Place::kMember) out_ += " ";
    Scalar(text);
  }

  void Object(int indent, Place place) {
    Take('{');
    if (Take('}')) return Empty(place, "{}");
    if (place == Place::kMember) out_ += "\n";
    bool first = true;
    do {
      // The first key of an element stands behind its dash.
      if (!(first && place == Place::kElement)) out_.append(indent, ' ');
      first = false;
      Peek();
      Text(String());
      out_ += ":";
      if (!Take(':')) Fail();
      Value(indent + 2, Place::kMember);
    } while (!failed_ && Take(','));
    if (!Take('}')) Fail();
  }

  void List(int indent, Place place) {
    Take('[');
    if (Take(']')) return Empty(place, "[]");
    if (place == Place::kMember) out_ += "\n";
    bool first = true;
    do {
      if (!(first && place == Place::kElement)) out_.append(indent, ' ');
      first = false;
      out_ += "- ";
      Value(indent + 2, Place::kElement);
    } while (!failed_ && Take(','));
    if (!Take(']')) Fail();
  }

  const std::string_view json_;
  size_t at_ = 0;
  int depth_ = 0;
  bool failed_ = false;
  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> YamlFromJson(std::string_view json) {
  return Converter(json).Convert();
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          absl::StrAppendFormat(&out, "\\u%04x", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

}  // namespace tam::tamctl
