#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cbor/tree.h"
#include "crypto/text/text.h"

namespace tam::cbor {
namespace {

constexpr size_t kMaxKeyBytesInPath = 32;

// "8..64", "at least 8", "at most 64", "32".
std::string RangeName(size_t min, size_t max) {
  if (min == max) return Concat(min);
  if (max == SIZE_MAX) return Concat("at least ", min);
  if (min == 0) return Concat("at most ", max);
  return Concat(min, "..", max);
}

std::string WantSized(std::string_view what, size_t min, size_t max, std::string_view unit) {
  if (min == 0 && max == SIZE_MAX) return Concat("want ", what);
  return Concat("want ", what, " of ", RangeName(min, max), " ", unit);
}

}  // namespace

std::string_view TypeName(Type type) {
  switch (type) {
    case Type::kUint:
      return "unsigned integer";
    case Type::kNint:
      return "negative integer";
    case Type::kBytes:
      return "byte string";
    case Type::kText:
      return "text string";
    case Type::kArray:
      return "array";
    case Type::kMap:
      return "map";
    case Type::kTag:
      return "tag";
    case Type::kBool:
      return "boolean";
    case Type::kNull:
      return "null";
    case Type::kUndefined:
      return "undefined";
    case Type::kFloat:
      return "float";
  }
  return "unknown type";
}

int Tree::CompareEncoded(uint32_t a, uint32_t b) const {
  const Bytes x = Encoded(a);
  const Bytes y = Encoded(b);
  const int order = std::memcmp(x.data(), y.data(), std::min(x.size(), y.size()));
  if (order != 0 || x.size() == y.size()) return order;
  return x.size() < y.size() ? -1 : 1;
}

void Tree::AppendKey(uint32_t node, std::string& path) const {
  const Node& key = nodes[node];
  if (key.type == Type::kUint) {
    Append(&path, ".", key.value);
  } else if (key.type == Type::kNint && key.value < UINT64_MAX) {
    Append(&path, ".-", key.value + 1);
  } else if (key.type == Type::kText) {
    Append(&path, ".",
           absl::CHexEscape(AbslView(AsView(Content(node)).substr(0, kMaxKeyBytesInPath))));
  } else if (key.type == Type::kBytes) {
    Append(&path, ".h'",
           absl::BytesToHexString(AbslView(AsView(Content(node)).substr(0, kMaxKeyBytesInPath))),
           "'");
  } else {
    Append(&path, ".{", TypeName(key.type), "}");
  }
}

std::string Tree::Path(uint32_t node) const {
  std::string path = root_path;
  uint32_t at = 0;
  while (at != node) {
    const Node& parent = nodes[at];
    uint32_t child = at + 1;
    size_t index = 0;
    while (nodes[child].next <= node) {
      child = nodes[child].next;
      ++index;
    }
    if (parent.type == Type::kArray) {
      Append(&path, "[", index, "]");
    } else if (parent.type == Type::kMap && index % 2 == 0) {
      Append(&path, ".{key ", index / 2, "}");
    } else if (parent.type == Type::kMap) {
      uint32_t key = at + 1;
      while (nodes[key].next != child) key = nodes[key].next;
      AppendKey(key, path);
    }
    at = child;
  }
  return path;
}

Type Item::type() const { return tree_->nodes[node_].type; }
Bytes Item::encoded() const { return tree_->Encoded(node_); }
size_t Item::offset() const { return tree_->nodes[node_].begin; }
std::string Item::path() const { return tree_->Path(node_); }
uint32_t Item::NextSibling() const { return tree_->nodes[node_].next; }

absl::Status Item::Error(std::string_view message) const {
  return ErrorAt(offset(), path(), message);
}

absl::StatusOr<uint64_t> Item::Uint(uint64_t max) const {
  const Node& node = tree_->nodes[node_];
  if (node.type == Type::kUint && node.value <= max) return node.value;
  const std::string want = max == UINT64_MAX ? std::string("want unsigned integer")
                                             : Concat("want unsigned integer of at most ", max);
  if (node.type != Type::kUint) return Error(Concat(want, ", got ", TypeName(node.type)));
  return Error(Concat(want, ", got ", node.value));
}

absl::StatusOr<int64_t> Item::Int() const {
  const Node& node = tree_->nodes[node_];
  if (!is_int()) return Error(Concat("want integer, got ", TypeName(node.type)));
  if (node.value > static_cast<uint64_t>(INT64_MAX)) {
    return Error("want integer of 64 bits with sign, got a larger one");
  }
  const int64_t value = static_cast<int64_t>(node.value);
  return node.type == Type::kUint ? value : -1 - value;
}

absl::StatusOr<Bytes> Item::ByteString(size_t min, size_t max) const {
  const Node& node = tree_->nodes[node_];
  if (node.type == Type::kBytes && node.value >= min && node.value <= max) {
    return tree_->Content(node_);
  }
  const std::string want = WantSized("byte string", min, max, "bytes");
  if (node.type != Type::kBytes) return Error(Concat(want, ", got ", TypeName(node.type)));
  return Error(Concat(want, ", got ", node.value));
}

absl::StatusOr<std::string_view> Item::Text(size_t min, size_t max) const {
  const Node& node = tree_->nodes[node_];
  if (node.type == Type::kText && node.value >= min && node.value <= max) {
    return AsView(tree_->Content(node_));
  }
  const std::string want = WantSized("text string", min, max, "bytes");
  if (node.type != Type::kText) return Error(Concat(want, ", got ", TypeName(node.type)));
  return Error(Concat(want, ", got ", node.value));
}

absl::StatusOr<bool> Item::Bool() const {
  if (is_bool()) return tree_->nodes[node_].value != 0;
  return Error(Concat("want boolean, got ", TypeName(type())));
}

absl::StatusOr<double> Item::Float() const {
  if (is_float()) return std::bit_cast<double>(tree_->nodes[node_].value);
  return Error(Concat("want float, got ", TypeName(type())));
}

absl::Status Item::CheckArray(size_t min, size_t max) const {
  if (is_array() && size() >= min && size() <= max) return absl::OkStatus();
  const std::string want = WantSized("array", min, max, "elements");
  if (!is_array()) return Error(Concat(want, ", got ", TypeName(type())));
  return Error(Concat(want, ", got ", size()));
}

absl::Status Item::CheckMap(size_t min, size_t max) const {
  if (is_map() && size() >= min && size() <= max) return absl::OkStatus();
  const std::string want = WantSized("map", min, max, "pairs");
  if (!is_map()) return Error(Concat(want, ", got ", TypeName(type())));
  return Error(Concat(want, ", got ", size()));
}

size_t Item::size() const {
  const Node& node = tree_->nodes[node_];
  if (node.type == Type::kTag) return 1;
  return node.type == Type::kArray || node.type == Type::kMap ? node.value : 0;
}

Item Item::at(size_t i) const {
  if (is_map() || i >= size()) std::abort();
  uint32_t child = node_ + 1;
  for (; i > 0; --i) child = tree_->nodes[child].next;
  return Item(tree_, child);
}

uint64_t Item::tag() const { return is_tag() ? tree_->nodes[node_].value : 0; }

std::optional<Item> Item::Find(int64_t key) const {
  if (!is_map()) return std::nullopt;
  const Type type = key >= 0 ? Type::kUint : Type::kNint;
  const uint64_t value = static_cast<uint64_t>(key >= 0 ? key : -1 - key);
  uint32_t at = node_ + 1;
  for (size_t left = size(); left > 0; --left) {
    const Node& node = tree_->nodes[at];
    if (node.type == type && node.value == value) return Item(tree_, node.next);
    at = tree_->nodes[node.next].next;
  }
  return std::nullopt;
}

std::optional<Item> Item::Find(std::string_view key) const {
  if (!is_map()) return std::nullopt;
  uint32_t at = node_ + 1;
  for (size_t left = size(); left > 0; --left) {
    const Node& node = tree_->nodes[at];
    if (node.type == Type::kText && AsView(tree_->Content(at)) == key) {
      return Item(tree_, node.next);
    }
    at = tree_->nodes[node.next].next;
  }
  return std::nullopt;
}

absl::StatusOr<Item> Item::Get(int64_t key) const {
  if (std::optional<Item> found = Find(key)) return *found;
  if (absl::Status status = CheckMap(); !status.ok()) return status;
  return ErrorAt(offset(), Concat(path(), ".", key), "missing");
}

absl::StatusOr<Item> Item::Get(std::string_view key) const {
  if (std::optional<Item> found = Find(key)) return *found;
  if (absl::Status status = CheckMap(); !status.ok()) return status;
  return ErrorAt(offset(), Concat(path(), ".", key), "missing");
}

ItemRange Item::each() const { return ItemRange(Item(tree_, node_ + 1), is_array() ? size() : 0); }

PairRange Item::each_pair() const {
  return PairRange(Item(tree_, node_ + 1), is_map() ? size() : 0);
}

std::vector<Item> Item::elements() const {
  std::vector<Item> out;
  out.reserve(is_array() ? size() : 0);
  for (Item element : each()) out.push_back(element);
  return out;
}

std::vector<std::pair<Item, Item>> Item::entries() const {
  std::vector<std::pair<Item, Item>> out;
  out.reserve(is_map() ? size() : 0);
  for (std::pair<Item, Item> pair : each_pair()) out.push_back(pair);
  return out;
}

ItemRange::iterator& ItemRange::iterator::operator++() {
  item_ = Item(item_.tree_, item_.NextSibling());
  --left_;
  return *this;
}

std::pair<Item, Item> PairRange::iterator::operator*() const {
  return {key_, Item(key_.tree_, key_.NextSibling())};
}

PairRange::iterator& PairRange::iterator::operator++() {
  key_ = Item(key_.tree_, Item(key_.tree_, key_.NextSibling()).NextSibling());
  --left_;
  return *this;
}

}  // namespace tam::cbor
