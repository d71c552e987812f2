#include <cctype>

#include "crypto/text/text.h"
#include "teep/eat/eat.h"

namespace tam::eat {
namespace {

constexpr size_t kMaxLength = 512;

absl::Status Invalid(std::string_view reason) {
  return absl::InvalidArgumentError(Concat("media type: ", reason));
}

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string Lowered(std::string_view text) {
  std::string out;
  for (char c : text) out += Lower(c);
  return out;
}

// tchar of RFC 9110 section 5.6.2.
bool IsTokenChar(char c) {
  if ((c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// What an unquoted value may hold here: visible ASCII except the delimiters of parameters.
bool IsLooseValueChar(char c) { return c > 0x20 && c < 0x7f && c != '"' && c != ';' && c != '\\'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void SkipSpace() {
    while (!text_.empty() && (text_.front() == ' ' || text_.front() == '\t')) {
      text_.remove_prefix(1);
    }
  }
  std::string_view TakeWhile(bool (*accept)(char)) {
    size_t size = 0;
    while (size < text_.size() && accept(text_[size])) ++size;
    const std::string_view taken = text_.substr(0, size);
    text_.remove_prefix(size);
    return taken;
  }
  // quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE, the opening quote already taken.
  bool TakeQuoted(std::string& out) {
    while (!text_.empty()) {
      char c = text_.front();
      text_.remove_prefix(1);
      if (c == '"') return true;
      if (c == '\\') {
        if (text_.empty()) return false;
        c = text_.front();
        text_.remove_prefix(1);
      }
      if (static_cast<uint8_t>(c) < 0x20 && c != '\t') return false;
      if (c == 0x7f) return false;
      out += c;
    }
    return false;
  }

 private:
  std::string_view text_;
};

// parameter = token "=" ( token / quoted-string )
absl::Status ReadParameter(Scanner& in, MediaType& out) {
  const std::string name = Lowered(in.TakeWhile(IsTokenChar));
  if (name.empty()) return Invalid("want a parameter name after ';'");
  if (!in.Take('=')) return Invalid(Concat("want '=' after ", name));
  std::string value;
  if (in.Take('"')) {
    if (!in.TakeQuoted(value)) return Invalid(Concat("unterminated value of ", name));
  } else {
    value = std::string(in.TakeWhile(IsLooseValueChar));
    if (value.empty()) return Invalid(Concat("want a value of ", name));
  }
  if (!out.parameters.emplace(name, std::move(value)).second) {
    return Invalid(Concat("parameter ", name, " twice"));
  }
  return absl::OkStatus();
}

}  // namespace

// media-type = type "/" subtype *( OWS ";" OWS [ parameter ] )
absl::StatusOr<MediaType> ParseMediaType(std::string_view text) {
  if (text.size() > kMaxLength) return Invalid(Concat("want at most ", kMaxLength, " bytes"));
  Scanner in(text);
  in.SkipSpace();
  MediaType out;
  out.type = Lowered(in.TakeWhile(IsTokenChar));
  if (out.type.empty() || !in.Take('/')) return Invalid("want type/subtype");
  out.subtype = Lowered(in.TakeWhile(IsTokenChar));
  if (out.subtype.empty()) return Invalid("want type/subtype");
  for (in.SkipSpace(); !in.done(); in.SkipSpace()) {
    if (!in.Take(';')) return Invalid("want ';' before a parameter");
    in.SkipSpace();
    if (in.done()) break;
    if (auto s = ReadParameter(in, out); !s.ok()) return s;
  }
  return out;
}

std::string FormatMediaType(const MediaType& media_type) {
  std::string out = media_type.essence();
  for (const auto& [name, value] : media_type.parameters) {
    bool token = !value.empty();
    std::string escaped;
    for (char c : value) {
      token = token && IsTokenChar(c);
      if (c == '"' || c == '\\') escaped += '\\';
      escaped += c;
    }
    Append(&out, "; ", name, "=", token ? value : Concat("\"", escaped, "\""));
  }
  return out;
}

PayloadKind ClassifyPayload(const std::optional<std::string>& format,
                            const std::vector<std::string>& teep_profiles) {
  if (!format.has_value()) return PayloadKind::kAttestationResult;
  auto media_type = ParseMediaType(*format);
  if (!media_type.ok() || media_type->essence() != "application/eat+cwt" ||
      media_type->parameters.size() != 1) {
    return PayloadKind::kEvidence;
  }
  const auto profile = media_type->parameters.find("eat_profile");
  if (profile == media_type->parameters.end()) return PayloadKind::kEvidence;
  for (const std::string& accepted : teep_profiles) {
    if (profile->second == accepted) return PayloadKind::kAttestationResult;
  }
  return PayloadKind::kEvidence;
}

}  // namespace tam::eat
