#include "services/catalog/held.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tam::catalog {
namespace {

bool Serves(const HeldBinary& held, const suit::Manifest& manifest,
            const suit::ComponentFacts& component) {
  if (held.component != component.id && held.component != manifest.manifest_component_id) {
    return false;
  }
  if (manifest.sequence_number < held.min_sequence) return false;
  return held.image_digest.empty() || !component.image_digest.has_value() ||
         component.image_digest->bytes == held.image_digest;
}

}  // namespace

absl::StatusOr<suit::Envelope> WithoutHeld(suit::Envelope envelope,
                                           const std::vector<HeldBinary>& held) {
  const suit::Manifest& manifest = envelope.unverified_manifest();
  auto components = suit::CollectComponentFacts(manifest);
  if (!components.ok()) return components.status();
  std::set<std::string> spared;
  for (const suit::ComponentFacts& component : *components) {
    const bool serves = std::any_of(held.begin(), held.end(), [&](const HeldBinary& binary) {
      return Serves(binary, manifest, component);
    });
    if (!serves) continue;
    auto payloads = suit::PayloadsOf(envelope, component.id);
    if (!payloads.ok()) return payloads.status();
    spared.insert(payloads->begin(), payloads->end());
  }
  for (const std::string& name : spared) {
    auto lighter = suit::WithoutPayload(envelope, name);
    if (!lighter.ok()) return lighter.status();
    envelope = *std::move(lighter);
  }
  return envelope;
}

}  // namespace tam::catalog
