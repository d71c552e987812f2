#include "tests/conformance/mutated/mutator.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace tam::conformance {
namespace {

using cbor::Type;

// Around every bound that drafts, databases and integer types have.
constexpr size_t kLengths[] = {0,  1,  7,   8,   9,   31,  32,  33,  63,
                               64, 65, 127, 128, 129, 512, 513, 4097};
constexpr uint64_t kNumbers[] = {0,          1,
                                 2,          3,
                                 23,         24,
                                 255,        256,
                                 65535,      65536,
                                 UINT32_MAX, uint64_t{UINT32_MAX} + 1,
                                 INT64_MAX,  uint64_t{INT64_MAX} + 1,
                                 UINT64_MAX};

bool IsInteger(const Node& node) { return node.type == Type::kUint || node.type == Type::kNint; }
bool IsString(const Node& node) { return node.type == Type::kBytes || node.type == Type::kText; }
bool IsList(const Node& node) { return node.type == Type::kArray || node.type == Type::kMap; }
// Children that go together.
size_t Width(const Node& node) { return node.type == Type::kMap ? 2 : 1; }

template <typename Predicate>
Node* Pick(Node& root, Random& random, Predicate predicate) {
  std::vector<Node*> fitting;
  for (Node* node : AllNodes(root)) {
    if (predicate(*node)) fitting.push_back(node);
  }
  return fitting.empty() ? nullptr : OneOf(random, fitting);
}

bool Drop(Node& root, Random& random) {
  Node* list = Pick(root, random, [](const Node& n) { return IsList(n) && !n.children.empty(); });
  if (list == nullptr) return false;
  const size_t width = Width(*list);
  const auto first = list->children.begin() +
                     static_cast<ptrdiff_t>(width * Below(random, list->children.size() / width));
  list->children.erase(first, first + static_cast<ptrdiff_t>(width));
  return true;
}

bool Duplicate(Node& root, Random& random) {
  Node* list = Pick(root, random, [](const Node& n) { return IsList(n) && !n.children.empty(); });
  if (list == nullptr) return false;
  const size_t width = Width(*list);
  const size_t from = width * Below(random, list->children.size() / width);
  for (size_t i = 0; i < width; ++i) {
    Node copy = list->children[from + i];
    list->children.push_back(std::move(copy));
  }
  return true;
}

bool Swap(Node& root, Random& random) {
  Node* list = Pick(root, random,
                    [](const Node& n) { return IsList(n) && n.children.size() / Width(n) > 1; });
  if (list == nullptr) return false;
  const size_t width = Width(*list);
  const size_t count = list->children.size() / width;
  const size_t a = Below(random, count);
  const size_t b = (a + 1 + Below(random, count - 1)) % count;
  std::swap(list->children[a * width + width - 1], list->children[b * width + width - 1]);
  return true;
}

bool Retype(Node& root, Random& random) {
  const std::vector<Node*> all = AllNodes(root);
  Node& node = *all[Below(random, all.size())];
  constexpr Type kTypes[] = {Type::kUint, Type::kNint, Type::kBytes, Type::kText, Type::kArray,
                             Type::kMap,  Type::kTag,  Type::kBool,  Type::kNull};
  Type type = node.type;
  while (type == node.type) type = kTypes[Below(random, std::size(kTypes))];
  Node changed;
  changed.type = type;
  changed.number = node.number & 0xff;
  // What stays of a text must be UTF-8, or nothing but that is tested.
  changed.bytes = type == Type::kText ? std::string(node.bytes.size(), 'x') : node.bytes;
  if (type == Type::kTag) changed.children.push_back(node);
  if (type == Type::kArray || type == Type::kMap) changed.children.assign(Width(changed), node);
  node = std::move(changed);
  return true;
}

void ResizeList(Node& list, size_t count) {
  const size_t width = Width(list);
  const std::vector<Node> pattern = list.children;
  list.children.resize(std::min(list.children.size(), count * width));
  for (size_t i = 0; !pattern.empty() && list.children.size() < count * width; ++i) {
    list.children.push_back(pattern[i % pattern.size()]);
  }
}

bool Resize(Node& root, Random& random) {
  Node* node =
      Pick(root, random, [](const Node& n) { return IsInteger(n) || IsString(n) || IsList(n); });
  if (node == nullptr) return false;
  if (IsInteger(*node)) {
    const uint64_t limit = node->type == Type::kNint ? uint64_t{INT64_MAX} : UINT64_MAX;
    node->number = std::min(kNumbers[Below(random, std::size(kNumbers))], limit);
    return true;
  }
  const size_t length = kLengths[Below(random, std::size(kLengths))];
  if (IsString(*node)) {
    if (!node->children.empty()) node->bytes = EncodeTree(node->children[0]);
    node->children.clear();
    node->bytes.resize(length, 'x');
  } else {
    ResizeList(*node, std::min<size_t>(length, 129));
  }
  return true;
}

bool Renumber(Node& root, Random& random) {
  // The type of the message stands in front of its options.
  if (root.type == Type::kArray && !root.children.empty() && Below(random, 4) == 0) {
    root.children[0] = UintNode(Below(random, 8));
    return true;
  }
  Node* map = Pick(root, random,
                   [](const Node& n) { return n.type == Type::kMap && n.children.size() > 1; });
  if (map == nullptr) return false;
  Node& label = map->children[2 * Below(random, map->children.size() / 2)];
  label = UintNode(Below(random, 2) == 0 ? Below(random, 30) : label.number + 1);
  return true;
}

}  // namespace

std::string_view FieldChangeName(FieldChange change) {
  switch (change) {
    case FieldChange::kDrop:
      return "drop";
    case FieldChange::kDuplicate:
      return "duplicate";
    case FieldChange::kSwap:
      return "swap";
    case FieldChange::kRetype:
      return "retype";
    case FieldChange::kResize:
      return "resize";
    case FieldChange::kRenumber:
      return "renumber";
  }
  return "";
}

bool ChangeField(Node& root, FieldChange change, Random& random) {
  switch (change) {
    case FieldChange::kDrop:
      return Drop(root, random);
    case FieldChange::kDuplicate:
      return Duplicate(root, random);
    case FieldChange::kSwap:
      return Swap(root, random);
    case FieldChange::kRetype:
      return Retype(root, random);
    case FieldChange::kResize:
      return Resize(root, random);
    case FieldChange::kRenumber:
      return Renumber(root, random);
  }
  return false;
}

void FlipBit(std::string& bytes, Random& random) {
  const size_t bit = Below(random, bytes.size() * 8);
  bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
}

}  // namespace tam::conformance
