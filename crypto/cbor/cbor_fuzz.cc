// decode(encode(decode(x))) == decode(x): whatever parses is written again, must be the same bytes
// (the input is in the one deterministic form but for the order of its maps, which is kept), and
// must parse when its maps are sorted. Every refusal says why.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cbor/diagnostic.h"

namespace tam::cbor {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void WriteMap(Item item, bool sort, Writer& writer);

void Write(Item item, bool sort, Writer& writer) {
  switch (item.type()) {
    case Type::kUint:
      writer.Uint(*item.Uint());
      return;
    case Type::kNint:
      if (item.Int().ok()) {
        writer.Int(*item.Int());
      } else {
        writer.Raw(AsView(item.encoded()));
      }
      return;
    case Type::kBytes:
      writer.ByteString(*item.ByteString());
      return;
    case Type::kText:
      writer.Text(*item.Text());
      return;
    case Type::kArray:
      writer.Array(item.size());
      for (Item element : item.each()) Write(element, sort, writer);
      return;
    case Type::kMap:
      WriteMap(item, sort, writer);
      return;
    case Type::kTag:
      writer.Tag(item.tag());
      Write(item.at(0), sort, writer);
      return;
    case Type::kBool:
      writer.Bool(*item.Bool());
      return;
    case Type::kNull:
      writer.Null();
      return;
    case Type::kUndefined:
    case Type::kFloat:
      writer.Raw(AsView(item.encoded()));
      return;
  }
}

void WriteMap(Item item, bool sort, Writer& writer) {
  MapBuilder sorted;
  if (!sort) writer.MapHead(item.size());
  for (auto [key, value] : item.each_pair()) {
    Writer pair_key;
    Writer pair_value;
    Write(key, sort, pair_key);
    Write(value, sort, pair_value);
    if (sort) {
      sorted.SetRaw(std::move(pair_key).Take(), std::move(pair_value).Take());
    } else {
      writer.Raw(pair_key.bytes()).Raw(pair_value.bytes());
    }
  }
  if (sort) sorted.WriteTo(writer);
}

void CheckItem(Item item) {
  Require(!item.path().empty());
  for (auto [key, value] : item.each_pair()) {
    if (key.Int().ok()) Require(item.Find(*key.Int())->offset() == value.offset());
    if (key.is_text()) Require(item.Find(*key.Text())->offset() == value.offset());
  }
}

// In sorted form two keys that differ only in the order of maps inside them become one; the parser
// rightly takes those as two. Such an input is not compared.
bool HasContainerKeys(Item item) {
  for (auto [key, value] : item.each_pair()) {
    if (key.size() > 0 || HasContainerKeys(value)) return true;
  }
  if (item.is_tag()) return HasContainerKeys(item.at(0));
  for (Item element : item.each()) {
    if (HasContainerKeys(element)) return true;
  }
  return false;
}

void CheckDocument(Bytes input) {
  const absl::StatusOr<Document> document = Document::Parse(input);
  if (!document.ok()) {
    Require(!document.status().message().empty());
    return;
  }
  const Item root = document->root();
  CheckItem(root);
  Require(
      !Diagnose(root,
                {.indent = 1, .max_bytes_shown = 8, .embedded = [](const Item&) { return true; }})
           .empty());
  Writer same;
  Write(root, false, same);
  Require(AsBytes(same.bytes()) == input);
  Writer sorted;
  Write(root, true, sorted);
  if (HasContainerKeys(root)) return;
  const Limits strict{.require_sorted_maps = true};
  const absl::StatusOr<Document> again = Document::Parse(AsBytes(sorted.bytes()), strict);
  Require(again.ok());
  Require(Document::Parse(input, strict).ok() == (AsBytes(sorted.bytes()) == input));
}

}  // namespace
}  // namespace tam::cbor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::cbor::CheckDocument(tam::cbor::Bytes(data, size));
  return 0;
}
