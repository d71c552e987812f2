// Whatever our parser accepts, Debian's libcbor decodes to the same tree: same types, numbers,
// bytes, order, to the last byte of the input. Ours may refuse more (it takes one deterministic
// form), never less: what libcbor refuses, ours does too.
#include <cbor.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <vector>

#include "crypto/cbor/cbor.h"

namespace tam::cbor {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

struct Release {
  void operator()(cbor_item_t* item) const { cbor_decref(&item); }
};
using Owned = std::unique_ptr<cbor_item_t, Release>;

// libcbor's getters count a reference up that the caller owns.
Owned Own(cbor_item_t* item) { return Owned(item); }

void Compare(Item ours, const cbor_item_t* theirs);

void CompareInt(Item ours, const cbor_item_t* theirs) {
  const bool negative = ours.type() == Type::kNint;
  Require(negative ? cbor_isa_negint(theirs) : cbor_isa_uint(theirs));
  const uint64_t value = cbor_get_int(theirs);
  if (!negative) {
    Require(*ours.Uint() == value);
  } else if (ours.Int().ok()) {
    Require(*ours.Int() == -1 - static_cast<int64_t>(value));
  } else {
    Require(value > static_cast<uint64_t>(INT64_MAX));
  }
}

void CompareString(Item ours, const cbor_item_t* theirs) {
  if (ours.is_bytes()) {
    Require(cbor_isa_bytestring(theirs) && cbor_bytestring_is_definite(theirs));
    Require(*ours.ByteString() ==
            Bytes(cbor_bytestring_handle(theirs), cbor_bytestring_length(theirs)));
  } else {
    Require(cbor_isa_string(theirs) && cbor_string_is_definite(theirs));
    Require(AsBytes(*ours.Text()) == Bytes(cbor_string_handle(theirs), cbor_string_length(theirs)));
  }
}

void CompareArray(Item ours, const cbor_item_t* theirs) {
  Require(cbor_isa_array(theirs) && cbor_array_is_definite(theirs));
  Require(cbor_array_size(theirs) == ours.size());
  size_t i = 0;
  for (Item element : ours.each()) Compare(element, Own(cbor_array_get(theirs, i++)).get());
}

void CompareMap(Item ours, const cbor_item_t* theirs) {
  Require(cbor_isa_map(theirs) && cbor_map_is_definite(theirs));
  Require(cbor_map_size(theirs) == ours.size());
  const cbor_pair* pair = cbor_map_handle(theirs);
  for (const auto [key, value] : ours.each_pair()) {
    Compare(key, pair->key);
    Compare(value, pair->value);
    ++pair;
  }
}

void CompareSimple(Item ours, const cbor_item_t* theirs) {
  Require(cbor_isa_float_ctrl(theirs));
  switch (ours.type()) {
    case Type::kBool:
      Require(cbor_is_bool(theirs) && cbor_get_bool(theirs) == *ours.Bool());
      return;
    case Type::kNull:
      Require(cbor_is_null(theirs));
      return;
    case Type::kUndefined:
      Require(cbor_is_undef(theirs));
      return;
    default:
      break;
  }
  Require(cbor_is_float(theirs));
  const double a = *ours.Float(), b = cbor_float_get_float(theirs);
  Require(std::isnan(a) ? std::isnan(b) : std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b));
}

void Compare(Item ours, const cbor_item_t* theirs) {
  Require(theirs != nullptr);
  switch (ours.type()) {
    case Type::kUint:
    case Type::kNint:
      CompareInt(ours, theirs);
      return;
    case Type::kBytes:
    case Type::kText:
      CompareString(ours, theirs);
      return;
    case Type::kArray:
      CompareArray(ours, theirs);
      return;
    case Type::kMap:
      CompareMap(ours, theirs);
      return;
    case Type::kTag:
      Require(cbor_isa_tag(theirs) && cbor_tag_value(theirs) == ours.tag());
      Compare(ours.at(0), Own(cbor_tag_item(theirs)).get());
      return;
    default:
      CompareSimple(ours, theirs);
  }
}

// Where tags 6 to 20 stand, in ascending order.
void FindSmallTags(Item item, std::vector<size_t>& offsets) {
  if (item.is_tag()) {
    if (item.tag() >= 6 && item.tag() <= 20) offsets.push_back(item.offset());
    FindSmallTags(item.at(0), offsets);
  } else if (item.is_array()) {
    for (const Item element : item.each()) FindSmallTags(element, offsets);
  } else if (item.is_map()) {
    for (const auto [key, value] : item.each_pair()) {
      FindSmallTags(key, offsets);
      FindSmallTags(value, offsets);
    }
  }
}

// libcbor 0.8 refuses tags 6 to 20 in their one-byte form as unassigned, COSE_Sign1 (18) among
// them, but takes them in two bytes: the input with just these heads rewritten.
std::vector<uint8_t> ForLibcbor(Item root, Bytes input) {
  std::vector<size_t> offsets;
  FindSmallTags(root, offsets);
  std::vector<uint8_t> out;
  size_t begin = 0;
  for (const size_t offset : offsets) {
    out.insert(out.end(), input.begin() + begin, input.begin() + offset);
    out.push_back(0xd8);
    out.push_back(input[offset] & 0x1f);
    begin = offset + 1;
  }
  out.insert(out.end(), input.begin() + begin, input.end());
  return out;
}

void CheckInput(Bytes input) {
  const absl::StatusOr<Document> document = Document::Parse(input);
  if (!document.ok()) return;
  const std::vector<uint8_t> bytes = ForLibcbor(document->root(), input);
  cbor_load_result result;
  const Owned theirs = Own(cbor_load(bytes.data(), bytes.size(), &result));
  Require(theirs != nullptr && result.error.code == CBOR_ERR_NONE);
  Require(result.read == bytes.size());
  Compare(document->root(), theirs.get());
}

}  // namespace
}  // namespace tam::cbor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::cbor::CheckInput(tam::cbor::Bytes(data, size));
  return 0;
}
