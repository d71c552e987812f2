#include "services/attestation/psa/claims.h"

#include <algorithm>
#include <optional>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation::psa {
namespace {

// The map, the array of components and a map each; what else there is may be as deep.
constexpr size_t kMaxDepth = 8;
constexpr size_t kMaxItems = 2048;
constexpr size_t kInstanceBytes = 33;
constexpr char kRandom = '\x01';  // the type of a UEID (RFC 9711 section 4.2.1)

// One generation's labels; 0: it has no such claim.
struct Labels {
  int64_t nonce;
  int64_t instance_id;
  int64_t profile;
  int64_t client_id;
  int64_t lifecycle;
  int64_t implementation_id;
  int64_t boot_seed;
  int64_t older_boot_seed;
  int64_t certification_reference;
  int64_t components;
  int64_t no_measurements;
  int64_t verification_service;
};

constexpr Labels kTfmLabels = {10, 256, 265, 2394, 2395, 2396, 268, 0, 2398, 2399, 0, 2400};
// TF-M put the boot seed at 2397 before the RFC.
constexpr Labels kArmLabels = {10, 256, 265, 2394, 2395, 2396, 268, 2397, 2398, 2399, 0, 2400};
constexpr Labels kIotLabels = {-75008, -75009, -75000, -75001, -75002, -75003,
                               -75004, 0,      -75005, -75006, -75007, -75010};

bool HasAny(cbor::Item map, const Labels& labels) {
  const int64_t all[] = {labels.nonce,           labels.instance_id,
                         labels.profile,         labels.client_id,
                         labels.lifecycle,       labels.implementation_id,
                         labels.boot_seed,       labels.older_boot_seed,
                         labels.components,      labels.certification_reference,
                         labels.no_measurements, labels.verification_service};
  return std::any_of(std::begin(all), std::end(all),
                     [map](int64_t label) { return label != 0 && map.Find(label).has_value(); });
}

std::string ProfileAt(cbor::Item map, int64_t label) {
  const auto item = map.Find(label);
  if (!item.has_value()) return "none";
  const auto text = item->Text(1, kMaxClaimText);
  return text.ok() ? std::string(*text) : "no text";
}

// The profile of the claims: kTfmProfile, kArmProfile or kIotProfile.
OrFinding<std::string> FindProfile(cbor::Item map) {
  const bool newer = HasAny(map, kArmLabels);
  if (newer && HasAny(map, kIotLabels)) {
    return MakeFinding("profile", "claims of one generation", "claims of two");
  }
  if (newer) {
    const std::string profile = ProfileAt(map, kTfmLabels.profile);
    if (profile == kTfmProfile || profile == kArmProfile) return profile;
    return MakeFinding("profile", Concat(kTfmProfile, " or ", kArmProfile), profile);
  }
  const std::string profile = ProfileAt(map, kIotLabels.profile);
  if (profile == kIotProfile || profile == "none") return std::string(kIotProfile);
  return MakeFinding("profile", kIotProfile, profile);
}

std::optional<Finding> CheckMediaProfile(std::string_view wanted, const std::string& found) {
  if (wanted.empty()) return std::nullopt;
  const std::string_view means = wanted == kLegacyProfile ? kIotProfile : wanted;
  if (means == found) return std::nullopt;
  return MakeFinding("profile", wanted, found);
}

// "0604565272829-10010"; PSA_IOT_PROFILE_1 also without what follows the thirteen digits.
bool IsCertificationReference(std::string_view text, bool legacy) {
  constexpr size_t kHead = 13;
  constexpr size_t kWhole = 19;
  if (text.size() != kWhole && !(legacy && text.size() == kHead)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool good = i == kHead ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
    if (!good) return false;
  }
  return true;
}

std::string ReadBootSeed(const Labels& labels, ClaimReader& reader) {
  const bool iot = &labels == &kIotLabels;
  const bool older = labels.older_boot_seed != 0 && reader.Has(labels.older_boot_seed);
  if (older && reader.Has(labels.boot_seed)) {
    reader.Wrong("boot_seed", "at 268 or at 2397", "at both");
  }
  const ClaimName name = {older ? labels.older_boot_seed : labels.boot_seed, "boot_seed"};
  if (iot) return reader.Octets(name, Need::kMust, {32});
  return reader.OctetsWithin(name, Need::kMay, 8, 32);
}

void ReadMeasurements(const Labels& labels, ClaimReader& reader, Claims& claims) {
  if (labels.no_measurements != 0 && reader.Has(labels.no_measurements)) {
    claims.no_measurements = true;
    reader.Number({labels.no_measurements, "no_software_measurements"}, Need::kMust, 1, 1);
    if (reader.Has(labels.components)) {
      reader.Wrong("software_components", "none beside no_software_measurements", "both");
    }
    return;
  }
  claims.components =
      ReadComponents({labels.components, "software_components"}, Need::kMust, reader);
}

void ReadInto(const Labels& labels, ClaimReader& reader, Claims& claims) {
  claims.nonce = reader.Octets({labels.nonce, "nonce"}, Need::kMust, {32, 48, 64});
  claims.instance_id =
      reader.Octets({labels.instance_id, "instance_id"}, Need::kMust, {kInstanceBytes});
  if (!claims.instance_id.empty() && claims.instance_id[0] != kRandom) {
    reader.Wrong("instance_id", "the type 0x01 (RAND)", HexText(claims.instance_id.substr(0, 1)));
  }
  claims.client_id = static_cast<int32_t>(
      reader.Number({labels.client_id, "client_id"}, Need::kMust, INT32_MIN, INT32_MAX));
  claims.lifecycle = static_cast<uint16_t>(
      reader.Number({labels.lifecycle, "lifecycle"}, Need::kMust, 0, UINT16_MAX));
  claims.implementation_id =
      reader.Octets({labels.implementation_id, "implementation_id"}, Need::kMust, {32});
  claims.boot_seed = ReadBootSeed(labels, reader);
  const ClaimName reference = {labels.certification_reference, "certification_reference"};
  claims.certification_reference = reader.Text(reference, Need::kMay);
  if (reader.Has(reference.label) &&
      !IsCertificationReference(claims.certification_reference, &labels == &kIotLabels)) {
    reader.Wrong(reference.name, "13 digits, -, 5 digits", claims.certification_reference);
  }
  ReadMeasurements(labels, reader, claims);
  claims.verification_service =
      reader.Text({labels.verification_service, "verification_service"}, Need::kMay);
}

}  // namespace

OrFinding<Claims> ReadClaims(Bytes payload, std::string_view profile) {
  const cbor::Limits limits = {
      .max_bytes = kMaxEvidenceBytes, .max_depth = kMaxDepth, .max_items = kMaxItems};
  const auto document = cbor::Document::Parse(payload, limits, "claims");
  if (!document.ok()) return FindingFrom("payload", document.status());
  const cbor::Item map = document->root();
  if (const absl::Status status = map.CheckMap(); !status.ok()) {
    return FindingFrom("payload", status);
  }
  OrFinding<std::string> found = FindProfile(map);
  if (auto* wrong = std::get_if<Finding>(&found)) return *wrong;
  Claims claims;
  claims.profile = std::get<std::string>(found);
  if (auto wrong = CheckMediaProfile(profile, claims.profile); wrong.has_value()) return *wrong;
  ClaimReader reader(map, "");
  const Labels& labels = claims.profile == kTfmProfile   ? kTfmLabels
                         : claims.profile == kArmProfile ? kArmLabels
                                                         : kIotLabels;
  if (claims.profile == kTfmProfile && reader.Has(kArmLabels.older_boot_seed)) {
    reader.Wrong("boot_seed", "at 268", "at 2397");
  }
  ReadInto(labels, reader, claims);
  if (reader.wrong().has_value()) return *reader.wrong();
  return claims;
}

}  // namespace tam::attestation::psa
