#include "tests/conformance/mutated/cbor_tree.h"

#include <utility>

namespace tam::conformance {
namespace {

using cbor::Item;
using cbor::Type;

// A short byte string that happens to be CBOR is more likely a digest or a token.
constexpr size_t kLeastInside = 12;

Node FromItem(Item item);

Node FromBytes(Item item) {
  Node node = BytesNode(cbor::AsString(*item.ByteString()));
  if (node.bytes.size() < kLeastInside) return node;
  const auto inside = cbor::Document::Parse(cbor::AsBytes(node.bytes));
  if (!inside.ok()) return node;
  const Item root = inside->root();
  if (root.is_array() || root.is_map() || root.is_tag()) node.children.push_back(FromItem(root));
  return node;
}

Node FromItem(Item item) {
  if (item.is_bytes()) return FromBytes(item);
  Node node;
  node.type = item.type();
  switch (item.type()) {
    case Type::kUint:
      node.number = *item.Uint();
      break;
    case Type::kNint:
      node.number = static_cast<uint64_t>(-1 - *item.Int());
      break;
    case Type::kText:
      node.bytes = std::string(*item.Text());
      break;
    case Type::kBool:
      node.number = *item.Bool() ? 1 : 0;
      break;
    case Type::kTag:
      node.number = item.tag();
      node.children.push_back(FromItem(item.at(0)));
      break;
    case Type::kArray:
      for (Item element : item.each()) node.children.push_back(FromItem(element));
      break;
    case Type::kMap:
      for (auto [key, value] : item.each_pair()) {
        node.children.push_back(FromItem(key));
        node.children.push_back(FromItem(value));
      }
      break;
    default:
      node.bytes = cbor::AsString(item.encoded());
  }
  return node;
}

void Write(const Node& node, cbor::Writer& out) {
  switch (node.type) {
    case Type::kUint:
      out.Uint(node.number);
      return;
    case Type::kNint:
      out.Int(-1 - static_cast<int64_t>(node.number));
      return;
    case Type::kBytes:
      out.ByteString(node.children.empty() ? node.bytes : EncodeTree(node.children[0]));
      return;
    case Type::kText:
      out.Text(node.bytes);
      return;
    case Type::kBool:
      out.Bool(node.number != 0);
      return;
    case Type::kNull:
      out.Null();
      return;
    case Type::kTag:
      out.Tag(node.number);
      break;
    case Type::kArray:
      out.Array(node.children.size());
      break;
    case Type::kMap:
      out.MapHead(node.children.size() / 2);
      break;
    default:
      out.Raw(node.bytes);
      return;
  }
  for (const Node& child : node.children) Write(child, out);
}

void Collect(Node& node, std::vector<Node*>& all) {
  all.push_back(&node);
  for (Node& child : node.children) Collect(child, all);
}

}  // namespace

absl::StatusOr<Node> ParseTree(std::string_view bytes) {
  const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
  if (!document.ok()) return document.status();
  return FromItem(document->root());
}

std::string EncodeTree(const Node& node) {
  cbor::Writer out;
  Write(node, out);
  return std::move(out).Take();
}

std::vector<Node*> AllNodes(Node& root) {
  std::vector<Node*> all;
  Collect(root, all);
  return all;
}

Node UintNode(uint64_t value) {
  Node node;
  node.type = Type::kUint;
  node.number = value;
  return node;
}

Node BytesNode(std::string value) {
  Node node;
  node.type = Type::kBytes;
  node.bytes = std::move(value);
  return node;
}

}  // namespace tam::conformance
