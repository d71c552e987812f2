#include "tools/tamctl/inspect/annotate.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "crypto/cbor/diagnostic.h"
#include "crypto/text/text.h"
#include "crypto/x509/chain.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect {
namespace {

constexpr int kMaxNesting = 12;
constexpr size_t kLineLimit = 72;

bool IsPrintable(cbor::Bytes bytes) {
  return !bytes.empty() && std::all_of(bytes.begin(), bytes.end(), [](uint8_t c) {
    return c >= 0x20 && c < 0x7f && c != '\'' && c != '\\';
  });
}

bool NamesNothing(const Shape& shape) {
  return shape.members.empty() && shape.elements.empty() && shape.rest.shape == nullptr &&
         shape.text_members == nullptr && shape.array_members == nullptr &&
         shape.other_members == nullptr && shape.content == nullptr &&
         shape.style == Shape::Style::kPlain;
}

// A comment cannot hold a slash.
std::string Comment(std::string_view text) {
  if (text.empty()) return "";
  std::string comment = Concat(" / ", text, " /");
  std::replace(comment.begin() + 3, comment.end() - 2, '/', '|');
  return comment;
}

class Annotator {
 public:
  Annotator(cbor::Bytes file, const AnnotateOptions& options) : file_(file), options_(options) {}

  void Value(const cbor::Item& item, const Shape& shape, const std::string& path, int indent) {
    result_.places.push_back({path, static_cast<size_t>(item.encoded().data() - file_.data())});
    if (item.is_tag()) {
      Append(&out(), item.tag(), "(");
      Value(item.at(0), shape, path, indent);
      out() += ")";
    } else if (item.is_bytes()) {
      ByteString(item, shape, path, indent);
    } else if (item.is_map()) {
      Map(item, shape, path, indent);
    } else if (item.is_array()) {
      Array(item, shape, path, indent);
    } else {
      Leaf(item, shape);
    }
  }

  Annotated Take() && { return std::move(result_); }

 private:
  std::string& out() { return result_.text; }

  std::string OneLine(const cbor::Item& item) const {
    return cbor::Diagnose(item, {.max_bytes_shown = options_.max_bytes_shown});
  }

  void Leaf(const cbor::Item& item, const Shape& shape) {
    out() += OneLine(item);
    const absl::StatusOr<int64_t> number = item.Int();
    if (!number.ok()) return;
    if (shape.number_name != nullptr) out() += Comment(shape.number_name(*number));
    if (shape.style == Shape::Style::kTime) {
      out() += Comment(absl::FormatTime(absl::FromUnixSeconds(*number), absl::UTCTimeZone()));
    }
  }

  void ByteString(const cbor::Item& item, const Shape& shape, const std::string& path, int indent) {
    const cbor::Bytes bytes = *item.ByteString();
    if (shape.style == Shape::Style::kSecret) {
      Append(&out(), "h''", Comment(Concat("secret, ", bytes.size(), " bytes, not shown")));
      return;
    }
    if (shape.style == Shape::Style::kCertificate) {
      out() += OneLine(item);
      const auto text = x509::DescribeCertificate(cbor::AsView(bytes));
      if (text.ok()) out() += Comment(*text);
      return;
    }
    if (shape.content != nullptr && !bytes.empty() && nesting_ < kMaxNesting) {
      const auto document = cbor::Document::Parse(bytes, FileLimits());
      if (document.ok()) {
        ++nesting_;
        out() += "<< ";
        Value(document->root(), shape.content(document->root()), path, indent);
        out() += " >>";
        --nesting_;
        return;
      }
    }
    out() += OneLine(item);
  }

  cbor::Limits FileLimits() const {
    cbor::Limits limits;
    limits.max_bytes = std::max(limits.max_bytes, file_.size());
    return limits;
  }

  void Line(int indent) { Append(&out(), "\n", std::string(indent, ' ')); }

  void Map(const cbor::Item& item, const Shape& shape, const std::string& path, int indent) {
    if (item.size() == 0 || Inline(item, shape)) {
      out() += OneLine(item);
      return;
    }
    out() += "{";
    size_t left = item.size();
    for (auto [key, value] : item.each_pair()) {
      Line(indent + 2);
      Pair(key, value, shape, path, indent + 2);
      if (--left > 0) out() += ",";
    }
    Line(indent);
    out() += "}";
  }

  void Pair(const cbor::Item& key, const cbor::Item& value, const Shape& shape,
            const std::string& path, int indent) {
    const absl::StatusOr<int64_t> label = key.Int();
    const Member* member = label.ok() ? shape.FindMember(*label) : nullptr;
    ShapeOf value_shape = member != nullptr ? member->shape : ShapeUnder(key, shape);
    std::string name = OneLine(key);
    if (key.is_text()) name = name.substr(1, name.size() - 2);  // escaped, without its quotes
    if (member != nullptr && !member->name.empty()) {
      name = std::string(member->name);
      Append(&out(), "/ ", name, " / ");
    }
    if (key.is_array() && shape.array_members != nullptr) {
      ComponentId(key);
    } else {
      out() += OneLine(key);
    }
    out() += ": ";
    Value(value, value_shape(value), Concat(path, ".", name), indent);
  }

  // Of a value whose key is no member's label.
  static ShapeOf ShapeUnder(const cbor::Item& key, const Shape& shape) {
    const ShapeOf found = key.is_text()    ? shape.text_members
                          : key.is_array() ? shape.array_members
                          : key.is_int()   ? shape.other_members
                                           : nullptr;
    return found == nullptr ? shapes::Plain : found;
  }

  bool Inline(const cbor::Item& item, const Shape& shape) const {
    return NamesNothing(shape) && item.encoded().size() <= kLineLimit / 2 &&
           OneLine(item).size() <= kLineLimit;
  }

  void Array(const cbor::Item& item, const Shape& shape, const std::string& path, int indent) {
    if (shape.style == Shape::Style::kCommands) return Commands(item, path, indent);
    if (shape.style == Shape::Style::kComponentId) return ComponentId(item);
    if (item.size() == 0 || Inline(item, shape)) {
      out() += OneLine(item);
      return;
    }
    out() += "[";
    const bool short_line = IsShort(item);
    size_t i = 0;
    for (const cbor::Item element : item.each()) {
      const Element& e = i < shape.elements.size() ? shape.elements[i] : shape.rest;
      if (!short_line) {
        Line(indent + 2);
      } else if (i > 0) {
        out() += " ";
      }
      if (!e.name.empty()) Append(&out(), "/ ", e.name, " / ");
      const bool numbered = e.name.empty() || i >= shape.elements.size();
      const std::string inner =
          numbered
              ? Concat(path, "[", i - shape.elements.size() * (i >= shape.elements.size()), "]")
              : Concat(path, ".", e.name);
      Value(element, e.shape == nullptr ? shapes::Plain(element) : e.shape(element), inner,
            indent + 2);
      if (++i < item.size()) out() += ",";
    }
    if (!short_line) Line(indent);
    out() += "]";
  }

  // A few numbers, with their names, stay on one line.
  static bool IsShort(const cbor::Item& item) {
    if (item.size() > 4) return false;
    for (const cbor::Item element : item.each()) {
      if (!element.is_int()) return false;
    }
    return true;
  }

  void ComponentId(const cbor::Item& item) {
    out() += "[";
    bool first = true;
    for (const cbor::Item element : item.each()) {
      if (!first) out() += ", ";
      first = false;
      if (element.is_bytes() && IsPrintable(*element.ByteString())) {
        Append(&out(), "'", cbor::AsView(*element.ByteString()), "'");
      } else {
        out() += OneLine(element);
      }
    }
    out() += "]";
  }

  // One command a line: its code, named, and its argument.
  void Commands(const cbor::Item& item, const std::string& path, int indent) {
    const std::vector<cbor::Item> elements = item.elements();
    out() += "[";
    for (size_t i = 0; i < elements.size(); ++i) {
      const bool is_code = i % 2 == 0;
      if (is_code) Line(indent + 2);
      const cbor::Item& code = elements[i - i % 2];
      const Member* command = shapes::CommandArguments().FindMember(code.Int().value_or(0));
      const std::string inner = Concat(path, "[", i, "]");
      if (is_code) {
        if (command != nullptr) Append(&out(), "/ ", command->name, " / ");
        Value(elements[i], shapes::Plain(elements[i]), inner, indent + 2);
      } else {
        out() += " ";
        const ShapeOf argument = command == nullptr ? shapes::Plain : command->shape;
        Value(elements[i], argument(elements[i]), inner, indent + 2);
      }
      if (i + 1 < elements.size()) out() += ",";
    }
    Line(indent);
    out() += "]";
  }

  const cbor::Bytes file_;
  const AnnotateOptions options_;
  Annotated result_;
  int nesting_ = 0;
};

// "a.b[2].c" -> {"a", "b", "2", "c"}
std::vector<std::string> Segments(std::string_view path) {
  std::vector<std::string> segments(1);
  for (const char c : path) {
    if (c == '.' || c == '[') {
      segments.emplace_back();
    } else if (c != ']') {
      segments.back() += c;
    }
  }
  return segments;
}

// Whether `wanted` can be had from `path` by leaving segments out, the last one staying.
bool Matches(const std::vector<std::string>& path, const std::vector<std::string>& wanted) {
  if (path.back() != wanted.back()) return false;
  size_t found = 0;
  for (const std::string& segment : path) {
    if (found < wanted.size() && segment == wanted[found]) ++found;
  }
  return found == wanted.size();
}

}  // namespace

Annotated Annotate(const cbor::Item& item, ShapeOf shape, std::string_view root_path,
                   cbor::Bytes file, const AnnotateOptions& options) {
  Annotator annotator(file, options);
  annotator.Value(item, shape(item), std::string(root_path), 0);
  return std::move(annotator).Take();
}

size_t FindOffset(const std::vector<Place>& places, std::string_view path) {
  if (path.empty()) return SIZE_MAX;
  // The message's root may have another name than ours.
  for (std::vector<std::string> wanted = Segments(path); !wanted.empty();
       wanted.erase(wanted.begin())) {
    for (const Place& place : places) {
      if (Matches(Segments(place.path), wanted)) return place.offset;
    }
  }
  return SIZE_MAX;
}

}  // namespace tam::inspect
