// What a Document holds: its items as one flat vector in the order of the input. Internal to
// crypto/cbor.
#ifndef TAMARACK_CRYPTO_CBOR_TREE_H_
#define TAMARACK_CRYPTO_CBOR_TREE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"

namespace tam::cbor {

// The children of a container follow it; `next` skips them.
struct Node {
  // kUint, kNint: argument. kBytes, kText: length. kArray: elements. kMap: pairs. kTag: number.
  // kBool: 0 or 1. kFloat: bits of the double.
  uint64_t value;
  uint32_t begin;  // offset of the head
  uint32_t end;    // offset behind the item, children included
  uint32_t next;   // index of the first node that is not inside this one
  Type type;
  uint8_t head_bytes;  // content of a string starts at begin + head_bytes
};

struct Tree {
  Bytes bytes;
  std::string root_path;
  std::vector<Node> nodes;

  Bytes Encoded(uint32_t node) const {
    return bytes.subspan(nodes[node].begin, nodes[node].end - nodes[node].begin);
  }
  Bytes Content(uint32_t node) const {
    return bytes.subspan(nodes[node].begin + nodes[node].head_bytes, nodes[node].value);
  }
  // Bytewise order of the encodings (RFC 8949 section 4.2.1): negative, zero or positive.
  int CompareEncoded(uint32_t a, uint32_t b) const;
  // Appends ".19", ".name" or ".h'00ff'" for the map key `node`.
  void AppendKey(uint32_t node, std::string& path) const;
  std::string Path(uint32_t node) const;
};

// "offset N, path: message"
absl::Status ErrorAt(size_t offset, std::string_view path, std::string_view message);

}  // namespace tam::cbor

#endif  // TAMARACK_CRYPTO_CBOR_TREE_H_
