// SUIT_Digest and SUIT_Component_Identifier.
#include <algorithm>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/suit/envelope.h"
#include "teep/suit/items.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

constexpr size_t kMaxElements = 32;
constexpr size_t kMaxElementBytes = 1024;

size_t DigestBytes(int64_t algorithm) {
  switch (algorithm) {
    case kSha256:
      return 32;
    case -18:  // SHAKE128
      return 32;
    case -43:  // SHA-384
      return 48;
    case -44:  // SHA-512
    case -45:  // SHAKE256
      return 64;
    default:
      return 0;
  }
}

bool IsPrintable(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '\\';
  });
}

}  // namespace

absl::StatusOr<Digest> DigestFrom(const cbor::Item& item) {
  SUIT_RETURN_IF_ERROR(item.CheckArray(2, 2));
  Digest digest;
  SUIT_ASSIGN_OR_RETURN(digest.algorithm, item.at(0).Int());
  const size_t size = DigestBytes(digest.algorithm);
  if (size == 0) {
    return item.at(0).Error(Concat("want a SUIT digest algorithm, got ", digest.algorithm));
  }
  SUIT_ASSIGN_OR_RETURN(Bytes bytes, item.at(1).ByteString(size, size));
  digest.bytes = cbor::AsString(bytes);
  return digest;
}

absl::StatusOr<ComponentId> ComponentIdFrom(const cbor::Item& item) {
  SUIT_RETURN_IF_ERROR(item.CheckArray(1, kMaxElements));
  ComponentId id;
  for (const cbor::Item element : item.each()) {
    SUIT_ASSIGN_OR_RETURN(Bytes bytes, element.ByteString(0, kMaxElementBytes));
    id.push_back(cbor::AsString(bytes));
  }
  return id;
}

absl::StatusOr<Digest> ParseDigest(Bytes encoded, std::string_view path) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(encoded, cbor::Limits(), path));
  return DigestFrom(document.root());
}

std::string EncodeDigest(const Digest& digest) {
  cbor::Writer writer;
  writer.Array(2).Int(digest.algorithm).ByteString(digest.bytes);
  return std::move(writer).Take();
}

std::string ComponentIdText(const ComponentId& id) {
  std::string text;
  for (const std::string& element : id) {
    if (&element != &id.front()) text += '/';
    text += IsPrintable(element) ? element : absl::BytesToHexString(element);
  }
  return text;
}

absl::StatusOr<ComponentId> ParseComponentId(Bytes encoded, std::string_view path) {
  SUIT_ASSIGN_OR_RETURN(cbor::Document document,
                        cbor::Document::Parse(encoded, cbor::Limits(), path));
  return ComponentIdFrom(document.root());
}

std::string EncodeComponentId(const ComponentId& id) {
  cbor::Writer writer;
  writer.Array(id.size());
  for (const std::string& element : id) writer.ByteString(element);
  return std::move(writer).Take();
}

}  // namespace tam::suit
