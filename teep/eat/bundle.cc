#include "teep/eat/bundle.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/eat/labels.h"

namespace tam::eat {
namespace {

using cbor::Item;

constexpr uint64_t kTagBundle = 602;
constexpr size_t kMaxBytes = size_t{64} * 1024;
constexpr size_t kMaxSets = 32;
constexpr int64_t kSha256 = -16;

// The digest that `submods` has for `name`.
absl::StatusOr<Bytes> DigestOf(Item submods, const std::string& name) {
  const std::optional<Item> submod = submods.Find(name);
  const bool detached = submod.has_value() && submod->is_array() && submod->size() == 2;
  if (!detached || !submod->at(0).Int().ok() || *submod->at(0).Int() != kSha256 ||
      !submod->at(1).is_bytes()) {
    return absl::UnauthenticatedError(
        Concat("eat-bundle: want a SHA-256 digest of each claims set in the token, got none"));
  }
  return *submod->at(1).ByteString();
}

}  // namespace

bool IsBundle(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xd9 && bytes[1] == 0x02 && bytes[2] == 0x5a;
}

absl::StatusOr<Bundle> ParseBundle(Bytes bytes) {
  const auto document = cbor::Document::Parse(bytes, {.max_bytes = kMaxBytes}, "eat-bundle");
  if (!document.ok()) return document.status();
  const Item root = document->root();
  if (!root.is_tag() || root.tag() != kTagBundle) return root.Error("want tag 602, got another");
  const Item array = root.at(0);
  if (auto s = array.CheckArray(2, 2); !s.ok()) return s;
  const auto token = array.at(0).ByteString(1);
  if (!token.ok()) return token.status();
  Bundle bundle{.token = cbor::AsString(*token), .claims_sets = {}};
  if (auto s = array.at(1).CheckMap(1, kMaxSets); !s.ok()) return s;
  for (const auto [key, value] : array.at(1).each_pair()) {
    const auto name = key.Text();
    if (!name.ok()) return name.status();
    const auto set = value.ByteString(1);
    if (!set.ok()) return set.status();
    bundle.claims_sets.emplace(std::string(*name), cbor::AsString(*set));
  }
  return bundle;
}

std::string EncodeBundle(const Bundle& bundle) {
  cbor::MapBuilder sets;
  for (const auto& [name, set] : bundle.claims_sets) {
    sets.Set(std::string_view(name), std::move(cbor::Writer().ByteString(set)));
  }
  cbor::Writer writer;
  writer.Tag(kTagBundle).Array(2).ByteString(bundle.token);
  sets.WriteTo(writer);
  return std::move(writer).Take();
}

absl::StatusOr<std::map<std::string, Claims>> OpenDetached(const Bundle& bundle,
                                                           const Claims& verified) {
  const auto claim = verified.other.find(cbor::Writer().Int(kSubmods).bytes());
  if (claim == verified.other.end()) {
    return absl::UnauthenticatedError("eat-bundle: want submods (266) in the token, got none");
  }
  const auto submods = cbor::Document::Parse(cbor::AsBytes(claim->second), {}, "eat.266");
  if (!submods.ok()) return submods.status();
  if (auto s = submods->root().CheckMap(); !s.ok()) return s;
  std::map<std::string, Claims> out;
  for (const auto& [name, set] : bundle.claims_sets) {
    const absl::StatusOr<Bytes> digest = DigestOf(submods->root(), name);
    if (!digest.ok()) return digest.status();
    if (!secret::ConstantTimeEquals(secret::Sha256(cbor::AsBytes(set)), *digest)) {
      return absl::UnauthenticatedError(
          "eat-bundle: want the claims set that the token's digest names, got another");
    }
    absl::StatusOr<Claims> claims = ParseClaims(cbor::AsBytes(set));
    if (!claims.ok()) return claims.status();
    out.emplace(name, *std::move(claims));
  }
  return out;
}

}  // namespace tam::eat
