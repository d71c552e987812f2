#include "services/attestation/cca/wrapper.h"

#include <optional>
#include <utility>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation::cca {
namespace {

using cbor::Item;

constexpr uint64_t kTagEatCollection = 399;
constexpr uint64_t kTagCmwCollection = 907;
constexpr int64_t kPlatform = 44234;
constexpr int64_t kRealm = 44241;
constexpr uint64_t kEatCwt = 263;
// Deeper than what is right, so that what is wrong is named.
constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxItems = 64;

std::optional<Finding> CheckOuter(Item root, std::string_view profile) {
  if (!profile.empty() && profile != kCollectionProfile) {
    return MakeFinding("profile", kCollectionProfile, profile);
  }
  const uint64_t tag = root.tag();
  const bool known = tag == kTagEatCollection || (tag == kTagCmwCollection && profile.empty());
  if (known) return std::nullopt;
  return MakeFinding("tag", profile.empty() ? "399 or 907" : "399 (EAT collection)",
                     root.is_tag() ? Concat(tag) : std::string("none"));
}

// The bytes of one token. `path` stands before the claims of findings.
OrFinding<Bytes> InnerBytes(Item map, int64_t label, bool is_cmw, std::string_view path) {
  const std::optional<Item> part = map.Find(label);
  if (!part.has_value()) {
    return MakeFinding(Concat(path, "token"), Concat("present (", label, ")"), "");
  }
  Item item = *part;
  if (is_cmw) {
    if (!item.is_array() || item.size() != 2 || item.at(0).Uint().value_or(0) != kEatCwt) {
      return MakeFinding(Concat(path, "type"), "[263 (application/eat+cwt), bytes]",
                         cbor::TypeName(item.type()));
    }
    item = item.at(1);
  }
  const auto bytes = item.ByteString(1);
  if (bytes.ok()) return *bytes;
  return MakeFinding(Concat(path, "token"), "a byte string", cbor::TypeName(item.type()));
}

OrFinding<Token> ParsePart(Item map, int64_t label, bool is_cmw, std::string_view path) {
  const OrFinding<Bytes> bytes = InnerBytes(map, label, is_cmw, path);
  if (const auto* wrong = std::get_if<Finding>(&bytes)) return *wrong;
  OrFinding<Token> token = Token::Parse(std::get<Bytes>(bytes), path);
  if (const auto* parsed = std::get_if<Token>(&token); parsed != nullptr && parsed->is_mac()) {
    return MakeFinding(Concat(path, "tag"), "18 (COSE_Sign1)", "17 (COSE_Mac0)");
  }
  return token;
}

}  // namespace

OrFinding<Parts> Unwrap(Bytes evidence, std::string_view profile) {
  const cbor::Limits limits = {
      .max_bytes = kMaxEvidenceBytes, .max_depth = kMaxDepth, .max_items = kMaxItems};
  const auto document = cbor::Document::Parse(evidence, limits, "token");
  if (!document.ok()) return FindingFrom("token", document.status());
  const Item root = document->root();
  if (auto wrong = CheckOuter(root, profile); wrong.has_value()) return *wrong;
  const Item map = root.at(0);
  if (const absl::Status status = map.CheckMap(2, 2); !status.ok()) {
    return FindingFrom("token", status);
  }
  const bool is_cmw = root.tag() == kTagCmwCollection;
  OrFinding<Token> platform = ParsePart(map, kPlatform, is_cmw, "platform.");
  if (const auto* wrong = std::get_if<Finding>(&platform)) return *wrong;
  OrFinding<Token> realm = ParsePart(map, kRealm, is_cmw, "realm.");
  if (const auto* wrong = std::get_if<Finding>(&realm)) return *wrong;
  if (!std::get<Token>(realm).x5chain().empty()) {
    return MakeFinding("realm.header", "no x5chain: the platform vouches for the key", "one");
  }
  return Parts{std::get<Token>(std::move(platform)), std::get<Token>(std::move(realm))};
}

}  // namespace tam::attestation::cca
