#include "services/attestation/psa/components.h"

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"

namespace tam::attestation::psa {
namespace {

const std::vector<size_t>& HashSizes() {
  static const auto& sizes = *new std::vector<size_t>{32, 48, 64};
  return sizes;
}

// A name that no measurement has yet.
std::string FreeName(const std::string& wanted, const EvidenceClaims& claims) {
  std::string name = wanted;
  for (int i = 2; claims.measurements.contains(name); ++i) name = Concat(wanted, "#", i);
  return name;
}

}  // namespace

std::vector<Component> ReadComponents(ClaimName claim, Need need, ClaimReader& reader) {
  std::vector<Component> components;
  const auto array = reader.Array(claim, need, 1, kMaxComponents);
  if (!array.has_value()) return components;
  for (cbor::Item item : array->each()) {
    const std::string path = Concat(claim.name, "[", components.size(), "]");
    if (!item.is_map()) reader.Wrong(path, "a map", cbor::TypeName(item.type()));
    ClaimReader entry(item, Concat(path, "."));
    Component component;
    component.type = entry.Text({1, "type"}, Need::kMay);
    component.value = entry.Octets({2, "value"}, Need::kMust, HashSizes());
    component.version = entry.Text({4, "version"}, Need::kMay);
    component.signer_id = entry.Octets({5, "signer_id"}, Need::kMust, HashSizes());
    component.description = entry.Text({6, "description"}, Need::kMay);
    if (const auto& wrong = entry.wrong(); wrong.has_value()) {
      reader.Wrong(wrong->claim, wrong->expected, wrong->found);
    }
    components.push_back(std::move(component));
  }
  return components;
}

void AddComponents(std::string_view path, const std::vector<Component>& components,
                   EvidenceClaims& claims) {
  for (size_t i = 0; i < components.size(); ++i) {
    const Component& component = components[i];
    const std::string type = component.type.empty() ? Concat("component.", i) : component.type;
    const std::string name = FreeName(Concat(path, type), claims);
    claims.measurements[name] = component.value;
    claims.details[name + ".signer_id"] = absl::BytesToHexString(component.signer_id);
    if (!component.version.empty()) claims.details[name + ".version"] = component.version;
    if (!component.description.empty()) {
      claims.details[name + ".description"] = component.description;
    }
  }
}

}  // namespace tam::attestation::psa
