#include <functional>
#include <utility>

#include "crypto/text/text.h"
#include "teep/suit/commands.h"
#include "teep/suit/dry_run.h"
#include "teep/suit/envelope.h"

namespace tam::suit {
namespace {

// Of any component: one comparison that fails ends the whole installation.
bool SomeComponent(const Manifest& manifest, const std::function<bool(uint64_t)>& holds) {
  for (uint64_t i = 0; i < manifest.components.size(); ++i) {
    if (holds(i)) return true;
  }
  return false;
}

std::optional<std::string> MissingComparison(const std::vector<Way>& ways, const Manifest& manifest,
                                             int64_t label, int64_t condition) {
  for (const Way& way : ways) {
    const bool compared = SomeComponent(
        manifest, [&](uint64_t i) { return way.assumed.contains(std::pair(i, label)); });
    if (compared) continue;
    const bool set =
        SomeComponent(manifest, [&](uint64_t i) { return way.Find(i, label) != nullptr; });
    return Concat(
        "S-11: manifest: ", ParameterName(label),
        set ? Concat(" is set, and no condition ", condition, " compares it") : " is not set",
        "; a device of any other ", label == parameter::kVendorId ? "vendor" : "class",
        " would install this");
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> PublishWarnings(const VerifiedEnvelope& envelope) {
  const Manifest& manifest = envelope.manifest();
  const auto ways = DryRun(manifest, [](const Step&, Way&) { return absl::OkStatus(); });
  if (!ways.ok()) return {};  // CheckPublishable refuses it
  std::vector<std::string> warnings;
  for (const auto& [label, condition] :
       {std::pair(parameter::kVendorId, command::kVendorIdentifier),
        std::pair(parameter::kClassId, command::kClassIdentifier)}) {
    auto missing = MissingComparison(*ways, manifest, label, condition);
    if (missing.has_value()) warnings.push_back(*std::move(missing));
  }
  return warnings;
}

}  // namespace tam::suit
