#include "services/attestation/cca/claims.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation::cca {
namespace {

constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxItems = 2048;
constexpr size_t kMaxConfig = 1024;
constexpr size_t kMaxKey = 512;
constexpr size_t kPointBytes = 97;  // 04, x, y of P-384
constexpr size_t kCoordinateBytes = 48;

constexpr ClaimName kChallenge = {10, "challenge"};
constexpr ClaimName kInstance = {256, "instance_id"};
constexpr ClaimName kProfile = {265, "profile"};
constexpr ClaimName kLifecycle = {2395, "lifecycle"};
constexpr ClaimName kImplementation = {2396, "implementation_id"};
constexpr ClaimName kComponents = {2399, "software_components"};
constexpr ClaimName kService = {2400, "verification_service"};
constexpr ClaimName kConfig = {2401, "config"};
constexpr ClaimName kPlatformHash = {2402, "hash_algorithm"};
constexpr ClaimName kPersonalization = {44235, "personalization"};
constexpr ClaimName kRealmHash = {44236, "hash_algorithm"};
constexpr ClaimName kPublicKey = {44237, "public_key"};
constexpr ClaimName kInitial = {44238, "rim"};
constexpr ClaimName kExtensibles = {44239, "rem"};
constexpr ClaimName kKeyHash = {44240, "public_key_hash_algorithm"};

constexpr std::string_view kPlatformProfiles[] = {"tag:arm.com,2023:cca_platform#1.0.0",
                                                  "http://arm.com/CCA-SSD/1.0.0"};
constexpr std::string_view kRealmProfiles[] = {"tag:arm.com,2023:realm#1.0.0",
                                               "tag:arm.com,2024:realm#2.0.0"};

struct HashName {
  std::string_view name;
  verify::Hash hash;
};
constexpr HashName kHashes[] = {{"sha-256", verify::Hash::kSha256},
                                {"sha-384", verify::Hash::kSha384},
                                {"sha-512", verify::Hash::kSha512}};

std::optional<verify::Hash> HashNamed(std::string_view name) {
  for (const HashName& known : kHashes) {
    if (known.name == name) return known.hash;
  }
  return std::nullopt;
}

// Nullopt, with a finding, where it is none that is known.
std::optional<verify::Hash> ReadHash(ClaimName claim, ClaimReader& reader, std::string& name) {
  name = reader.Text(claim, Need::kMust);
  const auto hash = HashNamed(name);
  if (!hash.has_value()) reader.Wrong(claim.name, "sha-256, sha-384 or sha-512", name);
  return hash;
}

std::string ReadProfile(Need need, absl::Span<const std::string_view> known, ClaimReader& reader) {
  std::string profile = reader.Text(kProfile, need);
  const bool absent = !reader.Has(kProfile.label) && need == Need::kMay;
  if (!absent && std::find(known.begin(), known.end(), profile) == known.end()) {
    reader.Wrong(kProfile.name, Concat(known[0], " or ", known[1]), profile);
  }
  return profile;
}

// Holds a parsed payload. Borrows it.
class Payload {
 public:
  static OrFinding<Payload> Parse(Bytes bytes, std::string_view path) {
    const cbor::Limits limits = {
        .max_bytes = kMaxEvidenceBytes, .max_depth = kMaxDepth, .max_items = kMaxItems};
    auto document = cbor::Document::Parse(bytes, limits, "claims");
    if (!document.ok()) return FindingFrom(Concat(path, "payload"), document.status());
    if (const absl::Status status = document->root().CheckMap(); !status.ok()) {
      return FindingFrom(Concat(path, "payload"), status);
    }
    return Payload(*std::move(document), path);
  }
  ClaimReader Reader() const { return ClaimReader(document_.root(), path_); }

 private:
  Payload(cbor::Document document, std::string_view path)
      : document_(std::move(document)), path_(path) {}
  cbor::Document document_;
  std::string path_;
};

// A component's value has the size of its hash: its own (6), else the token's.
void CheckComponents(const PlatformClaims& claims, ClaimReader& reader) {
  for (size_t i = 0; i < claims.components.size(); ++i) {
    const psa::Component& component = claims.components[i];
    const std::string& name = component.description.empty() ? claims.hash : component.description;
    const auto hash = HashNamed(name);
    if (hash.has_value() && component.value.size() == verify::HashBytes(*hash)) continue;
    reader.Wrong(Concat(kComponents.name, "[", i, "].value"), Concat("the size of ", name),
                 Concat(component.value.size(), " bytes"));
  }
}

std::optional<keys::PublicKey> PointKey(Bytes bytes) {
  if (bytes.size() != kPointBytes || bytes[0] != 0x04) return std::nullopt;
  const auto key = verify::Key::FromPoint(verify::Kind::kP384, bytes.subspan(1, kCoordinateBytes),
                                          bytes.subspan(1 + kCoordinateBytes, kCoordinateBytes));
  return key.ok() ? key->elliptic() : std::nullopt;
}

std::optional<keys::PublicKey> CoseKey(Bytes bytes) {
  auto key = keys::PublicKey::FromCoseKey(bytes, keys::Curves::kAll);
  return key.ok() ? std::optional(*std::move(key)) : std::nullopt;
}

void ReadMeasurements(verify::Hash hash, ClaimReader& reader, RealmClaims& claims) {
  const size_t size = verify::HashBytes(hash);
  claims.initial = reader.Octets(kInitial, Need::kMust, {size});
  const auto array = reader.Array(kExtensibles, Need::kMust, kExtensible, kExtensible);
  if (!array.has_value()) return;
  size_t i = 0;
  for (cbor::Item item : array->each()) {
    const auto bytes = item.ByteString(size, size);
    if (!bytes.ok()) {
      return reader.Wrong(Concat(kExtensibles.name, "[", i, "]"), Concat(size, " bytes"),
                          cbor::TypeName(item.type()));
    }
    claims.extensible[i++] = cbor::AsString(*bytes);
  }
}

}  // namespace

OrFinding<PlatformClaims> ReadPlatformClaims(Bytes payload) {
  const OrFinding<Payload> parsed = Payload::Parse(payload, "platform.");
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  ClaimReader reader = std::get<Payload>(parsed).Reader();
  PlatformClaims claims;
  claims.profile = ReadProfile(Need::kMust, kPlatformProfiles, reader);
  claims.challenge = reader.Octets(kChallenge, Need::kMust, {32, 48, 64});
  claims.implementation_id = reader.Octets(kImplementation, Need::kMust, {32});
  claims.instance_id = reader.Octets(kInstance, Need::kMust, {33});
  if (!claims.instance_id.empty() && claims.instance_id[0] != '\x01') {
    reader.Wrong(kInstance.name, "the type 0x01 (RAND)", HexText(claims.instance_id.substr(0, 1)));
  }
  claims.config = reader.OctetsWithin(kConfig, Need::kMust, 1, kMaxConfig);
  claims.lifecycle = static_cast<uint16_t>(reader.Number(kLifecycle, Need::kMust, 0, UINT16_MAX));
  ReadHash(kPlatformHash, reader, claims.hash);
  claims.components = psa::ReadComponents(kComponents, Need::kMust, reader);
  claims.verification_service = reader.Text(kService, Need::kMay);
  if (!reader.wrong().has_value()) CheckComponents(claims, reader);
  if (reader.wrong().has_value()) return *reader.wrong();
  return claims;
}

OrFinding<RealmKey> ReadRealmKey(Bytes payload) {
  const OrFinding<Payload> parsed = Payload::Parse(payload, "realm.");
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  ClaimReader reader = std::get<Payload>(parsed).Reader();
  std::string name;
  const auto hash = ReadHash(kKeyHash, reader, name);
  const std::string carried = reader.OctetsWithin(kPublicKey, Need::kMust, 1, kMaxKey);
  if (reader.wrong().has_value()) return *reader.wrong();
  const bool legacy = !reader.Has(kProfile.label);
  auto key = legacy ? PointKey(cbor::AsBytes(carried)) : CoseKey(cbor::AsBytes(carried));
  if (!key.has_value()) {
    return MakeFinding("realm.public_key", legacy ? "a point of P-384, 97 bytes" : "a COSE_Key",
                       Concat(carried.size(), " bytes that are none"));
  }
  return RealmKey{*std::move(key), carried, *hash};
}

OrFinding<RealmClaims> ReadRealmClaims(Bytes payload) {
  const OrFinding<Payload> parsed = Payload::Parse(payload, "realm.");
  if (const auto* wrong = std::get_if<Finding>(&parsed)) return *wrong;
  ClaimReader reader = std::get<Payload>(parsed).Reader();
  RealmClaims claims;
  claims.profile = ReadProfile(Need::kMay, kRealmProfiles, reader);
  claims.challenge = reader.Octets(kChallenge, Need::kMust, {64});
  claims.personalization = reader.Octets(kPersonalization, Need::kMust, {64});
  const auto hash = ReadHash(kRealmHash, reader, claims.hash);
  if (hash.has_value()) ReadMeasurements(*hash, reader, claims);
  if (reader.wrong().has_value()) return *reader.wrong();
  return claims;
}

}  // namespace tam::attestation::cca
