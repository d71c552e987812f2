#include "services/catalog/publication.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"

namespace tam::catalog {
namespace {

absl::StatusOr<std::vector<keys::PublicKey>> ValidAnchors(const storage::Domain& domain,
                                                          absl::Time now) {
  std::vector<keys::PublicKey> valid;
  for (const storage::TrustAnchor& anchor : domain.anchors) {
    if (anchor.not_before.has_value() && now < *anchor.not_before) continue;
    if (anchor.not_after.has_value() && now >= *anchor.not_after) continue;
    absl::StatusOr<keys::PublicKey> key = keys::PublicKey::FromCoseKey(anchor.public_key);
    if (!key.ok()) return absl::InternalError("a stored trust anchor does not parse");
    valid.push_back(*std::move(key));
  }
  if (valid.empty()) {
    return absl::UnauthenticatedError("S-05: the domain has no trust anchor that is valid now");
  }
  return valid;
}

absl::Status CheckPrefix(const storage::Domain& domain, const storage::ComponentId& id,
                         absl::string_view row, absl::string_view path) {
  const bool inside =
      std::any_of(domain.prefixes.begin(), domain.prefixes.end(),
                  [&](const storage::ComponentId& prefix) { return prefix.IsPrefixOf(id); });
  if (inside) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      row, ": ", path, ": want an identifier under a prefix of the domain, found ", id.ToString()));
}

absl::StatusOr<storage::Manifest> Describe(const suit::VerifiedEnvelope& envelope,
                                           const storage::Domain& domain) {
  const suit::Manifest& parsed = envelope.manifest();
  storage::Manifest manifest;
  manifest.tenant = domain.tenant;
  manifest.domain = domain.id;
  manifest.sequence = parsed.sequence_number;
  manifest.signer = storage::KeyThumbprint(envelope.signer()->thumbprint());
  absl::StatusOr<storage::ManifestDigest> digest =
      storage::ManifestDigest::FromBytes(cbor::AsBytes(envelope.manifest_digest().bytes));
  if (!digest.ok()) return digest.status();
  manifest.digest = *digest;
  absl::StatusOr<storage::ComponentId> id = ToStorage(*parsed.manifest_component_id);
  if (!id.ok()) return id.status();
  manifest.manifest_component = *std::move(id);
  for (const suit::ComponentId& component : parsed.components) {
    id = ToStorage(component);
    if (!id.ok()) return id.status();
    manifest.components.push_back(*std::move(id));
  }
  return manifest;
}

absl::Status CheckNamespace(const storage::Manifest& manifest, const storage::Domain& domain) {
  absl::Status status =
      CheckPrefix(domain, manifest.manifest_component, "S-10", "manifest.manifest-component-id");
  if (!status.ok()) return status;
  for (size_t i = 0; i < manifest.components.size(); ++i) {
    if (manifest.components[i] == manifest.manifest_component) {
      return absl::FailedPreconditionError(
          absl::StrCat("S-10: manifest.common.components[", i,
                       "]: want another identifier than manifest-component-id"));
    }
    status = CheckPrefix(domain, manifest.components[i], "S-09",
                         absl::StrCat("manifest.common.components[", i, "]"));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Publication> CheckPublication(absl::Span<const uint8_t> bytes,
                                             const storage::Domain& domain, absl::Time now) {
  if (bytes.size() > kMaxEnvelopeBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("S-01: envelope: want at most ", kMaxEnvelopeBytes, " bytes, found ",
                     bytes.size(), "; deliver a larger payload by URI"));
  }
  absl::StatusOr<suit::Envelope> parsed = suit::Envelope::Parse(bytes);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<std::vector<keys::PublicKey>> anchors = ValidAnchors(domain, now);
  if (!anchors.ok()) return anchors.status();
  absl::StatusOr<suit::VerifiedEnvelope> verified =
      suit::VerifiedEnvelope::Verify(*std::move(parsed), *anchors);
  if (!verified.ok()) return verified.status();
  absl::Status status = suit::CheckPublishable(*verified);
  if (!status.ok()) return status;
  // Dependencies across and within domains need grants, which the catalogue does not keep.
  if (!verified->manifest().dependencies.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("S-17: manifest.common.dependencies: want none, found ",
                     verified->manifest().dependencies.size(),
                     "; this catalogue takes no manifest that needs another one"));
  }
  absl::StatusOr<storage::Manifest> manifest = Describe(*verified, domain);
  if (!manifest.ok()) return manifest.status();
  status = CheckNamespace(*manifest, domain);
  if (!status.ok()) return status;
  return Publication(*std::move(manifest), suit::PublishWarnings(*verified));
}

absl::StatusOr<ManifestFacts> ReadFacts(absl::Span<const uint8_t> bytes) {
  absl::StatusOr<suit::Envelope> envelope = suit::Envelope::Parse(bytes);
  if (!envelope.ok()) return envelope.status();
  absl::StatusOr<std::vector<suit::ComponentFacts>> components =
      suit::CollectComponentFacts(envelope->unverified_manifest());
  if (!components.ok()) return components.status();
  ManifestFacts facts;
  facts.envelope_size = envelope->without_tag().size();
  for (const suit::ComponentFacts& component : *components) {
    absl::StatusOr<storage::ComponentId> id = ToStorage(component.id);
    if (!id.ok()) return id.status();
    std::optional<std::string> image;
    if (component.image_digest.has_value() && component.image_digest->algorithm == suit::kSha256) {
      image = component.image_digest->bytes;
    }
    facts.components.push_back({*std::move(id), std::move(image)});
  }
  return facts;
}

namespace {

std::vector<suit::ComponentFacts> FactsIn(absl::Span<const uint8_t> bytes) {
  const auto envelope = suit::Envelope::Parse(bytes);
  if (!envelope.ok()) return {};
  auto facts = suit::CollectComponentFacts(envelope->unverified_manifest());
  return facts.ok() ? *std::move(facts) : std::vector<suit::ComponentFacts>();
}

void AddIfChanged(const suit::ComponentId& component, absl::string_view what,
                  const std::optional<std::string>& before, const std::optional<std::string>& now,
                  std::vector<std::string>& warnings) {
  if (!before.has_value() || !now.has_value() || *before == *now) return;
  warnings.push_back(absl::StrCat("S-11: ", suit::ComponentIdText(component), ": ", what, " is ",
                                  absl::BytesToHexString(*now), ", and was ",
                                  absl::BytesToHexString(*before), " in the manifest before"));
}

}  // namespace

std::vector<std::string> ChangedIdentifiers(absl::Span<const uint8_t> before,
                                            absl::Span<const uint8_t> now) {
  std::vector<std::string> warnings;
  const std::vector<suit::ComponentFacts> earlier = FactsIn(before);
  for (const suit::ComponentFacts& component : FactsIn(now)) {
    for (const suit::ComponentFacts& same : earlier) {
      if (same.id != component.id) continue;
      AddIfChanged(component.id, "vendor-identifier", same.vendor_id, component.vendor_id,
                   warnings);
      AddIfChanged(component.id, "class-identifier", same.class_id, component.class_id, warnings);
    }
  }
  return warnings;
}

absl::StatusOr<storage::ComponentId> ToStorage(const suit::ComponentId& id) {
  std::vector<storage::Bytes> segments;
  segments.reserve(id.size());
  for (const std::string& segment : id) segments.emplace_back(segment.begin(), segment.end());
  return storage::ComponentId::FromSegments(std::move(segments));
}

suit::ComponentId ToSuit(const storage::ComponentId& id) {
  suit::ComponentId out;
  for (const storage::Bytes& segment : id.segments()) {
    out.emplace_back(segment.begin(), segment.end());
  }
  return out;
}

}  // namespace tam::catalog
