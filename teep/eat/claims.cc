#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "teep/eat/eat.h"
#include "teep/eat/labels.h"

namespace tam::eat {
namespace {

using cbor::Item;

constexpr size_t kMaxBytes = size_t{64} * 1024;
constexpr uint64_t kMaxSeconds = 253402300799;  // the end of the year 9999

absl::Status Want(std::string_view path, std::string_view want, const Item& item) {
  return absl::InvalidArgumentError(
      Concat(path, ": want ", want, ", got ", cbor::TypeName(item.type())));
}

absl::Status ReadBytes(std::string_view path, const Item& item, size_t min, size_t max,
                       std::string& out) {
  if (!item.is_bytes()) return Want(path, "byte string", item);
  out = cbor::AsString(*item.ByteString());
  if (out.size() >= min && out.size() <= max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      Concat(path, ": want ", min, "..", max, " bytes, got ", out.size()));
}

absl::Status ReadText(std::string_view path, const Item& item, std::string& out) {
  if (!item.is_text()) return Want(path, "text string", item);
  out = std::string(*item.Text());
  return absl::OkStatus();
}

// Integer seconds; RFC 9711 forbids floating point here.
absl::Status ReadTime(std::string_view path, const Item& item, std::optional<absl::Time>& out) {
  if (!item.is_uint()) return Want(path, "unsigned integer seconds", item);
  const uint64_t seconds = *item.Uint();
  if (seconds > kMaxSeconds) {
    return absl::InvalidArgumentError(Concat(path, ": want at most ", kMaxSeconds));
  }
  out = absl::FromUnixSeconds(static_cast<int64_t>(seconds));
  return absl::OkStatus();
}

// cnf = { ? 1: COSE_Key, ? 3: kid bstr, ? 5: thumbprint bstr } (RFC 8747, RFC 9679)
absl::Status ReadCnf(std::string_view path, const Item& item, std::optional<Confirmation>& out) {
  if (!item.is_map()) return Want(path, "map", item);
  out.emplace();
  if (auto key = item.Find(kCnfCoseKey)) {
    auto parsed = keys::PublicKey::FromCoseKey(key->encoded());
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(Concat(path, ".1: ", StdView(parsed.status().message())));
    }
    out->key = *std::move(parsed);
  }
  if (auto kid = item.Find(kCnfKid)) {
    if (auto s = ReadBytes(Concat(path, ".3"), *kid, 1, 64, out->kid.emplace()); !s.ok()) return s;
  }
  if (auto ckt = item.Find(kCnfCkt)) {
    if (auto s = ReadBytes(Concat(path, ".5"), *ckt, 1, 64, out->ckt.emplace()); !s.ok()) return s;
  }
  if (out->key.has_value() || out->kid.has_value() || out->ckt.has_value()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(Concat(path, ": want COSE_Key (1), kid (3) or ckt (5)"));
}

// eat_nonce = bstr .size (8..64) / [ 2* bstr .size (8..64) ]
absl::Status ReadNonces(std::string_view path, const Item& item, Claims& out) {
  out.nonce_is_array = item.is_array();
  if (!out.nonce_is_array) return ReadBytes(path, item, 8, 64, out.nonces.emplace_back());
  if (item.size() < 2) return Want(path, "an array of two or more", item);
  for (const Item nonce : item.each()) {
    if (auto s = ReadBytes(path, nonce, 8, 64, out.nonces.emplace_back()); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// oemid = PEN: uint / bstr .size 3 / bstr .size 16
absl::Status ReadOemid(std::string_view path, const Item& item, Claims& out) {
  if (item.is_uint()) {
    // A greater one would read like the digits of another form.
    if (*item.Uint() > UINT32_MAX) {
      return absl::InvalidArgumentError(
          Concat(path, ": want a PEN of 32 bits, got ", *item.Uint()));
    }
    out.oemid = Concat(*item.Uint());
    out.oemid_is_pen = true;
    return absl::OkStatus();
  }
  if (auto s = ReadBytes(path, item, 3, 16, out.oemid.emplace()); !s.ok()) return s;
  if (out.oemid->size() == 3 || out.oemid->size() == 16) return absl::OkStatus();
  return absl::InvalidArgumentError(Concat(path, ": want 3 or 16 bytes, got ", out.oemid->size()));
}

// hwversion = [ text, ? scheme ]
absl::Status ReadHwversion(std::string_view path, const Item& item, Claims& out) {
  if (!item.is_array() || item.size() < 1 || item.size() > 2) {
    return Want(path, "[version, ? scheme]", item);
  }
  if (item.size() == 2) {
    const Item scheme = item.at(1);
    if (!scheme.is_int() && !scheme.is_text()) return Want(path, "integer or text scheme", scheme);
    out.hwversion_scheme = cbor::AsString(scheme.encoded());
  }
  return ReadText(path, item.at(0), out.hwversion.emplace());
}

// [ + [ content-format: uint, content: bstr ] ]
absl::Status ReadEntries(std::string_view path, const Item& item, std::vector<ContentEntry>& out) {
  if (!item.is_array() || item.size() == 0) return Want(path, "non-empty array", item);
  for (const Item entry : item.each()) {
    const std::string at = Concat(path, "[", out.size(), "]");
    if (!entry.is_array() || entry.size() != 2) return Want(at, "[content-format, bytes]", entry);
    const Item format = entry.at(0);
    if (!format.is_uint()) return Want(at, "unsigned content-format", format);
    ContentEntry& target = out.emplace_back();
    target.content_format = *format.Uint();
    if (auto s = ReadBytes(at, entry.at(1), 0, kMaxBytes, target.content); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status ReadDeviceClaim(int64_t label, const std::string& path, const Item& item,
                             Claims& out) {
  switch (label) {
    case kUeid:
      return ReadBytes(path, item, 0, kMaxBytes, out.ueid.emplace());
    case kOemid:
      return ReadOemid(path, item, out);
    case kHwmodel:
      return ReadBytes(path, item, 1, 32, out.hwmodel.emplace());
    case kHwversion:
      return ReadHwversion(path, item, out);
    case kOemboot:
      if (!item.is_bool()) return Want(path, "boolean", item);
      out.oemboot = *item.Bool();
      return absl::OkStatus();
    case kDbgstat:
      if (!item.is_uint() || *item.Uint() > 4) return Want(path, "0..4", item);
      out.dbgstat = *item.Uint();
      return absl::OkStatus();
    case kManifests:
      return ReadEntries(path, item, out.manifests);
    default:
      return ReadEntries(path, item, out.measurements);
  }
}

bool IsDeviceClaim(int64_t label) {
  return label == kUeid || label == kOemid || label == kHwmodel || label == kHwversion ||
         label == kOemboot || label == kDbgstat || label == kManifests || label == kMeasurements;
}

absl::Status ReadClaim(const Item& key, const Item& item, Claims& out) {
  if (!key.is_int() && !key.is_text()) return Want("eat key", "integer or text string", key);
  const auto label = key.Int();
  if (label.ok()) {
    const std::string path = Concat("eat.", *label);
    if (IsDeviceClaim(*label)) return ReadDeviceClaim(*label, path, item, out);
    switch (*label) {
      case kIss:
        return ReadText(path, item, out.issuer.emplace());
      case kAud:
        if (item.is_array()) break;
        return ReadText(path, item, out.audience.emplace());
      case kExp:
        return ReadTime(path, item, out.expires);
      case kNbf:
        return ReadTime(path, item, out.not_before);
      case kIat:
        return ReadTime(path, item, out.issued_at);
      case kCnf:
        return ReadCnf(path, item, out.cnf);
      case kNonce:
        return ReadNonces(path, item, out);
      case kProfile:
        return ReadText(path, item, out.profile.emplace());
      default:
        break;
    }
  }
  out.other.emplace(cbor::AsString(key.encoded()), cbor::AsString(item.encoded()));
  return absl::OkStatus();
}

absl::Status RefuseTags(const Item& item) {
  if (item.is_tag()) {
    return absl::InvalidArgumentError(Concat(item.path(), ": want no tag, got ", item.tag()));
  }
  for (const Item element : item.each()) {
    if (auto s = RefuseTags(element); !s.ok()) return s;
  }
  for (const auto [key, value] : item.each_pair()) {
    if (auto s = RefuseTags(key); !s.ok()) return s;
    if (auto s = RefuseTags(value); !s.ok()) return s;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Claims> ParseClaims(Bytes payload) {
  auto document = cbor::Document::Parse(payload, {.max_bytes = kMaxBytes}, "eat");
  if (!document.ok()) return document.status();
  const Item root = document->root();
  if (!root.is_map()) return Want("eat", "map", root);
  if (auto s = RefuseTags(root); !s.ok()) return s;
  Claims claims;
  for (const auto [key, value] : root.each_pair()) {
    if (auto s = ReadClaim(key, value, claims); !s.ok()) return s;
  }
  return claims;
}

Bytes StripCwtTag(Bytes token) {
  constexpr uint8_t kTagHead = 0xd8, kCwtTag = 61;
  const bool tagged = token.size() >= 2 && token[0] == kTagHead && token[1] == kCwtTag;
  return tagged ? token.subspan(2) : token;
}

namespace {

// The claims' bytes, which a Document of them borrows.
absl::StatusOr<std::string> UnverifiedClaims(Bytes payload) {
  auto token = cose::Message::Parse(StripCwtTag(payload), cose::TagRule::kRequired);
  if (!token.ok()) return token.status();
  if (!token->unverified_payload().has_value()) {
    return absl::InvalidArgumentError("eat: want a payload, got none");
  }
  return std::string(*token->unverified_payload());
}

absl::StatusOr<cbor::Document> ParseClaimsMap(std::string_view claims) {
  auto document = cbor::Document::Parse(cbor::AsBytes(claims), {.max_bytes = kMaxBytes}, "eat");
  if (document.ok() && !document->root().is_map()) return Want("eat", "map", document->root());
  return document;
}

}  // namespace

absl::StatusOr<std::string> ExtractProfile(Bytes payload) {
  const auto bytes = UnverifiedClaims(payload);
  if (!bytes.ok()) return bytes.status();
  const auto claims = ParseClaimsMap(*bytes);
  if (!claims.ok()) return claims.status();
  const auto profile = claims->root().Find(kProfile);
  if (!profile.has_value()) return absl::NotFoundError("eat.265: no eat_profile");
  if (!profile->is_text()) return Want("eat.265", "text string", *profile);
  return std::string(*profile->Text());
}

absl::StatusOr<Timestamp> ExtractTimestamp(Bytes payload) {
  const auto bytes = UnverifiedClaims(payload);
  if (!bytes.ok()) return bytes.status();
  const auto claims = ParseClaimsMap(*bytes);
  if (!claims.ok()) return claims.status();
  if (claims->root().Find(kNonce).has_value()) return absl::NotFoundError("eat.10: want none");
  const auto audience = claims->root().Find(kAud);
  if (!audience.has_value() || !audience->is_text()) {
    return absl::NotFoundError("eat.3: want one audience");
  }
  const auto issued_at = claims->root().Find(kIat);
  if (!issued_at.has_value()) return absl::NotFoundError("eat.6: no iat");
  std::optional<absl::Time> time;
  if (auto s = ReadTime("eat.6", *issued_at, time); !s.ok()) return s;
  return Timestamp{*time, std::string(*audience->Text())};
}

absl::StatusOr<std::string> ExtractChallenge(Bytes payload) {
  const auto bytes = UnverifiedClaims(payload);
  if (!bytes.ok()) return bytes.status();
  const auto claims = ParseClaimsMap(*bytes);
  if (!claims.ok()) return claims.status();
  const auto nonce = claims->root().Find(kNonce);
  if (!nonce.has_value()) return absl::NotFoundError("eat.10: no eat_nonce");
  if (!nonce->is_bytes()) return absl::NotFoundError("eat.10: want one byte string");
  return cbor::AsString(*nonce->ByteString());
}

}  // namespace tam::eat
