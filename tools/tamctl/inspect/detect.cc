#include "tools/tamctl/inspect/detect.h"

#include <array>

#include "crypto/text/text.h"
#include "tools/tamctl/inspect/shapes.h"

namespace tam::inspect {
namespace {

struct KindName {
  std::string_view name;
  Kind kind;
};
constexpr std::array<KindName, 9> kKindNames = {{{"teep", Kind::kTeep},
                                                 {"suit", Kind::kEnvelope},
                                                 {"manifest", Kind::kManifest},
                                                 {"report", Kind::kReport},
                                                 {"eat", Kind::kEat},
                                                 {"deb", Kind::kBundle},
                                                 {"key", Kind::kCoseKey},
                                                 {"cose", Kind::kCose},
                                                 {"cbor", Kind::kCbor}}};

constexpr uint64_t kTagCwt = 61;
constexpr uint64_t kTagEnvelope = 107;
constexpr uint64_t kTagBundle = 602;  // RFC 9711 section 5
constexpr uint64_t kTagManifest = 1070;

std::string_view CoseTagName(uint64_t tag) {
  switch (tag) {
    case 16:
      return "COSE_Encrypt0";
    case 17:
      return "COSE_Mac0";
    case 18:
      return "COSE_Sign1";
    case 96:
      return "COSE_Encrypt";
    case 97:
      return "COSE_Mac";
    case 98:
      return "COSE_Sign";
    default:
      return "";
  }
}

bool HasBytes(const cbor::Item& map, int64_t key) {
  const auto value = map.Find(key);
  return value.has_value() && value->is_bytes();
}

bool LooksLikeTeep(const cbor::Item& item) {
  if (!item.is_array() || item.size() < 2 || item.size() > 5) return false;
  // 6 is Error in the older numbering; the check that follows says so.
  return item.at(0).Uint(6).ok() && *item.at(0).Uint() != 0 && item.at(1).is_map();
}

// kty (1) and at least one parameter of a key type.
bool LooksLikeCoseKey(const cbor::Item& map) {
  const auto kty = map.Find(1);
  return kty.has_value() && kty->is_int() && map.Find(-1).has_value();
}

bool LooksLikeClaims(const cbor::Item& map) {
  for (auto [key, value] : map.each_pair()) {
    const absl::StatusOr<int64_t> label = key.Int();
    if (!label.ok()) continue;
    if (*label == 8 || *label == 10 || (*label >= 256 && *label <= 275) ||
        (*label >= 1000 && *label <= 1004)) {
      return true;
    }
  }
  return false;
}

Kind DetectMap(const cbor::Item& map) {
  if (HasBytes(map, 2) && HasBytes(map, 3)) return Kind::kEnvelope;
  if (map.Find(99).has_value()) return Kind::kReport;
  if (LooksLikeCoseKey(map)) return Kind::kCoseKey;
  const auto sequence = map.Find(2);
  if (HasBytes(map, 3) && sequence.has_value() && sequence->is_uint()) return Kind::kManifest;
  return LooksLikeClaims(map) ? Kind::kEat : Kind::kCbor;
}

// The element types of the container that `name` says.
bool HasCoseForm(std::string_view name, const cbor::Item& array) {
  const size_t want = name == "COSE_Encrypt0" ? 3 : name == "COSE_Mac" ? 5 : 4;
  if (!array.is_array() || array.size() != want) return false;
  return array.at(0).is_bytes() && array.at(1).is_map() &&
         (array.at(2).is_bytes() || array.at(2).is_null());
}

std::string_view UntaggedName(const cbor::Item& array) {
  if (!HasCoseForm("COSE_Sign1", array)) return "";
  return array.at(3).is_bytes() ? "COSE_Sign1" : array.at(3).is_array() ? "COSE_Sign" : "";
}

}  // namespace

absl::StatusOr<Kind> ParseKind(std::string_view text) {
  std::string all;
  for (const KindName& entry : kKindNames) {
    if (entry.name == text) return entry.kind;
    Append(&all, all.empty() ? "" : ", ", entry.name);
  }
  return absl::InvalidArgumentError(Concat("want one of ", all, ", got '", text, "'"));
}

cbor::Item StripTags(cbor::Item item) {
  while (item.is_tag()) item = item.at(0);
  return item;
}

std::optional<CoseParts> FindCoseParts(const cbor::Item& item) {
  cbor::Item inner = item;
  bool cwt = false;
  if (inner.is_tag() && inner.tag() == kTagCwt) {
    cwt = true;
    inner = inner.at(0);
  }
  std::string_view name;
  bool tagged = false;
  if (inner.is_tag()) {
    name = CoseTagName(inner.tag());
    tagged = true;
    inner = inner.at(0);
    if (name.empty() || !HasCoseForm(name, inner)) return std::nullopt;
  } else {
    name = UntaggedName(inner);
    if (name.empty()) return std::nullopt;
  }
  CoseParts parts{name, tagged, cwt, inner, std::nullopt};
  const bool encrypted = name == "COSE_Encrypt0" || name == "COSE_Encrypt";
  if (!encrypted && inner.at(2).is_bytes()) parts.payload = inner.at(2);
  return parts;
}

Kind Detect(const cbor::Item& item) {
  if (item.is_tag()) {
    if (item.tag() == kTagEnvelope) return Kind::kEnvelope;
    if (item.tag() == kTagManifest) return Kind::kManifest;
    if (item.tag() == kTagBundle) return Kind::kBundle;
    // A COSE tag on something else is a COSE container gone wrong.
    if (item.tag() == kTagCwt || !CoseTagName(item.tag()).empty()) return Kind::kCose;
    return Kind::kCbor;
  }
  if (item.is_map()) return DetectMap(item);
  if (LooksLikeTeep(item)) return Kind::kTeep;
  return FindCoseParts(item).has_value() ? Kind::kCose : Kind::kCbor;
}

ShapeOf ShapeForKind(Kind kind) {
  switch (kind) {
    case Kind::kTeep:
      return shapes::TeepMessage;
    case Kind::kEnvelope:
      return shapes::Envelope;
    case Kind::kManifest:
      return shapes::Manifest;
    case Kind::kReport:
      return shapes::SuitReport;
    case Kind::kEat:
      return shapes::EatClaims;
    case Kind::kBundle:
      return shapes::Bundle;
    case Kind::kCoseKey:
      return shapes::CoseKey;
    case Kind::kCose:
      return shapes::Cose;
    case Kind::kCbor:
      break;
  }
  return shapes::Plain;
}

}  // namespace tam::inspect
