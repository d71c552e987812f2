#include "services/catalog/resolve.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tam::catalog {
namespace {

using storage::ComponentId;
using storage::Deployment;
using storage::DeploymentState;
using storage::Domain;
using storage::DomainId;
using storage::DomainState;
using storage::Manifest;

// A manifest component belongs to a domain: prefixes are exclusive, but both are compared.
using Key = std::pair<DomainId, ComponentId>;

const Domain* FindDomain(const CatalogView& view, const DomainId& id) {
  for (const Domain& domain : view.snapshot.domains) {
    if (domain.id == id) return &domain;
  }
  return nullptr;
}

bool Precedes(const Deployment& a, const Deployment& b) {
  if (a.pinned.has_value() != b.pinned.has_value()) {
    return a.pinned.has_value();
  }
  return a.name < b.name;
}

// Rule 1.
std::map<Key, const Deployment*> WantedDeployments(const CatalogView& view,
                                                   const DeviceFacts& device) {
  std::map<Key, const Deployment*> wanted;
  for (const Deployment& deployment : view.snapshot.deployments) {
    const Domain* domain = FindDomain(view, deployment.domain);
    if (domain == nullptr || domain->state == DomainState::kDeleted) continue;
    if (!Selects(deployment.selector, device)) continue;
    const Deployment*& slot = wanted[{deployment.domain, deployment.manifest_component}];
    if (slot == nullptr || Precedes(deployment, *slot)) slot = &deployment;
  }
  return wanted;
}

// Rule 2, as far as the deployment and its domain decide.
const Manifest* Target(const CatalogView& view, const Deployment& deployment, bool attested) {
  if (deployment.state != DeploymentState::kActive) return nullptr;
  if (!attested && !deployment.unattested_allowed) return nullptr;
  const Domain& domain = *FindDomain(view, deployment.domain);
  const Manifest* best = nullptr;
  for (const Manifest& manifest : view.snapshot.manifests) {
    if (manifest.domain != deployment.domain ||
        manifest.manifest_component != deployment.manifest_component ||
        manifest.state != storage::ManifestState::kPublished || !MayDeliver(domain, manifest)) {
      continue;
    }
    if (deployment.pinned.has_value()) {
      if (manifest.digest == *deployment.pinned) return &manifest;
    } else if (best == nullptr || manifest.sequence > best->sequence) {
      best = &manifest;
    }
  }
  return best;
}

const ManifestFacts* FindFacts(const CatalogView& view, const storage::ManifestRef& ref) {
  const auto it = view.facts.find(ref);
  return it == view.facts.end() ? nullptr : &it->second;
}

const InstalledManifest* FindInstalled(const DeviceFacts& device, const Key& key) {
  for (const InstalledManifest& installed : device.installed) {
    if (installed.manifest.domain == key.first && installed.manifest_component == key.second) {
      return &installed;
    }
  }
  return nullptr;
}

// Every image that the manifest names is among what was reported, with its digest.
bool ReportedAsNamed(const DeviceFacts& device, const ManifestFacts* facts) {
  if (!device.reported.has_value() || facts == nullptr) return true;
  for (const ManifestFacts::Component& component : facts->components) {
    const auto it = device.reported->find(component.id);
    if (it == device.reported->end()) return false;
    if (component.image_digest.has_value() && !it->second.empty() &&
        it->second != *component.image_digest) {
      return false;
    }
  }
  return true;
}

bool ReportedNone(const DeviceFacts& device, const ManifestFacts* facts) {
  if (!device.reported.has_value()) return false;
  if (device.reported->empty()) return true;
  if (facts == nullptr) return false;
  return std::none_of(facts->components.begin(), facts->components.end(),
                      [&](const ManifestFacts::Component& component) {
                        return device.reported->contains(component.id);
                      });
}

bool Requested(const DeviceFacts& device, const Manifest& target) {
  const auto matches = [&](const ComponentId& component) {
    const auto it = device.requested.find(component);
    return it != device.requested.end() && target.sequence >= it->second;
  };
  return matches(target.manifest_component) ||
         std::any_of(target.components.begin(), target.components.end(), matches);
}

// Rules 2 and 3.
bool NeedsInstall(const CatalogView& view, const DeviceFacts& device, const Key& key,
                  const Manifest& target) {
  const InstalledManifest* installed = FindInstalled(device, key);
  if (installed == nullptr) return true;
  if (installed->sequence > target.sequence) return false;
  if (Requested(device, target)) return true;
  if (installed->manifest.digest != target.digest) return true;
  return !ReportedAsNamed(device, FindFacts(view, installed->manifest));
}

// What deployments want on the device: manifests, and what these install.
std::set<ComponentId> WantedIds(const CatalogView& view,
                                const std::map<Key, const Deployment*>& wanted) {
  std::set<ComponentId> ids;
  for (const auto& [key, deployment] : wanted) ids.insert(key.second);
  for (const Manifest& manifest : view.snapshot.manifests) {
    if (!wanted.contains({manifest.domain, manifest.manifest_component})) continue;
    ids.insert(manifest.components.begin(), manifest.components.end());
  }
  return ids;
}

bool LiesInADomain(const CatalogView& view, const ComponentId& id) {
  return std::any_of(
      view.snapshot.domains.begin(), view.snapshot.domains.end(), [&](const Domain& domain) {
        return std::any_of(domain.prefixes.begin(), domain.prefixes.end(),
                           [&](const ComponentId& prefix) { return prefix.IsPrefixOf(id); });
      });
}

// Rule 6.
void AddUnneeded(const CatalogView& view, const std::map<Key, const Deployment*>& wanted,
                 const DeviceFacts& device, std::set<ComponentId>& unlink, Plan& plan) {
  if (device.unneeded.empty()) return;
  const std::set<ComponentId> ids = WantedIds(view, wanted);
  size_t seen = 0;
  size_t bytes = 0;
  for (const ComponentId& id : device.unneeded) {
    if (++seen > kMaxPlanUnneeded) break;
    const size_t size = id.ToKey().size();
    if (bytes + size > kMaxPlanUnneededBytes) continue;
    bytes += size;
    if (ids.contains(id)) {
      plan.kept.push_back(id);
    } else if (LiesInADomain(view, id)) {
      unlink.insert(id);
    }
  }
}

// An empty part of `wanted` matches any.
bool ClassMatches(const storage::DeviceClass& wanted,
                  const std::optional<storage::DeviceClass>& found) {
  const storage::DeviceClass have = found.value_or(storage::DeviceClass());
  return (wanted.oem_id.empty() || wanted.oem_id == have.oem_id) &&
         (wanted.hw_model.empty() || wanted.hw_model == have.hw_model);
}

}  // namespace

bool MayDeliver(const Domain& domain, const Manifest& manifest) {
  if (domain.state != DomainState::kActive) return false;
  const auto under_prefix = [&](const ComponentId& id) {
    return std::any_of(domain.prefixes.begin(), domain.prefixes.end(),
                       [&](const ComponentId& prefix) { return prefix.IsPrefixOf(id); });
  };
  return under_prefix(manifest.manifest_component) &&
         std::all_of(manifest.components.begin(), manifest.components.end(), under_prefix) &&
         std::any_of(domain.anchors.begin(), domain.anchors.end(),
                     [&](const storage::TrustAnchor& anchor) {
                       return anchor.thumbprint == manifest.signer;
                     });
}

bool Selects(const storage::DeviceSelector& selector, const DeviceFacts& device) {
  if (selector.device_class.has_value() &&
      !ClassMatches(*selector.device_class, device.device_class)) {
    return false;
  }
  for (const auto& [label, value] : selector.labels) {
    const auto it = device.labels.find(label);
    if (it == device.labels.end() || it->second != value) return false;
  }
  return selector.devices.empty() || std::find(selector.devices.begin(), selector.devices.end(),
                                               device.device) != selector.devices.end();
}

Plan Resolve(const CatalogView& view, const DeviceFacts& device, uint64_t max_envelope_bytes) {
  const std::map<Key, const Deployment*> wanted = WantedDeployments(view, device);
  Plan plan;
  uint64_t bytes = 0;
  for (const auto& [key, deployment] : wanted) {
    if (plan.install.size() == kMaxPlanManifests) break;
    const Manifest* target = Target(view, *deployment, device.attested);
    if (target == nullptr || !NeedsInstall(view, device, key, *target)) continue;
    const ManifestFacts* facts = FindFacts(view, {target->domain, target->digest});
    const uint64_t size = facts == nullptr ? target->envelope_size : facts->envelope_size;
    if (!plan.install.empty() && bytes + size > max_envelope_bytes) continue;
    bytes += size;
    plan.install.push_back(*target);
  }
  std::set<ComponentId> unlink;
  for (const InstalledManifest& installed : device.installed) {
    if (installed.manifest_component.empty()) continue;
    if (wanted.contains({installed.manifest.domain, installed.manifest_component})) continue;
    if (ReportedNone(device, FindFacts(view, installed.manifest))) continue;
    unlink.insert(installed.manifest_component);
  }
  AddUnneeded(view, wanted, device, unlink, plan);
  plan.unlink.assign(unlink.begin(), unlink.end());
  return plan;
}

}  // namespace tam::catalog
