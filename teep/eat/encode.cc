#include <utility>

#include "absl/strings/numbers.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "teep/eat/eat.h"
#include "teep/eat/labels.h"

namespace tam::eat {
namespace {

using cbor::MapBuilder;
using cbor::Writer;

void SetText(MapBuilder& map, int64_t label, const std::optional<std::string>& value) {
  if (value.has_value()) map.Set(label, std::move(Writer().Text(*value)));
}

void SetBytes(MapBuilder& map, int64_t label, const std::optional<std::string>& value) {
  if (value.has_value()) map.Set(label, std::move(Writer().ByteString(*value)));
}

void SetTime(MapBuilder& map, int64_t label, const std::optional<absl::Time>& value) {
  if (value.has_value()) map.Set(label, std::move(Writer().Int(absl::ToUnixSeconds(*value))));
}

void SetCnf(MapBuilder& map, const std::optional<Confirmation>& cnf) {
  if (!cnf.has_value()) return;
  MapBuilder members;
  if (cnf->key.has_value()) members.Set(kCnfCoseKey, std::move(Writer().Raw(cnf->key->cose_key())));
  SetBytes(members, kCnfKid, cnf->kid);
  SetBytes(members, kCnfCkt, cnf->ckt);
  map.Set(kCnf, std::move(Writer().Raw(members.Encode())));
}

void SetNonces(MapBuilder& map, const Claims& claims) {
  if (claims.nonces.empty()) return;
  Writer value;
  if (claims.nonce_is_array) value.Array(claims.nonces.size());
  for (const std::string& nonce : claims.nonces) {
    value.ByteString(nonce);
    if (!claims.nonce_is_array) break;
  }
  map.Set(kNonce, std::move(value));
}

void SetOemid(MapBuilder& map, const Claims& claims) {
  uint64_t pen = 0;
  if (claims.oemid.has_value() && claims.oemid_is_pen && absl::SimpleAtoi(*claims.oemid, &pen)) {
    map.Set(kOemid, std::move(Writer().Uint(pen)));
  } else {
    SetBytes(map, kOemid, claims.oemid);
  }
}

void SetHwversion(MapBuilder& map, const Claims& claims) {
  if (!claims.hwversion.has_value()) return;
  Writer value;
  value.Array(claims.hwversion_scheme.has_value() ? 2 : 1).Text(*claims.hwversion);
  if (claims.hwversion_scheme.has_value()) value.Raw(*claims.hwversion_scheme);
  map.Set(kHwversion, std::move(value));
}

void SetEntries(MapBuilder& map, int64_t label, const std::vector<ContentEntry>& entries) {
  if (entries.empty()) return;
  Writer value;
  value.Array(entries.size());
  for (const ContentEntry& entry : entries) {
    value.Array(2).Uint(entry.content_format).ByteString(entry.content);
  }
  map.Set(label, std::move(value));
}

}  // namespace

std::string EncodeClaims(const Claims& claims) {
  MapBuilder map;
  SetText(map, kIss, claims.issuer);
  SetText(map, kAud, claims.audience);
  SetTime(map, kExp, claims.expires);
  SetTime(map, kNbf, claims.not_before);
  SetTime(map, kIat, claims.issued_at);
  SetCnf(map, claims.cnf);
  SetNonces(map, claims);
  SetBytes(map, kUeid, claims.ueid);
  SetOemid(map, claims);
  SetBytes(map, kHwmodel, claims.hwmodel);
  SetHwversion(map, claims);
  if (claims.oemboot.has_value()) map.Set(kOemboot, std::move(Writer().Bool(*claims.oemboot)));
  if (claims.dbgstat.has_value()) map.Set(kDbgstat, std::move(Writer().Uint(*claims.dbgstat)));
  SetText(map, kProfile, claims.profile);
  SetEntries(map, kManifests, claims.manifests);
  SetEntries(map, kMeasurements, claims.measurements);
  for (const auto& [key, value] : claims.other) map.SetRaw(key, value);
  return map.Encode();
}

ContentEntry EncodeMeasurements(const std::map<std::string, std::string>& digests) {
  MapBuilder map;
  for (const auto& [name, digest] : digests) {
    map.Set(std::string_view(name), std::move(Writer().ByteString(digest)));
  }
  return {kDigestMapFormat, map.Encode()};
}

absl::StatusOr<std::map<std::string, std::string>> ParseMeasurements(
    const std::vector<ContentEntry>& measurements) {
  std::map<std::string, std::string> digests;
  for (size_t i = 0; i < measurements.size(); ++i) {
    const std::string path = Concat("eat.273[", i, "]");
    if (measurements[i].content_format != kDigestMapFormat) {
      return absl::InvalidArgumentError(Concat(path, ": want content-format ", kDigestMapFormat,
                                               ", got ", measurements[i].content_format));
    }
    auto document = cbor::Document::Parse(cbor::AsBytes(measurements[i].content), {}, path);
    if (!document.ok()) return document.status();
    const cbor::Item root = document->root();
    if (auto s = root.CheckMap(1); !s.ok()) return s;
    for (const auto [key, value] : root.each_pair()) {
      auto name = key.Text(1, 128);
      if (!name.ok()) return name.status();
      auto digest = value.ByteString(32, 32);
      if (!digest.ok()) return digest.status();
      if (!digests.emplace(std::string(*name), cbor::AsString(*digest)).second) {
        return absl::InvalidArgumentError(Concat(path, ": ", *name, " measured twice"));
      }
    }
  }
  return digests;
}

bool Confirmation::Names(const keys::Thumbprint& thumbprint) const {
  const std::string_view want(reinterpret_cast<const char*>(thumbprint.data()), thumbprint.size());
  if (key.has_value() && key->thumbprint() != thumbprint) return false;
  if (kid.has_value() && *kid != want) return false;
  if (ckt.has_value() && *ckt != want) return false;
  return key.has_value() || kid.has_value() || ckt.has_value();
}

absl::Status CheckUeid(Bytes ueid) {
  if (ueid.empty()) return absl::InvalidArgumentError("eat.256: want 7..33 bytes, got 0");
  const size_t size = ueid.size();
  switch (ueid[0]) {
    case 0x01:
      if (size == 17 || size == 25 || size == 33) return absl::OkStatus();
      return absl::InvalidArgumentError(
          Concat("eat.256: want 17, 25 or 33 bytes for type RAND, got ", size));
    case 0x02:
      if (size == 7 || size == 9) return absl::OkStatus();
      return absl::InvalidArgumentError(
          Concat("eat.256: want 7 or 9 bytes for type EUI, got ", size));
    case 0x03:
      if (size == 15) return absl::OkStatus();
      return absl::InvalidArgumentError(Concat("eat.256: want 15 bytes for type IMEI, got ", size));
    default:
      return absl::InvalidArgumentError(
          Concat("eat.256: want type 1, 2 or 3, got ", static_cast<int>(ueid[0])));
  }
}

}  // namespace tam::eat
