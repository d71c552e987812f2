// CBOR as a tree that can be changed into what no encoder writes: maps with a key twice, arrays of
// another length, other types. Byte strings that hold an array, a map or a tag are part of the
// tree.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_CBOR_TREE_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_CBOR_TREE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "crypto/cbor/cbor.h"

namespace tam::conformance {

// A value; no member but those of its type counts.
struct Node {
  cbor::Type type = cbor::Type::kNull;
  uint64_t number = 0;         // kUint; kNint: -1 - number; kTag: the tag; kBool: 0 or 1
  std::string bytes;           // kBytes, kText; of the rest (kFloat, kUndefined) the encoding
  std::vector<Node> children;  // kArray; kMap: key, value, key, value; kTag, and kBytes that holds
                               // CBOR: the one inside
  bool operator==(const Node&) const = default;
};

// Errors of cbor::Document::Parse.
absl::StatusOr<Node> ParseTree(std::string_view bytes);
std::string EncodeTree(const Node& node);

// Itself and everything below it, byte strings' insides included; parents first. Borrows: they are
// void once the tree is changed but for numbers and bytes.
std::vector<Node*> AllNodes(Node& root);

Node UintNode(uint64_t value);
Node BytesNode(std::string value);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_CBOR_TREE_H_
