#include "crypto/cbor/diagnostic.h"

#include <charconv>
#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "crypto/cbor/utf8.h"
#include "crypto/text/text.h"

namespace tam::cbor {
namespace {

constexpr int kMaxEmbedded = 8;

// C0, DEL, C1, and marks that change the direction of what follows or end a line.
bool MustEscape(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

std::string QuoteText(std::string_view text) {
  std::string out = "\"";
  Bytes rest = AsBytes(text);
  while (!rest.empty()) {
    const CodePoint point = DecodeUtf8(rest);
    if (point.size == 0) break;  // Cannot be: the parser checked.
    if (point.value == '"' || point.value == '\\') {
      Append(&out, "\\", AsView(rest.first(1)));
    } else if (point.value == '\n') {
      out += "\\n";
    } else if (MustEscape(point.value)) {
      absl::StrAppendFormat(&out, "\\u%04x", point.value);
    } else {
      out += AsView(rest.first(point.size));
    }
    rest.remove_prefix(point.size);
  }
  return out + "\"";
}

std::string FloatName(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[32];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string out(buffer, end.ptr);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string IntegerName(Item item) {
  if (absl::StatusOr<uint64_t> value = item.Uint(); value.ok()) return Concat(*value);
  if (absl::StatusOr<int64_t> value = item.Int(); value.ok()) return Concat(*value);
  // -1 - n, with n of 64 bits.
  uint64_t argument = 0;
  for (uint8_t byte : item.encoded().subspan(1)) argument = argument << 8 | byte;
  if (argument == UINT64_MAX) return "-18446744073709551616";
  return Concat("-", argument + 1);
}

class Writing {
 public:
  explicit Writing(const DiagnosticOptions& options) : options_(options) {}

  void Write(Item item);
  std::string Take() && { return std::move(out_); }

 private:
  void WriteArray(Item item);
  void WriteMap(Item item);
  void WriteBytes(Item item);
  bool WriteEmbedded(Item item, Bytes content);
  void NewLine() {
    if (options_.indent > 0) {
      out_ += "\n" + std::string(level_ * options_.indent, ' ');
    }
  }
  void Separate(bool first) {
    if (!first) out_ += options_.indent > 0 ? "," : ", ";
    NewLine();
  }

  const DiagnosticOptions& options_;
  std::string out_;
  size_t level_ = 0;
  int embedded_ = 0;
};

void Writing::Write(Item item) {
  switch (item.type()) {
    case Type::kUint:
    case Type::kNint:
      out_ += IntegerName(item);
      return;
    case Type::kBytes:
      WriteBytes(item);
      return;
    case Type::kText:
      out_ += QuoteText(*item.Text());
      return;
    case Type::kArray:
      WriteArray(item);
      return;
    case Type::kMap:
      WriteMap(item);
      return;
    case Type::kTag:
      Append(&out_, item.tag(), "(");
      Write(item.at(0));
      out_ += ")";
      return;
    case Type::kBool:
      out_ += *item.Bool() ? "true" : "false";
      return;
    case Type::kNull:
      out_ += "null";
      return;
    case Type::kUndefined:
      out_ += "undefined";
      return;
    case Type::kFloat:
      out_ += FloatName(*item.Float());
      return;
  }
}

void Writing::WriteArray(Item item) {
  out_ += "[";
  ++level_;
  bool first = true;
  for (Item element : item.each()) {
    Separate(first);
    first = false;
    Write(element);
  }
  --level_;
  if (!first) NewLine();
  out_ += "]";
}

void Writing::WriteMap(Item item) {
  out_ += "{";
  ++level_;
  bool first = true;
  for (auto [key, value] : item.each_pair()) {
    Separate(first);
    first = false;
    Write(key);
    out_ += ": ";
    Write(value);
  }
  --level_;
  if (!first) NewLine();
  out_ += "}";
}

void Writing::WriteBytes(Item item) {
  const Bytes content = *item.ByteString();
  if (options_.embedded && embedded_ < kMaxEmbedded && options_.embedded(item) &&
      WriteEmbedded(item, content)) {
    return;
  }
  const bool cut = content.size() > options_.max_bytes_shown;
  const Bytes shown = content.first(cut ? options_.max_bytes_shown : content.size());
  Append(&out_, "h'", absl::BytesToHexString(AbslView(AsView(shown))), cut ? "...'" : "'");
  if (cut) Append(&out_, "/", content.size(), " bytes/");
}

bool Writing::WriteEmbedded(Item item, Bytes content) {
  const absl::StatusOr<Document> inner =
      Document::Parse(content, Limits{.max_bytes = content.size()}, item.path());
  if (!inner.ok()) return false;
  ++embedded_;
  ++level_;
  out_ += "<<";
  NewLine();
  Write(inner->root());
  --level_;
  --embedded_;
  NewLine();
  out_ += ">>";
  return true;
}

}  // namespace

std::string Diagnose(Item item, const DiagnosticOptions& options) {
  Writing writing(options);
  writing.Write(item);
  return std::move(writing).Take();
}

}  // namespace tam::cbor
