#include <algorithm>

#include "absl/strings/escaping.h"
#include "storage/memory/state.h"
#include "storage/model/catalog_rules.h"

namespace tam::storage::memory {
namespace {

Domain* FindDomain(State& state, const TenantId& tenant, const DomainId& id) {
  for (auto& [key, domain] : state.domains) {
    if (key.first == tenant && domain.id == id) return &domain;
  }
  return nullptr;
}

void Commit(State& state, const TenantId& tenant, const AuditEntry& audit) {
  ++state.catalog_generation[tenant];
  state.Append(audit);
}

class MemoryDomainStore : public DomainStore {
 public:
  explicit MemoryDomainStore(State& state) : state_(state) {}

  absl::Status Create(const Domain& domain, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (FindDomain(state_, domain.tenant, domain.id) != nullptr ||
        state_.domains.contains({domain.tenant, domain.name})) {
      return Taken("domain");
    }
    if (absl::Status s = CheckPrefixes(domain); !s.ok()) return s;
    Domain& row = state_.domains[{domain.tenant, domain.name}] = domain;
    row.version = 1;
    row.created = state_.now();
    Commit(state_, domain.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status Update(const Domain& domain, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    Domain* row = FindDomain(state_, domain.tenant, domain.id);
    if (row == nullptr) return Missing("domain");
    if (absl::Status s = CheckVersion(domain.version, row->version); !s.ok()) return s;
    if (row->state == DomainState::kDeleted) {
      return absl::FailedPreconditionError("domain.state: want active or suspended, got deleted");
    }
    if (absl::Status s = CheckPrefixes(domain); !s.ok()) return s;
    Domain next = domain;
    next.name = row->name;
    next.created = row->created;
    next.version = row->version + 1;
    *row = std::move(next);
    Commit(state_, domain.tenant, audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Domain> GetByName(const TenantId& tenant, absl::string_view name,
                                   CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.domains.find({tenant, std::string(name)});
    if (it == state_.domains.end()) return Missing("domain");
    return it->second;
  }

  absl::StatusOr<Domain> Get(const TenantId& tenant, const DomainId& id, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const Domain* row = FindDomain(state_, tenant, id);
    if (row == nullptr) return Missing("domain");
    return *row;
  }

  absl::StatusOr<Page<Domain>> List(const TenantId& tenant, absl::string_view owner,
                                    const PageRequest& page, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<Domain> rows;
    for (const auto& [key, domain] : state_.domains) {
      if (key.first != tenant) continue;
      const auto& owners = domain.owners;
      const bool owned = std::find(owners.begin(), owners.end(), owner) != owners.end();
      if (owner.empty() || owned) rows.push_back(domain);
    }
    return Paginate(rows, page, [](const Domain& d) { return d.name; });
  }

 private:
  absl::Status CheckPrefixes(const Domain& domain) {
    if (absl::Status s = CheckDomain(domain); !s.ok()) return s;
    for (const auto& [key, other] : state_.domains) {
      if (key.first != domain.tenant || other.id == domain.id) continue;
      for (const ComponentId& prefix : other.prefixes) {
        if (absl::Status s = CheckPrefixAgainst(domain, prefix); !s.ok()) return s;
      }
    }
    return absl::OkStatus();
  }

  State& state_;
};

// Sort key: component, then falling sequence. In hexadecimal, so that a component whose key begins
// another's comes first whatever the sequence.
std::string ManifestKey(const Manifest& manifest) {
  const Bytes component = manifest.manifest_component.ToKey();
  const std::string key(component.begin(), component.end());
  return absl::StrCat(absl::BytesToHexString(key), "/",
                      absl::Hex(~manifest.sequence, absl::kZeroPad16));
}

class MemoryManifestStore : public ManifestStore {
 public:
  explicit MemoryManifestStore(State& state) : state_(state) {}

  absl::StatusOr<PublishOutcome> Publish(const Manifest& manifest,
                                         absl::Span<const uint8_t> envelope,
                                         const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const Domain* domain = FindDomain(state_, manifest.tenant, manifest.domain);
    if (domain == nullptr) return Missing("domain");
    const std::pair<TenantId, ManifestRef> key(manifest.tenant, {manifest.domain, manifest.digest});
    if (state_.manifests.contains(key)) return PublishOutcome::kAlreadyPublished;
    uint64_t used_manifests = 0, used_bytes = 0;
    std::optional<uint64_t> highest;
    for (const auto& [other, row] : state_.manifests) {
      if (other.first != manifest.tenant || other.second.domain != manifest.domain) continue;
      ++used_manifests;
      used_bytes += row.envelope.size();
      if (row.manifest.manifest_component != manifest.manifest_component) continue;
      if (row.manifest.sequence == manifest.sequence) return Taken("manifest.sequence");
      highest = std::max(highest.value_or(0), row.manifest.sequence);
    }
    absl::Status s =
        CheckPublish(*domain, manifest, envelope.size(), used_manifests, used_bytes, state_.now());
    if (s.ok() && highest.has_value()) s = CheckSequence(manifest.sequence, *highest);
    if (!s.ok()) return s;
    PublishedManifest& row = state_.manifests[key];
    row.manifest = manifest;
    row.manifest.envelope_size = envelope.size();
    row.manifest.state = ManifestState::kPublished;
    row.manifest.published = state_.now();
    row.envelope.assign(envelope.begin(), envelope.end());
    Commit(state_, manifest.tenant, audit);
    return PublishOutcome::kPublished;
  }

  absl::Status Withdraw(const TenantId& tenant, const ManifestRef& manifest,
                        const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.manifests.find({tenant, manifest});
    if (it == state_.manifests.end()) return Missing("manifest");
    if (it->second.manifest.state == ManifestState::kWithdrawn) return absl::OkStatus();
    it->second.manifest.state = ManifestState::kWithdrawn;
    Commit(state_, tenant, audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Manifest> Get(const TenantId& tenant, const ManifestRef& manifest,
                               CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.manifests.find({tenant, manifest});
    if (it == state_.manifests.end()) return Missing("manifest");
    return it->second.manifest;
  }

  absl::StatusOr<Manifest> FindByDigest(const TenantId& tenant, const ManifestDigest& digest,
                                        CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    for (const auto& [key, row] : state_.manifests) {
      if (key.first == tenant && key.second.digest == digest) return row.manifest;
    }
    return Missing("manifest");
  }

  absl::StatusOr<Page<Manifest>> List(const TenantId& tenant, const DomainId& domain,
                                      const PageRequest& page, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    return Paginate(OfDomain(tenant, domain), page, ManifestKey);
  }

  absl::StatusOr<Page<ComponentSummary>> ListComponents(const TenantId& tenant,
                                                        const DomainId& domain,
                                                        const PageRequest& page,
                                                        CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<ComponentSummary> rows;
    for (const Manifest& manifest : OfDomain(tenant, domain)) {
      if (rows.empty() || rows.back().manifest_component != manifest.manifest_component) {
        rows.emplace_back().manifest_component = manifest.manifest_component;
      }
      ComponentSummary& row = rows.back();
      ++row.manifest_count;
      if (row.newest.has_value() || manifest.state == ManifestState::kWithdrawn) continue;
      row.newest = manifest.digest;
      row.newest_sequence = manifest.sequence;
    }
    return Paginate(rows, page, [](const ComponentSummary& row) {
      const Bytes key = row.manifest_component.ToKey();
      return std::string(key.begin(), key.end());
    });
  }

  absl::StatusOr<Bytes> GetEnvelope(const TenantId& tenant, const ManifestRef& manifest,
                                    CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.manifests.find({tenant, manifest});
    if (it == state_.manifests.end()) return Missing("manifest");
    return it->second.envelope;
  }

 private:
  std::vector<Manifest> OfDomain(const TenantId& tenant, const DomainId& domain) {
    std::vector<Manifest> rows;
    for (const auto& [key, row] : state_.manifests) {
      if (key.first == tenant && key.second.domain == domain) rows.push_back(row.manifest);
    }
    std::sort(rows.begin(), rows.end(),
              [](const Manifest& a, const Manifest& b) { return ManifestKey(a) < ManifestKey(b); });
    return rows;
  }

  State& state_;
};

class MemoryDeploymentStore : public DeploymentStore {
 public:
  explicit MemoryDeploymentStore(State& state) : state_(state) {}

  absl::Status Create(const Deployment& deployment, const AuditEntry& audit,
                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (Find(deployment.tenant, deployment.id) != nullptr ||
        state_.deployments.contains({deployment.tenant, deployment.name})) {
      return Taken("deployment");
    }
    if (absl::Status s = CheckTarget(deployment); !s.ok()) return s;
    Deployment& row = state_.deployments[{deployment.tenant, deployment.name}] = deployment;
    row.version = 1;
    row.created = state_.now();
    Commit(state_, deployment.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status Update(const Deployment& deployment, const AuditEntry& audit,
                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    Deployment* row = Find(deployment.tenant, deployment.id);
    if (row == nullptr) return Missing("deployment");
    if (absl::Status s = CheckVersion(deployment.version, row->version); !s.ok()) return s;
    Deployment next = *row;
    next.selector = deployment.selector;
    next.pinned = deployment.pinned;
    next.unattested_allowed = deployment.unattested_allowed;
    next.state = deployment.state;
    ++next.version;
    if (absl::Status s = CheckTarget(next); !s.ok()) return s;
    *row = std::move(next);
    Commit(state_, deployment.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status Delete(const TenantId& tenant, const DeploymentId& id, uint64_t version,
                      const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const Deployment* row = Find(tenant, id);
    if (row == nullptr) return Missing("deployment");
    if (absl::Status s = CheckVersion(version, row->version); !s.ok()) return s;
    state_.deployments.erase({tenant, std::string(row->name)});
    Commit(state_, tenant, audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Deployment> Get(const TenantId& tenant, const DeploymentId& id,
                                 CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const Deployment* row = Find(tenant, id);
    if (row == nullptr) return Missing("deployment");
    return *row;
  }

  absl::StatusOr<Deployment> GetByName(const TenantId& tenant, absl::string_view name,
                                       CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.deployments.find({tenant, std::string(name)});
    if (it == state_.deployments.end()) return Missing("deployment");
    return it->second;
  }

  absl::StatusOr<Page<Deployment>> List(const TenantId& tenant, const PageRequest& page,
                                        CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<Deployment> rows;
    for (const auto& [key, row] : state_.deployments) {
      if (key.first == tenant) rows.push_back(row);
    }
    return Paginate(rows, page, [](const Deployment& d) { return d.name; });
  }

 private:
  Deployment* Find(const TenantId& tenant, const DeploymentId& id) {
    for (auto& [key, row] : state_.deployments) {
      if (key.first == tenant && row.id == id) return &row;
    }
    return nullptr;
  }

  absl::Status CheckTarget(const Deployment& deployment) {
    for (const auto& [key, row] : state_.manifests) {
      if (key.first != deployment.tenant || key.second.domain != deployment.domain) continue;
      if (row.manifest.manifest_component != deployment.manifest_component) continue;
      if (!deployment.pinned.has_value() || *deployment.pinned == key.second.digest) {
        return absl::OkStatus();
      }
    }
    return Missing("deployment.manifest");
  }

  State& state_;
};

class MemoryCatalogReader : public CatalogReader {
 public:
  explicit MemoryCatalogReader(State& state) : state_(state) {}

  absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.catalog_generation.find(tenant);
    return it == state_.catalog_generation.end() ? 0 : it->second;
  }

  absl::StatusOr<CatalogSnapshot> Snapshot(const TenantId& tenant, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    CatalogSnapshot snapshot;
    auto generation = state_.catalog_generation.find(tenant);
    if (generation == state_.catalog_generation.end()) return snapshot;
    snapshot.generation = generation->second;
    for (const auto& [key, domain] : state_.domains) {
      if (key.first == tenant) snapshot.domains.push_back(domain);
    }
    std::set<ManifestRef> wanted;
    for (const auto& [key, deployment] : state_.deployments) {
      if (key.first != tenant) continue;
      snapshot.deployments.push_back(deployment);
      Want(deployment, wanted);
    }
    for (const ManifestRef& ref : wanted) {
      snapshot.manifests.push_back(state_.manifests[{tenant, ref}].manifest);
    }
    return snapshot;
  }

 private:
  void Want(const Deployment& deployment, std::set<ManifestRef>& wanted) {
    const Manifest* newest = nullptr;
    for (const auto& [key, row] : state_.manifests) {
      const Manifest& manifest = row.manifest;
      if (key.first != deployment.tenant || manifest.domain != deployment.domain ||
          manifest.manifest_component != deployment.manifest_component ||
          manifest.state == ManifestState::kWithdrawn) {
        continue;
      }
      if (deployment.pinned == manifest.digest) wanted.insert(key.second);
      if (newest == nullptr || manifest.sequence > newest->sequence) newest = &manifest;
    }
    if (newest != nullptr) wanted.insert({newest->domain, newest->digest});
  }

  State& state_;
};

}  // namespace

std::unique_ptr<DomainStore> NewDomainStore(State& state) {
  return std::make_unique<MemoryDomainStore>(state);
}
std::unique_ptr<ManifestStore> NewManifestStore(State& state) {
  return std::make_unique<MemoryManifestStore>(state);
}
std::unique_ptr<DeploymentStore> NewDeploymentStore(State& state) {
  return std::make_unique<MemoryDeploymentStore>(state);
}
std::unique_ptr<CatalogReader> NewCatalogReader(State& state) {
  return std::make_unique<MemoryCatalogReader>(state);
}

}  // namespace tam::storage::memory
