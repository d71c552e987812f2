#include "storage/model/catalog_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/model/session_rules.h"

namespace tam::storage {
namespace {

absl::Status CheckInside(const Domain& domain, const ComponentId& component) {
  const bool inside =
      std::any_of(domain.prefixes.begin(), domain.prefixes.end(),
                  [&](const ComponentId& prefix) { return prefix.IsPrefixOf(component); });
  if (inside) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("component: want one inside the domain's prefixes, got ", component.ToString()));
}

absl::Status CheckSigner(const Domain& domain, const KeyThumbprint& signer, absl::Time now) {
  const bool valid =
      std::any_of(domain.anchors.begin(), domain.anchors.end(), [&](const TrustAnchor& anchor) {
        return anchor.thumbprint == signer && (!anchor.not_before || now >= *anchor.not_before) &&
               (!anchor.not_after || now < *anchor.not_after);
      });
  if (valid) return absl::OkStatus();
  return absl::UnauthenticatedError(
      "manifest.signer: want an anchor of the domain that is valid now, got another");
}

}  // namespace

absl::Status CheckDomain(const Domain& domain) {
  for (const ComponentId& prefix : domain.prefixes) {
    if (prefix.empty()) {
      return absl::InvalidArgumentError("domain.prefixes: want at least one segment, got none");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPrefixAgainst(const Domain& domain, const ComponentId& other) {
  for (const ComponentId& prefix : domain.prefixes) {
    if (!prefix.IsPrefixOf(other) && !other.IsPrefixOf(prefix)) continue;
    return absl::FailedPreconditionError(absl::StrCat(
        "domain.prefixes: want none that meets another domain's, got ", prefix.ToString()));
  }
  return absl::OkStatus();
}

absl::Status CheckPublish(const Domain& domain, const Manifest& manifest, uint64_t envelope_size,
                          uint64_t used_manifests, uint64_t used_bytes, absl::Time now) {
  if (manifest.manifest_component.empty()) {
    return absl::InvalidArgumentError(
        "manifest.manifest_component: want at least one segment, got none");
  }
  if (!IsStorableSequence(manifest.sequence)) {
    return absl::InvalidArgumentError(
        absl::StrCat("manifest.sequence: want at most 2^63-1, got ", manifest.sequence));
  }
  if (domain.state != DomainState::kActive) {
    return absl::FailedPreconditionError("domain.state: want active, got suspended or deleted");
  }
  if (absl::Status s = CheckSigner(domain, manifest.signer, now); !s.ok()) return s;
  if (absl::Status s = CheckInside(domain, manifest.manifest_component); !s.ok()) return s;
  for (const ComponentId& component : manifest.components) {
    if (absl::Status s = CheckInside(domain, component); !s.ok()) return s;
  }
  const DomainQuota& quota = domain.quota;
  if (quota.max_manifests != 0 && used_manifests >= quota.max_manifests) {
    return absl::ResourceExhaustedError(absl::StrCat("domain.quota.max_manifests: want at most ",
                                                     quota.max_manifests, ", got one more"));
  }
  if (quota.max_bytes != 0 && used_bytes + envelope_size > quota.max_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("domain.quota.max_bytes: want at most ",
                                                     quota.max_bytes, ", got ",
                                                     used_bytes + envelope_size));
  }
  return absl::OkStatus();
}

absl::Status CheckSequence(uint64_t sequence, uint64_t highest) {
  if (sequence > highest) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("manifest.sequence: want above ", highest, ", got ", sequence));
}

}  // namespace tam::storage
