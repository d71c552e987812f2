#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/device_claims.h"
#include "storage/postgres/device_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

void AddLabels(const Labels& labels, Params& params) {
  std::vector<std::string> keys, values;
  for (const auto& [key, value] : labels) {
    keys.push_back(key);
    values.push_back(value);
  }
  params.Add(keys).Add(values);
}

absl::Status InsertKey(Connection& connection, const TenantId& tenant, const DeviceId& device,
                       const DeviceKey& key) {
  const bool pending = key.state == DeviceKeyState::kPending;
  if (!pending && key.state != DeviceKeyState::kActive) {
    return absl::InvalidArgumentError("key.state: want active or pending, got another");
  }
  absl::StatusOr<Rows> banned = connection.Execute(
      "SELECT 1 FROM registry.key_claims WHERE tenant_id = $1 AND thumbprint = $2 AND banned",
      Params::Of(tenant, key.thumbprint));
  if (!banned.ok()) return banned.status();
  if (!banned->empty()) {
    return absl::PermissionDeniedError(
        "key.thumbprint: want one that is not banned, got a banned one");
  }
  return connection
      .Execute(
          "WITH claim AS (INSERT INTO registry.key_claims (tenant_id, device_id, thumbprint) "
          "VALUES ($1::uuid, $2::uuid, $3::bytea)), "
          "key AS (INSERT INTO registry.device_keys "
          "(tenant_id, device_id, thumbprint, public_key, state, endpoints, created_at) "
          "VALUES ($1::uuid, $2::uuid, $3::bytea, $4, $5, $6, tam.now())) "
          "INSERT INTO registry.device_guard AS g (tenant_id, device_id, lane, keys) "
          "VALUES ($1::uuid, $2::uuid, $7, ARRAY[$3::bytea]) "
          "ON CONFLICT (tenant_id, device_id, lane) "
          "DO UPDATE SET keys = array_append(g.keys, $3::bytea)",
          Params::Of(tenant, device, key.thumbprint, key.public_key, key.state, key.endpoints,
                     Lane(pending, key.thumbprint)))
      .status();
}

// The guard goes first: an Accept under way has either committed, and what it wrote is removed
// below, or it waits and finds no guard.
constexpr const char* kDeleteDevice[] = {
    "DELETE FROM registry.device_guard WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.key_claims c USING registry.device_keys k "
    "WHERE k.tenant_id = $1 AND k.device_id = $2 AND c.tenant_id = k.tenant_id "
    "AND c.thumbprint = k.thumbprint AND NOT c.banned",
    "DELETE FROM registry.ueid_claims c USING registry.devices d "
    "WHERE d.tenant_id = $1 AND d.device_id = $2 AND c.tenant_id = d.tenant_id AND c.ueid = d.ueid",
    "DELETE FROM registry.device_keys WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.device_state WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.device_manifests WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.updates WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.updates_history WHERE tenant_id = $1 AND device_id = $2",
    "DELETE FROM registry.attestations WHERE tenant_id = $1 AND device_id = $2",
    "SELECT attestation.release_device($1, $2)",
    "DELETE FROM registry.devices WHERE tenant_id = $1 AND device_id = $2",
};

class PostgresDeviceStore : public DeviceStore {
 public:
  explicit PostgresDeviceStore(Database& database) : database_(database) {}

  absl::Status Create(const Device& device, const std::vector<DeviceKey>& keys,
                      const AuditEntry& audit, CallDeadline deadline) override {
    return NameTheTaken(database_.Transact(
        [&](Connection& connection) -> absl::Status {
          Params params = Params::Of(device.tenant, device.id, device.name,
                                     device.device_class.oem_id, device.device_class.hw_model);
          AddLabels(device.labels, params);
          params.Add(device.ueid);
          const std::string sql = absl::StrCat(
              "WITH act AS (INSERT INTO registry.devices (tenant_id, device_id, name, class_oem, "
              "class_model, label_keys, label_values, ueid, version, created_at) "
              "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, tam.now()) RETURNING 1)",
              AuditFragment(audit, "act", params), "SELECT 1");
          absl::Status status = connection.Execute(sql, params).status();
          if (status.ok()) status = ClaimUeid(connection, device.tenant, device.id, device.ueid);
          for (const DeviceKey& key : keys) {
            if (status.ok()) status = InsertKey(connection, device.tenant, device.id, key);
          }
          return status;
        },
        deadline));
  }

  absl::Status Update(const Device& device, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return NameTheTaken(database_.Transact(
        [&](Connection& connection) -> absl::Status {
          auto locked = LockDevice(connection, device.tenant, device.id, device.version);
          if (!locked.ok()) return locked.status();
          Params params = Params::Of(device.tenant, device.id, device.name,
                                     device.device_class.oem_id, device.device_class.hw_model);
          AddLabels(device.labels, params);
          const std::string sql = absl::StrCat(
              "WITH act AS (UPDATE registry.devices SET name = $3, class_oem = $4, "
              "class_model = $5, label_keys = $6, label_values = $7, version = version + 1 "
              "WHERE tenant_id = $1 AND device_id = $2 RETURNING 1)",
              AuditFragment(audit, "act", params), "SELECT 1");
          return connection.Execute(sql, params).status();
        },
        deadline));
  }

  absl::Status Delete(const TenantId& tenant, const DeviceId& id, uint64_t version,
                      const AuditEntry& audit, CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) -> absl::Status {
          auto locked = LockDevice(connection, tenant, id, version);
          if (!locked.ok()) return locked.status();
          for (const char* sql : kDeleteDevice) {
            absl::Status status = connection.Execute(sql, Params::Of(tenant, id)).status();
            if (!status.ok()) return status;
          }
          return WriteAudit(connection, audit);
        },
        deadline);
  }

  absl::StatusOr<Device> Get(const TenantId& tenant, const DeviceId& id,
                             CallDeadline deadline) override {
    return ReadOne(database_.Execute(absl::StrCat("SELECT ", kDeviceColumns,
                                                  " FROM registry.devices d "
                                                  "WHERE tenant_id = $1 AND device_id = $2"),
                                     Params::Of(tenant, id), deadline),
                   "device", [&](RowReader& row) { return ReadDevice(tenant, row); });
  }

  absl::StatusOr<Device> GetByName(const TenantId& tenant, absl::string_view name,
                                   CallDeadline deadline) override {
    return ReadOne(database_.Execute(absl::StrCat("SELECT ", kDeviceColumns,
                                                  " FROM registry.devices d "
                                                  "WHERE tenant_id = $1 AND name = $2"),
                                     Params::Of(tenant, name), deadline),
                   "device", [&](RowReader& row) { return ReadDevice(tenant, row); });
  }

  absl::StatusOr<Page<Device>> List(const TenantId& tenant, const PageRequest& page,
                                    CallDeadline deadline) override {
    absl::StatusOr<std::string> token = DecodePageToken(page.after);
    if (!token.ok()) return token.status();
    std::optional<DeviceId> after;
    if (!token->empty()) {
      absl::StatusOr<DeviceId> id = DeviceId::FromBytes(
          absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(token->data()), token->size()));
      if (!id.ok()) return id.status();
      after = *id;
    }
    auto rows = database_.Execute(
        absl::StrCat("SELECT ", kDeviceColumns, " FROM registry.devices d WHERE tenant_id = $1 ",
                     after.has_value() ? "AND device_id > $3::uuid" : "AND $3::uuid IS NULL",
                     " ORDER BY device_id LIMIT $2"),
        Params::Of(tenant, page.EffectiveLimit() + 1, after), deadline);
    const auto read = [&](RowReader& row) { return ReadDevice(tenant, row); };
    return ToPage(ReadAll(rows, read), page, [](const Device& device) {
      return std::string(device.id.bytes().begin(), device.id.bytes().end());
    });
  }

 private:
  Database& database_;
};

DeviceKey ReadKey(RowReader& row) {
  DeviceKey key;
  key.thumbprint = row.Fixed<KeyThumbprint>();
  key.public_key = row.Binary();
  key.state = row.Enum<DeviceKeyState>();
  key.endpoints = row.FixedArray<EndpointId>();
  key.created = row.Time();
  return key;
}

class PostgresDeviceKeyStore : public DeviceKeyStore {
 public:
  explicit PostgresDeviceKeyStore(Database& database) : database_(database) {}

  absl::StatusOr<std::vector<DeviceKey>> List(const TenantId& tenant, const DeviceId& device,
                                              CallDeadline deadline) override {
    return ReadAll(
        database_.Execute("SELECT thumbprint, public_key, state, endpoints, "
                          "tam.micros(created_at) FROM registry.device_keys "
                          "WHERE tenant_id = $1 AND device_id = $2 ORDER BY created_at, thumbprint",
                          Params::Of(tenant, device), deadline),
        ReadKey);
  }

  absl::Status Add(const TenantId& tenant, const DeviceId& device, const DeviceKey& key,
                   const AuditEntry& audit, CallDeadline deadline) override {
    return NameTheTaken(database_.Transact(
        [&](Connection& connection) -> absl::Status {
          auto locked = LockDevice(connection, tenant, device, 0);
          if (!locked.ok()) return locked.status();
          absl::Status status = InsertKey(connection, tenant, device, key);
          return status.ok() ? WriteAudit(connection, audit) : status;
        },
        deadline));
  }

  absl::Status SetState(const TenantId& tenant, const KeyThumbprint& key, DeviceKeyState state,
                        const AuditEntry& audit, CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) { return Move(connection, tenant, key, state, audit); },
        deadline);
  }

  absl::Status SetEndpoints(const TenantId& tenant, const KeyThumbprint& key,
                            const std::vector<EndpointId>& endpoints, const AuditEntry& audit,
                            CallDeadline deadline) override {
    Params params = Params::Of(tenant, key, endpoints);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE registry.device_keys k SET endpoints = $3 FROM registry.key_claims c "
        "WHERE c.tenant_id = $1 AND c.thumbprint = $2 AND k.tenant_id = c.tenant_id "
        "AND k.device_id = c.device_id AND k.thumbprint = c.thumbprint RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    if (rows.ok() && rows->empty()) return Missing("key");
    return rows.status();
  }

 private:
  static absl::Status Move(Connection& connection, const TenantId& tenant, const KeyThumbprint& key,
                           DeviceKeyState to, const AuditEntry& audit) {
    DeviceKeyState from = DeviceKeyState::kBanned;
    absl::StatusOr<DeviceId> device = ReadOne(
        connection.Execute("SELECT k.device_id, k.state FROM registry.key_claims c "
                           "JOIN registry.device_keys k USING (tenant_id, device_id, thumbprint) "
                           "WHERE c.tenant_id = $1 AND c.thumbprint = $2 FOR UPDATE",
                           Params::Of(tenant, key)),
        "key", [&](RowReader& row) {
          const DeviceId id = row.Fixed<DeviceId>();
          from = row.Enum<DeviceKeyState>();
          return id;
        });
    if (!device.ok()) return device.status();
    // The states stand in the order of a key's life.
    if (static_cast<int>(from) >= static_cast<int>(to)) {
      return absl::FailedPreconditionError("key.state: want a later state, got an earlier one");
    }
    absl::Status status = MoveGuard(connection, tenant, *device, key, from, to);
    if (status.ok() && to == DeviceKeyState::kBanned) {
      status = connection
                   .Execute(
                       "UPDATE registry.key_claims SET banned = true "
                       "WHERE tenant_id = $1 AND thumbprint = $2",
                       Params::Of(tenant, key))
                   .status();
    }
    if (!status.ok()) return status;
    Params params = Params::Of(tenant, *device, key, to);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE registry.device_keys SET state = $4 WHERE tenant_id = $1 "
        "AND device_id = $2 AND thumbprint = $3 RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1");
    return connection.Execute(sql, params).status();
  }

  static absl::Status MoveGuard(Connection& connection, const TenantId& tenant,
                                const DeviceId& device, const KeyThumbprint& key,
                                DeviceKeyState from, DeviceKeyState to) {
    absl::Status status;
    if (from == DeviceKeyState::kPending) {
      status = connection
                   .Execute(
                       "DELETE FROM registry.device_guard "
                       "WHERE tenant_id = $1 AND device_id = $2 AND lane = $3",
                       Params::Of(tenant, device, key))
                   .status();
    } else if (from == DeviceKeyState::kActive) {
      status = connection
                   .Execute(
                       "UPDATE registry.device_guard SET keys = array_remove(keys, $3::bytea) "
                       "WHERE tenant_id = $1 AND device_id = $2 AND lane = ''",
                       Params::Of(tenant, device, key))
                   .status();
    }
    if (!status.ok() || to != DeviceKeyState::kActive) return status;
    return connection
        .Execute(
            "INSERT INTO registry.device_guard AS g (tenant_id, device_id, lane, keys) "
            "VALUES ($1, $2, '', ARRAY[$3::bytea]) ON CONFLICT (tenant_id, device_id, lane) "
            "DO UPDATE SET keys = array_append(g.keys, $3::bytea)",
            Params::Of(tenant, device, key))
        .status();
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<DeviceStore> NewDeviceStore(Database& database) {
  return std::make_unique<PostgresDeviceStore>(database);
}
std::unique_ptr<DeviceKeyStore> NewDeviceKeyStore(Database& database) {
  return std::make_unique<PostgresDeviceKeyStore>(database);
}

}  // namespace tam::storage::postgres
