#include "teep/suit/commands.h"
#include "teep/suit/dry_run.h"
#include "teep/suit/envelope.h"
#include "teep/suit/status_macros.h"

namespace tam::suit {
namespace {

ComponentFacts FactsOn(const Way& way, uint64_t component, const ComponentId& id) {
  return ComponentFacts{.id = id,
                        .image_digest = ImageDigestOf(way, component),
                        .image_size = ImageSizeOf(way, component),
                        .uri = UriOf(way, component),
                        .vendor_id = UuidOf(way, component, parameter::kVendorId),
                        .class_id = UuidOf(way, component, parameter::kClassId)};
}

template <typename T>
void KeepIfEqual(std::optional<T>& fact, const std::optional<T>& other) {
  if (fact != other) fact.reset();
}

}  // namespace

absl::StatusOr<std::vector<ComponentFacts>> CollectComponentFacts(const Manifest& manifest) {
  SUIT_ASSIGN_OR_RETURN(const std::vector<Way> ways,
                        DryRun(manifest, [](const Step&, Way&) { return absl::OkStatus(); }));
  std::vector<ComponentFacts> all;
  for (uint64_t i = 0; i < manifest.components.size(); ++i) {
    ComponentFacts facts;
    facts.id = manifest.components[i];
    for (const Way& way : ways) {
      ComponentFacts other = FactsOn(way, i, manifest.components[i]);
      if (&way == &ways.front()) {
        facts = std::move(other);
        continue;
      }
      KeepIfEqual(facts.image_digest, other.image_digest);
      KeepIfEqual(facts.image_size, other.image_size);
      KeepIfEqual(facts.uri, other.uri);
      KeepIfEqual(facts.vendor_id, other.vendor_id);
      KeepIfEqual(facts.class_id, other.class_id);
    }
    all.push_back(std::move(facts));
  }
  return all;
}

}  // namespace tam::suit
