#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

constexpr char kSelectTenant[] =
    "SELECT tenant_id, name, display_name, state, version, tam.micros(created_at) "
    "FROM registry.tenants ";

Tenant ReadTenant(RowReader& row) {
  Tenant tenant;
  tenant.id = row.Fixed<TenantId>();
  tenant.name = row.Text();
  tenant.display_name = row.Text();
  tenant.state = row.Enum<TenantState>();
  tenant.version = row.Unsigned();
  tenant.created = row.Time();
  return tenant;
}

class PostgresTenantStore : public TenantStore {
 public:
  explicit PostgresTenantStore(Database& database) : database_(database) {}

  absl::StatusOr<Tenant> Get(const TenantId& id, CallDeadline deadline) override {
    return ReadOne(database_.Execute(absl::StrCat(kSelectTenant, "WHERE tenant_id = $1"),
                                     Params::Of(id), deadline),
                   "tenant", ReadTenant);
  }

  absl::StatusOr<Tenant> GetByName(absl::string_view name, CallDeadline deadline) override {
    return ReadOne(database_.Execute(absl::StrCat(kSelectTenant, "WHERE name = $1"),
                                     Params::Of(name), deadline),
                   "tenant", ReadTenant);
  }

  absl::Status Create(const Tenant& tenant, const AuditEntry& audit,
                      CallDeadline deadline) override {
    Params params = Params::Of(tenant.id, tenant.name, tenant.display_name, tenant.state);
    const std::string sql = absl::StrCat(
        "WITH act AS (INSERT INTO registry.tenants "
        "(tenant_id, name, display_name, state, version, created_at) "
        "VALUES ($1, $2, $3, $4, 1, tam.now()) RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    return OrTaken(database_.Execute(sql, params, deadline).status(), "tenant");
  }

  absl::Status Update(const Tenant& tenant, const AuditEntry& audit,
                      CallDeadline deadline) override {
    Params params = Params::Of(tenant.id, tenant.version, tenant.display_name);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE registry.tenants SET display_name = $3, version = version + 1 "
        "WHERE tenant_id = $1 AND $2::bigint IN (0, version) RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    return Done(database_.Execute(sql, params, deadline), tenant.id, tenant.version, deadline);
  }

  absl::Status SetState(const TenantId& id, TenantState state, uint64_t version,
                        const AuditEntry& audit, CallDeadline deadline) override {
    Params params = Params::Of(id, version, state);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE registry.tenants SET state = $3::smallint, version = version + 1 "
        "WHERE tenant_id = $1 AND $2::bigint IN (0, version) AND state <> $3::smallint "
        "RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::Status done = Done(database_.Execute(sql, params, deadline), id, version, deadline);
    // Neither absence nor version: it has the state.
    return absl::IsInternal(done) ? absl::OkStatus() : done;
  }

  absl::Status Delete(const TenantId& id, uint64_t version, const AuditEntry& audit,
                      CallDeadline deadline) override {
    Params params = Params::Of(id, version);
    const std::string sql = absl::StrCat(
        "WITH act AS (DELETE FROM registry.tenants t WHERE tenant_id = $1 "
        "AND $2::bigint IN (0, version) AND NOT catalog.has_domains(tenant_id) "
        "AND NOT EXISTS (SELECT FROM registry.devices d WHERE d.tenant_id = t.tenant_id) "
        "AND NOT EXISTS (SELECT FROM registry.endpoints e WHERE e.tenant_id = t.tenant_id) "
        "RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    const bool in_use = SqlState(rows.status()) == "23503";
    if (!in_use) {
      absl::Status done = Done(rows, id, version, deadline);
      if (done.code() != absl::StatusCode::kInternal) return done;
    }
    return absl::FailedPreconditionError(
        "tenant: want no endpoint, device or domain left, got some");
  }

  absl::StatusOr<Page<Tenant>> List(const PageRequest& page, CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows =
        database_.Execute(absl::StrCat(kSelectTenant, "WHERE name > $1 ORDER BY name LIMIT $2"),
                          Params::Of(*after, page.EffectiveLimit() + 1), deadline);
    return ToPage(ReadAll(rows, ReadTenant), page, [](const Tenant& t) { return t.name; });
  }

 private:
  // Ok if a row was changed; otherwise why not. Internal: neither absence nor version.
  absl::Status Done(const absl::StatusOr<Rows>& rows, const TenantId& id, uint64_t version,
                    CallDeadline deadline) {
    if (!rows.ok() || !rows->empty()) return rows.status();
    absl::StatusOr<Tenant> tenant = Get(id, deadline);
    if (!tenant.ok()) return tenant.status();
    if (absl::Status s = CheckVersion(version, tenant->version); !s.ok()) return s;
    return absl::InternalError("tenant: want a change, got none");
  }

  Database& database_;
};

constexpr char kSelectEndpoint[] =
    "SELECT e.endpoint_id, e.tenant_id, e.name, e.path, tam.micros(e.created_at), "
    "c.generation, c.wire_profile, c.attestation_required, c.data_items, c.challenge_lifetime_s, "
    "c.update_lifetime_s, c.max_message_bytes, c.features, "
    "p.generation, p.wire_profile, p.attestation_required, p.data_items, p.challenge_lifetime_s, "
    "p.update_lifetime_s, p.max_message_bytes, p.features "
    "FROM registry.endpoints e JOIN registry.endpoint_configs c USING (endpoint_id, generation) "
    "LEFT JOIN registry.endpoint_configs p "
    "ON p.endpoint_id = e.endpoint_id AND p.generation = e.generation - 1 ";

// The column `features`.
constexpr uint64_t kOlderAlgorithms = 1;
constexpr uint64_t kUntagged = 2;
constexpr uint64_t kKeysWithoutKid = 4;
constexpr uint64_t kPassport = 8;
constexpr uint64_t kTimestamps = 16;
constexpr uint64_t kReturnResults = 32;
constexpr int kSign1Shift = 8;  // two bits

uint64_t FeaturesOf(const EndpointConfig& config) {
  const LegacyOptions& legacy = config.legacy;
  return (config.passport ? kPassport : 0) | (config.timestamps ? kTimestamps : 0) |
         (config.return_results ? kReturnResults : 0) |
         (legacy.older_algorithms ? kOlderAlgorithms : 0) | (legacy.untagged ? kUntagged : 0) |
         (legacy.keys_without_kid ? kKeysWithoutKid : 0) |
         static_cast<uint64_t>(legacy.sign1) << kSign1Shift;
}

LegacyOptions LegacyFrom(uint64_t features) {
  return {(features & kOlderAlgorithms) != 0, (features & kUntagged) != 0,
          (features & kKeysWithoutKid) != 0,
          static_cast<LegacyOptions::Sign1>(features >> kSign1Shift & 3)};
}

EndpointConfig ReadConfig(RowReader& row) {
  EndpointConfig config;
  config.generation = row.Unsigned();
  config.wire_profile = row.Enum<WireProfile>();
  config.attestation_required = row.Bool();
  config.data_items = static_cast<uint32_t>(row.Int());
  config.challenge_lifetime = absl::Seconds(row.Int());
  config.update_lifetime = absl::Seconds(row.Int());
  config.max_message_bytes = row.Unsigned();
  const uint64_t features = row.Unsigned();
  config.passport = (features & kPassport) != 0;
  config.timestamps = (features & kTimestamps) != 0;
  config.return_results = (features & kReturnResults) != 0;
  config.legacy = LegacyFrom(features);
  return config;
}

Endpoint ReadEndpoint(RowReader& row) {
  Endpoint endpoint;
  endpoint.id = row.Fixed<EndpointId>();
  endpoint.tenant = row.Fixed<TenantId>();
  endpoint.name = row.Text();
  endpoint.path = row.Text();
  endpoint.created = row.Time();
  endpoint.current = ReadConfig(row);
  if (!row.NextIsNull()) endpoint.previous = ReadConfig(row);
  return endpoint;
}

void AddConfig(const EndpointConfig& config, Params& params) {
  params.Add(config.wire_profile)
      .Add(config.attestation_required)
      .Add(config.data_items)
      .Add(absl::ToInt64Seconds(config.challenge_lifetime))
      .Add(absl::ToInt64Seconds(config.update_lifetime))
      .Add(config.max_message_bytes)
      .Add(FeaturesOf(config));
}

class PostgresEndpointStore : public EndpointStore {
 public:
  explicit PostgresEndpointStore(Database& database) : database_(database) {}

  absl::Status Create(const Endpoint& endpoint, const AuditEntry& audit,
                      CallDeadline deadline) override {
    Params params = Params::Of(endpoint.id, endpoint.tenant, endpoint.name, endpoint.path);
    AddConfig(endpoint.current, params);
    const std::string sql = absl::StrCat(
        "WITH act AS (INSERT INTO registry.endpoints "
        "(endpoint_id, tenant_id, name, path, generation, created_at) "
        "VALUES ($1, $2, $3, $4, 1, tam.now()) RETURNING endpoint_id), "
        "config AS (INSERT INTO registry.endpoint_configs "
        "SELECT endpoint_id, 1, $5::smallint, $6::boolean, $7::bigint, $8::bigint, $9::bigint, "
        "$10::bigint, $11::bigint FROM act)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    const absl::Status status = database_.Execute(sql, params, deadline).status();
    if (SqlState(status) == "23503") return Missing("endpoint.tenant");
    return OrTaken(status, "endpoint");
  }

  absl::StatusOr<Endpoint> Update(const EndpointId& id, const EndpointConfig& config,
                                  const AuditEntry& audit, CallDeadline deadline) override {
    Params params = Params::Of(id, config.generation);
    AddConfig(config, params);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE registry.endpoints SET generation = generation + 1 "
        "WHERE endpoint_id = $1 AND $2::bigint IN (0, generation) "
        "RETURNING endpoint_id, generation), "
        "config AS (INSERT INTO registry.endpoint_configs "
        "SELECT endpoint_id, generation, $3::smallint, $4::boolean, $5::bigint, $6::bigint, "
        "$7::bigint, $8::bigint, $9::bigint FROM act), "
        "old AS (DELETE FROM registry.endpoint_configs c USING act "
        "WHERE c.endpoint_id = act.endpoint_id AND c.generation < act.generation - 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::Status status =
        Done(database_.Execute(sql, params, deadline), id, config.generation, deadline);
    if (!status.ok()) return status;
    return Get(id, deadline);
  }

  absl::Status Delete(const EndpointId& id, uint64_t generation, const AuditEntry& audit,
                      CallDeadline deadline) override {
    Params params = Params::Of(id, generation);
    const std::string sql = absl::StrCat(
        "WITH act AS (DELETE FROM registry.endpoints WHERE endpoint_id = $1 "
        "AND $2::bigint IN (0, generation) RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    return Done(database_.Execute(sql, params, deadline), id, generation, deadline);
  }

  absl::StatusOr<Endpoint> Get(const EndpointId& id, CallDeadline deadline) override {
    return FindOne("WHERE e.endpoint_id = $1", Params::Of(id), deadline);
  }
  absl::StatusOr<Endpoint> GetByPath(absl::string_view path, CallDeadline deadline) override {
    return FindOne("WHERE e.path = $1", Params::Of(path), deadline);
  }
  absl::StatusOr<Endpoint> GetByName(const TenantId& tenant, absl::string_view name,
                                     CallDeadline deadline) override {
    return FindOne("WHERE e.tenant_id = $1 AND e.name = $2", Params::Of(tenant, name), deadline);
  }

  absl::StatusOr<Page<Endpoint>> List(const TenantId& tenant, const PageRequest& page,
                                      CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(kSelectEndpoint,
                     "WHERE e.tenant_id = $1 AND e.name > $2 ORDER BY e.name LIMIT $3"),
        Params::Of(tenant, *after, page.EffectiveLimit() + 1), deadline);
    return ToPage(ReadAll(rows, ReadEndpoint), page, [](const Endpoint& e) { return e.name; });
  }

 private:
  absl::StatusOr<Endpoint> FindOne(absl::string_view where, const Params& params,
                                   CallDeadline deadline) {
    return ReadOne(database_.Execute(absl::StrCat(kSelectEndpoint, where), params, deadline),
                   "endpoint", ReadEndpoint);
  }

  absl::Status Done(const absl::StatusOr<Rows>& rows, const EndpointId& id, uint64_t generation,
                    CallDeadline deadline) {
    if (!rows.ok() || !rows->empty()) return rows.status();
    absl::StatusOr<Endpoint> endpoint = Get(id, deadline);
    if (!endpoint.ok()) return endpoint.status();
    return CheckVersion(generation, endpoint->current.generation);
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<TenantStore> NewTenantStore(Database& database) {
  return std::make_unique<PostgresTenantStore>(database);
}
std::unique_ptr<EndpointStore> NewEndpointStore(Database& database) {
  return std::make_unique<PostgresEndpointStore>(database);
}

}  // namespace tam::storage::postgres
