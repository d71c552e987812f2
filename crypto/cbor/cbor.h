// Strict CBOR: one item, parsed in place.
//
// Accepts the deterministic subset of RFC 8949 that TEEP, SUIT, COSE and EAT use (section 4.2.1:
// shortest heads, definite lengths) and refuses everything else: trailing bytes, duplicate map
// keys, invalid UTF-8, simple values other than false, true, null and undefined, floats not in
// their shortest form (the one NaN is f97e00), bignum tags (2 and 3), excess depth, size or item
// count. Map order is not required (TEEP options come unsorted), but `Limits::require_sorted_maps`
// asks for it.
//
//   item  = uint / nint / bstr / tstr / array / map / tag / simple / float
//
// A Document borrows the bytes it was parsed from: they must outlive it and every Item of it. Items
// borrow from the Document and stay valid when it is moved.
// Parsing never allocates from a declared length: memory is bounded by Limits::max_items nodes.
// Documents and Items are immutable after Parse and safe to read from many threads.
#ifndef TAMARACK_CRYPTO_CBOR_CBOR_H_
#define TAMARACK_CRYPTO_CBOR_CBOR_H_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tam::cbor {

using Bytes = absl::Span<const uint8_t>;

enum class Type : uint8_t {
  kUint,
  kNint,  // -1 - n
  kBytes,
  kText,
  kArray,
  kMap,
  kTag,
  kBool,
  kNull,
  kUndefined,
  kFloat,
};

// "unsigned integer", "byte string", ... for messages.
std::string_view TypeName(Type type);

struct Limits {
  size_t max_bytes = 1 << 20;  // bytes of input; never more than 4 GiB - 1
  size_t max_depth = 16;       // nested arrays, maps and tags
  size_t max_items = 1 << 16;  // nodes in the document
  bool require_sorted_maps = false;
};

struct Tree;  // internal, tree.h
class ItemRange;
class PairRange;

// A view of one item. Cheap to copy; borrows from its Document.
class Item {
 public:
  Type type() const;
  // The item's own bytes, head included. What signatures and digests are computed over.
  Bytes encoded() const;
  // Offset of the item's head from the start of the input, in bytes.
  size_t offset() const;
  // "$.2[3].19": where the item stands, for error messages. Tags add nothing. Walks the document.
  std::string path() const;
  // InvalidArgument "offset N, path: message", for checks that the reader makes itself.
  absl::Status Error(std::string_view message) const;

  // Each returns InvalidArgument "offset N, path: want X, got Y" when the item has another type or
  // range.
  absl::StatusOr<uint64_t> Uint(uint64_t max = UINT64_MAX) const;
  // kUint or kNint that fits int64_t.
  absl::StatusOr<int64_t> Int() const;
  absl::StatusOr<Bytes> ByteString(size_t min = 0, size_t max = SIZE_MAX) const;
  absl::StatusOr<std::string_view> Text(size_t min = 0, size_t max = SIZE_MAX) const;
  absl::StatusOr<bool> Bool() const;
  absl::StatusOr<double> Float() const;
  // OK when this is an array (map) of min..max entries.
  absl::Status CheckArray(size_t min = 0, size_t max = SIZE_MAX) const;
  absl::Status CheckMap(size_t min = 0, size_t max = SIZE_MAX) const;

  bool is_uint() const { return type() == Type::kUint; }
  bool is_int() const { return type() == Type::kUint || type() == Type::kNint; }
  bool is_bytes() const { return type() == Type::kBytes; }
  bool is_text() const { return type() == Type::kText; }
  bool is_array() const { return type() == Type::kArray; }
  bool is_map() const { return type() == Type::kMap; }
  bool is_tag() const { return type() == Type::kTag; }
  bool is_bool() const { return type() == Type::kBool; }
  bool is_null() const { return type() == Type::kNull; }
  bool is_float() const { return type() == Type::kFloat; }

  // Array elements, map pairs, or 1 for a tag; 0 otherwise.
  size_t size() const;
  // Array element i < size(), or the tagged item for a tag (i = 0); aborts otherwise. Walks i
  // siblings: to see all of them, iterate.
  Item at(size_t i) const;
  uint64_t tag() const;  // of a kTag item; 0 otherwise

  // Map access by key; nullopt when the key is absent or this is no map.
  std::optional<Item> Find(int64_t key) const;
  std::optional<Item> Find(std::string_view key) const;
  // InvalidArgument "offset N, path.key: missing" when absent or when this is no map.
  absl::StatusOr<Item> Get(int64_t key) const;
  absl::StatusOr<Item> Get(std::string_view key) const;

  // Without allocation: for (Item e : array.each()); for (auto [k, v] : map.each_pair()).
  // Empty when this is no array (map).
  ItemRange each() const;
  PairRange each_pair() const;
  // The same as vectors, for random access.
  std::vector<Item> elements() const;
  std::vector<std::pair<Item, Item>> entries() const;

 private:
  friend class Document;
  friend class ItemRange;
  friend class PairRange;
  Item(const Tree* tree, uint32_t node) : tree_(tree), node_(node) {}
  uint32_t NextSibling() const;
  const Tree* tree_;
  uint32_t node_;
};

// Elements of an array in order.
class ItemRange {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item*;
    using reference = Item;
    iterator(Item item, size_t left) : item_(item), left_(left) {}
    Item operator*() const { return item_; }
    iterator& operator++();
    bool operator==(const iterator& other) const { return left_ == other.left_; }

   private:
    Item item_;
    size_t left_;
  };
  iterator begin() const { return iterator(first_, count_); }
  iterator end() const { return iterator(first_, 0); }

 private:
  friend class Item;
  ItemRange(Item first, size_t count) : first_(first), count_(count) {}
  Item first_;
  size_t count_;
};

// Pairs of a map, in the order of the input.
class PairRange {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::pair<Item, Item>;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = value_type;
    iterator(Item key, size_t left) : key_(key), left_(left) {}
    std::pair<Item, Item> operator*() const;
    iterator& operator++();
    bool operator==(const iterator& other) const { return left_ == other.left_; }

   private:
    Item key_;
    size_t left_;
  };
  iterator begin() const { return iterator(first_, count_); }
  iterator end() const { return iterator(first_, 0); }

 private:
  friend class Item;
  PairRange(Item first, size_t count) : first_(first), count_(count) {}
  Item first_;
  size_t count_;
};

class Document {
 public:
  // InvalidArgument "offset N, path: reason" on anything that is not exactly one strict item.
  // `root_path` starts the paths in messages ("query-response").
  static absl::StatusOr<Document> Parse(Bytes bytes, const Limits& limits = Limits(),
                                        std::string_view root_path = "$");

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  // Borrows from this Document.
  Item root() const;

 private:
  explicit Document(std::unique_ptr<const Tree> tree);
  std::unique_ptr<const Tree> tree_;
};

// Writes deterministic CBOR (RFC 8949 section 4.2.1). Not thread safe.
//
//   Writer w;
//   w.Array(2); w.Uint(1); w.Text("x");
//   std::string bytes = std::move(w).Take();
class Writer {
 public:
  Writer& Uint(uint64_t value);
  Writer& Int(int64_t value);
  Writer& ByteString(Bytes value);
  Writer& ByteString(std::string_view value);
  Writer& Text(std::string_view value);
  Writer& Array(size_t count);
  Writer& Tag(uint64_t tag);
  Writer& Bool(bool value);
  Writer& Null();
  // Already encoded bytes of exactly one item (not checked).
  Writer& Raw(std::string_view encoded);
  // Head of a map of `count` pairs whose keys the caller writes in deterministic order. Prefer Map.
  Writer& MapHead(size_t count);

  const std::string& bytes() const { return out_; }
  std::string Take() && { return std::move(out_); }

 private:
  void Head(uint8_t major, uint64_t value);
  std::string out_;
};

// Collects pairs and writes them sorted by their encoded key; a key set twice keeps the last value.
class MapBuilder {
 public:
  MapBuilder& Set(int64_t key, Writer value);
  MapBuilder& Set(std::string_view key, Writer value);
  MapBuilder& SetRaw(std::string encoded_key, std::string encoded_value);
  bool empty() const { return pairs_.empty(); }
  size_t size() const { return pairs_.size(); }
  void WriteTo(Writer& writer) const;
  std::string Encode() const;

 private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

// Conversions between byte views. std::string holds owned bytes throughout the project.
inline Bytes AsBytes(std::string_view s) {
  return Bytes(reinterpret_cast<const uint8_t*>(s.data()), s.size());
}
inline std::string_view AsView(Bytes b) {
  return std::string_view(reinterpret_cast<const char*>(b.data()), b.size());
}
inline std::string AsString(Bytes b) { return std::string(AsView(b)); }

}  // namespace tam::cbor

#endif  // TAMARACK_CRYPTO_CBOR_CBOR_H_
