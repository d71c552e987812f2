#include <algorithm>

#include "storage/memory/state.h"

namespace tam::storage::memory {
namespace {

class MemoryTenantStore : public TenantStore {
 public:
  explicit MemoryTenantStore(State& state) : state_(state) {}

  absl::StatusOr<Tenant> Get(const TenantId& id, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const Tenant* tenant = Find(id);
    if (tenant == nullptr) return Missing("tenant");
    return *tenant;
  }

  absl::StatusOr<Tenant> GetByName(absl::string_view name, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.tenants.find(std::string(name));
    if (it == state_.tenants.end()) return Missing("tenant");
    return it->second;
  }

  absl::Status Create(const Tenant& tenant, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (Find(tenant.id) != nullptr) return Taken("tenant");
    if (!state_.tenant_names.insert(tenant.name).second) return Taken("tenant");
    Tenant& row = state_.tenants[tenant.name] = tenant;
    row.version = 1;
    row.created = state_.now();
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status Update(const Tenant& tenant, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    Tenant* row = Find(tenant.id);
    if (row == nullptr) return Missing("tenant");
    if (absl::Status s = CheckVersion(tenant.version, row->version); !s.ok()) return s;
    row->display_name = tenant.display_name;
    ++row->version;
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status SetState(const TenantId& id, TenantState state, uint64_t version,
                        const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    Tenant* row = Find(id);
    if (row == nullptr) return Missing("tenant");
    if (absl::Status s = CheckVersion(version, row->version); !s.ok()) return s;
    if (row->state == state) return absl::OkStatus();
    row->state = state;
    ++row->version;
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status Delete(const TenantId& id, uint64_t version, const AuditEntry& audit,
                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    Tenant* row = Find(id);
    if (row == nullptr) return Missing("tenant");
    if (absl::Status s = CheckVersion(version, row->version); !s.ok()) return s;
    if (InUse(id)) {
      return absl::FailedPreconditionError(
          "tenant: want no endpoint, device or domain left, got some");
    }
    state_.tenants.erase(row->name);
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Page<Tenant>> List(const PageRequest& page, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<Tenant> rows;
    for (const auto& [name, tenant] : state_.tenants) rows.push_back(tenant);
    return Paginate(rows, page, [](const Tenant& t) { return t.name; });
  }

 private:
  Tenant* Find(const TenantId& id) {
    for (auto& [name, tenant] : state_.tenants) {
      if (tenant.id == id) return &tenant;
    }
    return nullptr;
  }

  bool InUse(const TenantId& id) {
    for (const auto& [key, endpoint] : state_.endpoints) {
      if (endpoint.tenant == id) return true;
    }
    for (const auto& [key, device] : state_.devices) {
      if (key.first == id) return true;
    }
    for (const auto& [key, domain] : state_.domains) {
      if (key.first == id && domain.state != DomainState::kDeleted) return true;
    }
    return false;
  }

  State& state_;
};

class MemoryEndpointStore : public EndpointStore {
 public:
  explicit MemoryEndpointStore(State& state) : state_(state) {}

  absl::Status Create(const Endpoint& endpoint, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    for (const auto& [id, other] : state_.endpoints) {
      if (id == endpoint.id || other.path == endpoint.path ||
          (other.tenant == endpoint.tenant && other.name == endpoint.name)) {
        return Taken("endpoint");
      }
    }
    Endpoint& row = state_.endpoints[endpoint.id] = endpoint;
    row.current.generation = 1;
    row.previous.reset();
    row.created = state_.now();
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Endpoint> Update(const EndpointId& id, const EndpointConfig& config,
                                  const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.endpoints.find(id);
    if (it == state_.endpoints.end()) return Missing("endpoint");
    Endpoint& row = it->second;
    if (absl::Status s = CheckVersion(config.generation, row.current.generation); !s.ok()) return s;
    row.previous = row.current;
    row.current = config;
    row.current.generation = row.previous->generation + 1;
    state_.Append(audit);
    return row;
  }

  absl::Status Delete(const EndpointId& id, uint64_t generation, const AuditEntry& audit,
                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.endpoints.find(id);
    if (it == state_.endpoints.end()) return Missing("endpoint");
    if (absl::Status s = CheckVersion(generation, it->second.current.generation); !s.ok()) return s;
    state_.endpoints.erase(it);
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Endpoint> Get(const EndpointId& id, CallDeadline) override {
    return FindIf([&](const Endpoint& e) { return e.id == id; });
  }
  absl::StatusOr<Endpoint> GetByPath(absl::string_view path, CallDeadline) override {
    return FindIf([&](const Endpoint& e) { return e.path == path; });
  }
  absl::StatusOr<Endpoint> GetByName(const TenantId& tenant, absl::string_view name,
                                     CallDeadline) override {
    return FindIf([&](const Endpoint& e) { return e.tenant == tenant && e.name == name; });
  }

  absl::StatusOr<Page<Endpoint>> List(const TenantId& tenant, const PageRequest& page,
                                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<Endpoint> rows;
    for (const auto& [id, endpoint] : state_.endpoints) {
      if (endpoint.tenant == tenant) rows.push_back(endpoint);
    }
    std::sort(rows.begin(), rows.end(),
              [](const Endpoint& a, const Endpoint& b) { return a.name < b.name; });
    return Paginate(rows, page, [](const Endpoint& e) { return e.name; });
  }

 private:
  template <typename Predicate>
  absl::StatusOr<Endpoint> FindIf(const Predicate& predicate) {
    std::lock_guard lock(state_.mutex);
    for (const auto& [id, endpoint] : state_.endpoints) {
      if (predicate(endpoint)) return endpoint;
    }
    return Missing("endpoint");
  }

  State& state_;
};

}  // namespace

std::unique_ptr<TenantStore> NewTenantStore(State& state) {
  return std::make_unique<MemoryTenantStore>(state);
}
std::unique_ptr<EndpointStore> NewEndpointStore(State& state) {
  return std::make_unique<MemoryEndpointStore>(state);
}

}  // namespace tam::storage::memory
