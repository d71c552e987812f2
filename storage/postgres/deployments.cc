#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/catalog_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

constexpr char kById[] = "WHERE d.tenant_id = $1 AND d.deployment_id = $2";

absl::Status CheckTarget(Connection& connection, const Deployment& deployment) {
  absl::StatusOr<Rows> rows = connection.Execute(
      "SELECT 1 FROM catalog.manifests WHERE tenant_id = $1 AND domain_id = $2 AND component = $3 "
      "AND ($4::bytea IS NULL OR digest = $4::bytea) LIMIT 1",
      Params::Of(deployment.tenant, deployment.domain, deployment.manifest_component,
                 deployment.pinned));
  if (rows.ok() && rows->empty()) return Missing("deployment.manifest");
  return rows.status();
}

// $1 tenant, $2 deployment, $3..$10 what may change.
Params SettableParams(const Deployment& deployment) {
  const DeviceSelector& selector = deployment.selector;
  std::optional<Bytes> oem, model;
  if (selector.device_class.has_value()) {
    oem = selector.device_class->oem_id;
    model = selector.device_class->hw_model;
  }
  std::vector<std::string> keys, values;
  for (const auto& [key, value] : selector.labels) {
    keys.push_back(key);
    values.push_back(value);
  }
  return Params::Of(deployment.tenant, deployment.id, oem, model, keys, values, selector.devices,
                    deployment.pinned, deployment.unattested_allowed, deployment.state);
}

class PostgresDeploymentStore : public DeploymentStore {
 public:
  explicit PostgresDeploymentStore(Database& database) : database_(database) {}

  absl::Status Create(const Deployment& deployment, const AuditEntry& audit,
                      CallDeadline deadline) override {
    const auto insert = [&](Connection& connection) -> absl::Status {
      absl::Status status = BumpGeneration(connection, "catalog", deployment.tenant);
      if (!status.ok()) return status;
      Params params = SettableParams(deployment);
      params.Add(deployment.name).Add(deployment.domain).Add(deployment.manifest_component);
      const std::string sql = absl::StrCat(
          "WITH act AS (INSERT INTO catalog.deployments (tenant_id, deployment_id, class_oem, "
          "class_model, label_keys, label_values, devices, pinned, unattested_allowed, state, "
          "name, "
          "domain_id, component, version, created_at) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, tam.now()) "
          "RETURNING 1)",
          AuditFragment(audit, "act", params), "SELECT 1");
      status = connection.Execute(sql, params).status();
      return status.ok() ? CheckTarget(connection, deployment) : status;
    };
    return OrTaken(database_.Transact(insert, deadline), "deployment");
  }

  absl::Status Update(const Deployment& deployment, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) -> absl::Status {
          absl::StatusOr<Deployment> stored =
              Begin(connection, deployment.tenant, deployment.id, deployment.version);
          if (!stored.ok()) return stored.status();
          stored->pinned = deployment.pinned;
          if (absl::Status s = CheckTarget(connection, *stored); !s.ok()) return s;
          Params params = SettableParams(deployment);
          const std::string sql = absl::StrCat(
              "WITH act AS (UPDATE catalog.deployments SET class_oem = $3, class_model = $4, "
              "label_keys = $5, label_values = $6, devices = $7, pinned = $8, "
              "unattested_allowed = $9, state = $10, version = version + 1 "
              "WHERE tenant_id = $1 AND deployment_id = $2 RETURNING 1)",
              AuditFragment(audit, "act", params), "SELECT 1");
          return connection.Execute(sql, params).status();
        },
        deadline);
  }

  absl::Status Delete(const TenantId& tenant, const DeploymentId& id, uint64_t version,
                      const AuditEntry& audit, CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) -> absl::Status {
          absl::StatusOr<Deployment> stored = Begin(connection, tenant, id, version);
          if (!stored.ok()) return stored.status();
          Params params = Params::Of(tenant, id);
          const std::string sql = absl::StrCat(
              "WITH act AS (DELETE FROM catalog.deployments "
              "WHERE tenant_id = $1 AND deployment_id = $2 RETURNING 1)",
              AuditFragment(audit, "act", params), "SELECT 1");
          return connection.Execute(sql, params).status();
        },
        deadline);
  }

  absl::StatusOr<Deployment> Get(const TenantId& tenant, const DeploymentId& id,
                                 CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectDeployment, kById), Params::Of(tenant, id), deadline),
        "deployment", ReadDeployment);
  }

  absl::StatusOr<Deployment> GetByName(const TenantId& tenant, absl::string_view name,
                                       CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectDeployment, "WHERE d.tenant_id = $1 AND d.name = $2"),
                          Params::Of(tenant, name), deadline),
        "deployment", ReadDeployment);
  }

  absl::StatusOr<Page<Deployment>> List(const TenantId& tenant, const PageRequest& page,
                                        CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(kSelectDeployment,
                     "WHERE d.tenant_id = $1 AND d.name > $2 ORDER BY d.name LIMIT $3"),
        Params::Of(tenant, *after, page.EffectiveLimit() + 1), deadline);
    return ToPage(ReadAll(rows, ReadDeployment), page, [](const Deployment& d) { return d.name; });
  }

 private:
  static absl::StatusOr<Deployment> Begin(Connection& connection, const TenantId& tenant,
                                          const DeploymentId& id, uint64_t version) {
    absl::Status status = BumpGeneration(connection, "catalog", tenant);
    if (!status.ok()) return status;
    absl::StatusOr<Deployment> stored =
        ReadOne(connection.Execute(absl::StrCat(kSelectDeployment, kById), Params::Of(tenant, id)),
                "deployment", ReadDeployment);
    if (!stored.ok()) return stored;
    if (absl::Status s = CheckVersion(version, stored->version); !s.ok()) return s;
    return stored;
  }

  Database& database_;
};

absl::StatusOr<uint64_t> ReadGeneration(const absl::StatusOr<Rows>& rows) {
  if (rows.ok() && rows->empty()) return 0;
  return ReadOne(rows, "generation", [](RowReader& row) { return row.Unsigned(); });
}

constexpr char kGeneration[] = "SELECT generation FROM catalog.generations WHERE tenant_id = $1";

// Manifests that a deployment wants: the newest of its component, and the pinned one.
constexpr char kWanted[] = R"sql(
WHERE m.tenant_id = $1 AND m.state = 0 AND EXISTS (
  SELECT FROM catalog.deployments d WHERE d.tenant_id = m.tenant_id AND d.domain_id = m.domain_id
    AND d.component = m.component AND (d.pinned = m.digest OR m.sequence = (
      SELECT max(n.sequence) FROM catalog.manifests n WHERE n.tenant_id = m.tenant_id
        AND n.domain_id = m.domain_id AND n.component = m.component AND n.state = 0)))
ORDER BY m.domain_id, m.digest)sql";

class PostgresCatalogReader : public CatalogReader {
 public:
  explicit PostgresCatalogReader(Database& database) : database_(database) {}

  absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline deadline) override {
    return ReadGeneration(database_.Execute(kGeneration, Params::Of(tenant), deadline));
  }

  // Every write changes the generation in its transaction: if it is the same before and after,
  // nothing was written in between, and what was read is of one moment.
  absl::StatusOr<CatalogSnapshot> Snapshot(const TenantId& tenant, CallDeadline deadline) override {
    for (int attempt = 0; attempt < 10; ++attempt) {
      absl::StatusOr<uint64_t> before = Generation(tenant, deadline);
      if (!before.ok()) return before.status();
      absl::StatusOr<CatalogSnapshot> snapshot = Read(tenant, deadline);
      if (!snapshot.ok()) return snapshot;
      absl::StatusOr<uint64_t> after = Generation(tenant, deadline);
      if (!after.ok()) return after.status();
      snapshot->generation = *after;
      if (*before == *after) return snapshot;
    }
    return absl::UnavailableError("catalog: want a moment without writes, got none");
  }

 private:
  absl::StatusOr<CatalogSnapshot> Read(const TenantId& tenant, CallDeadline deadline) {
    const Params of_tenant = Params::Of(tenant);
    CatalogSnapshot snapshot;
    auto domains = ReadAll(
        database_.Execute(absl::StrCat(kSelectDomain, "WHERE d.tenant_id = $1 ORDER BY d.name"),
                          of_tenant, deadline),
        ReadDomain);
    if (!domains.ok()) return domains.status();
    snapshot.domains = *std::move(domains);
    auto deployments = ReadAll(
        database_.Execute(absl::StrCat(kSelectDeployment, "WHERE d.tenant_id = $1 ORDER BY d.name"),
                          of_tenant, deadline),
        ReadDeployment);
    if (!deployments.ok()) return deployments.status();
    snapshot.deployments = *std::move(deployments);
    auto manifests =
        ReadAll(database_.Execute(absl::StrCat(kSelectManifest, kWanted), of_tenant, deadline),
                ReadManifest);
    if (!manifests.ok()) return manifests.status();
    snapshot.manifests = *std::move(manifests);
    return snapshot;
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<DeploymentStore> NewDeploymentStore(Database& database) {
  return std::make_unique<PostgresDeploymentStore>(database);
}
std::unique_ptr<CatalogReader> NewCatalogReader(Database& database) {
  return std::make_unique<PostgresCatalogReader>(database);
}

}  // namespace tam::storage::postgres
