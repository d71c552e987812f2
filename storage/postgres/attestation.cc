#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/catalog_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

constexpr char kSelectKey[] =
    "SELECT tenant_id, thumbprint, public_key, device_id, class_oem, class_model, "
    "tam.micros(created_at) FROM attestation.keys ";
constexpr char kSelectValue[] =
    "SELECT tenant_id, name, class_oem, class_model, measurement, digests, version, "
    "tam.micros(created_at) FROM attestation.reference_values ";

AttestationKey ReadKey(RowReader& row) {
  AttestationKey key;
  key.tenant = row.Fixed<TenantId>();
  key.thumbprint = row.Fixed<KeyThumbprint>();
  key.public_key = row.Binary();
  key.device = row.Optional(&RowReader::Fixed<DeviceId>);
  const std::optional<Bytes> oem = row.Optional(&RowReader::Binary);
  const std::optional<Bytes> model = row.Optional(&RowReader::Binary);
  if (oem.has_value() && model.has_value()) key.device_class = DeviceClass{*oem, *model};
  key.created = row.Time();
  return key;
}

ReferenceValue ReadValue(RowReader& row) {
  ReferenceValue value;
  value.tenant = row.Fixed<TenantId>();
  value.name = row.Text();
  value.device_class.oem_id = row.Binary();
  value.device_class.hw_model = row.Binary();
  value.measurement = row.Text();
  value.digests = row.FixedArray<MeasurementDigest>();
  value.version = row.Unsigned();
  value.created = row.Time();
  return value;
}

AttestationPolicy ReadPolicy(RowReader& row) {
  AttestationPolicy policy;
  policy.result_profiles = row.TextArray();
  policy.evidence_profiles = row.TextArray();
  policy.verifier_keys = row.BinaryArray();
  policy.result_lifetime = absl::Seconds(row.Int());
  policy.version = row.Unsigned();
  return policy;
}

absl::StatusOr<AttestationPolicy> FindPolicy(const absl::StatusOr<Rows>& rows) {
  if (rows.ok() && rows->empty()) return AttestationPolicy();
  return ReadOne(rows, "policy", ReadPolicy);
}

constexpr char kSelectPolicy[] =
    "SELECT result_profiles, evidence_profiles, verifier_keys, result_lifetime_s, version "
    "FROM attestation.policies WHERE tenant_id = $1";

// The generation, then `body`, in one transaction.
absl::Status Write(Database& database, const TenantId& tenant, CallDeadline deadline,
                   const std::function<absl::Status(Connection&)>& body) {
  return database.Transact(
      [&](Connection& connection) -> absl::Status {
        absl::Status status = BumpGeneration(connection, "attestation", tenant);
        return status.ok() ? body(connection) : status;
      },
      deadline);
}

// `act` (a statement that returns 1 for what it did) with its audit entry. NotFound if it did
// nothing.
absl::Status Act(Connection& connection, absl::string_view act, Params params,
                 const AuditEntry& audit, absl::string_view what) {
  const std::string sql = absl::StrCat("WITH act AS (", act, " RETURNING 1)",
                                       AuditFragment(audit, "act", params), "SELECT 1 FROM act");
  absl::StatusOr<Rows> rows = connection.Execute(sql, params);
  if (rows.ok() && rows->empty()) return Missing(what);
  return rows.status();
}

class PostgresAttestationStore : public AttestationStore {
 public:
  explicit PostgresAttestationStore(Database& database) : database_(database) {}

  absl::Status AddKey(const AttestationKey& key, const AuditEntry& audit,
                      CallDeadline deadline) override {
    if (key.device.has_value() == key.device_class.has_value()) {
      return absl::InvalidArgumentError(
          "attestation-key: want a device or a class, got both or none");
    }
    std::optional<Bytes> oem, model;
    if (key.device_class.has_value()) {
      oem = key.device_class->oem_id;
      model = key.device_class->hw_model;
    }
    return OrTaken(
        Write(database_, key.tenant, deadline,
              [&](Connection& connection) {
                return Act(
                    connection,
                    "INSERT INTO attestation.keys (tenant_id, thumbprint, public_key, "
                    "device_id, class_oem, class_model, created_at) "
                    "VALUES ($1, $2, $3, $4, $5, $6, tam.now())",
                    Params::Of(key.tenant, key.thumbprint, key.public_key, key.device, oem, model),
                    audit, "attestation-key");
              }),
        "attestation-key");
  }

  absl::Status RemoveKey(const TenantId& tenant, const KeyThumbprint& key, const AuditEntry& audit,
                         CallDeadline deadline) override {
    return Write(database_, tenant, deadline, [&](Connection& connection) {
      return Act(connection,
                 "DELETE FROM attestation.keys WHERE tenant_id = $1 AND thumbprint = $2",
                 Params::Of(tenant, key), audit, "attestation-key");
    });
  }

  absl::StatusOr<Page<AttestationKey>> ListKeys(const TenantId& tenant,
                                                const std::optional<DeviceId>& device,
                                                const PageRequest& page,
                                                CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(kSelectKey,
                     "WHERE tenant_id = $1 AND ($2::uuid IS NULL OR device_id = $2::uuid) "
                     "AND thumbprint > $3::bytea ORDER BY thumbprint LIMIT $4"),
        Params::Of(tenant, device, Bytes(after->begin(), after->end()), page.EffectiveLimit() + 1),
        deadline);
    return ToPage(ReadAll(rows, ReadKey), page, [](const AttestationKey& key) {
      return std::string(key.thumbprint.bytes().begin(), key.thumbprint.bytes().end());
    });
  }

  absl::StatusOr<AttestationPolicy> GetPolicy(const TenantId& tenant,
                                              CallDeadline deadline) override {
    return FindPolicy(database_.Execute(kSelectPolicy, Params::Of(tenant), deadline));
  }

  absl::Status SetPolicy(const TenantId& tenant, const AttestationPolicy& policy,
                         const AuditEntry& audit, CallDeadline deadline) override {
    return Write(database_, tenant, deadline, [&](Connection& connection) -> absl::Status {
      absl::StatusOr<AttestationPolicy> stored =
          FindPolicy(connection.Execute(kSelectPolicy, Params::Of(tenant)));
      if (!stored.ok()) return stored.status();
      if (absl::Status s = CheckVersion(policy.version, stored->version); !s.ok()) return s;
      return Act(connection,
                 "INSERT INTO attestation.policies AS p (tenant_id, result_profiles, "
                 "evidence_profiles, verifier_keys, result_lifetime_s, version) "
                 "VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (tenant_id) DO UPDATE SET "
                 "result_profiles = EXCLUDED.result_profiles, "
                 "evidence_profiles = EXCLUDED.evidence_profiles, "
                 "verifier_keys = EXCLUDED.verifier_keys, "
                 "result_lifetime_s = EXCLUDED.result_lifetime_s, version = p.version + 1",
                 Params::Of(tenant, policy.result_profiles, policy.evidence_profiles,
                            policy.verifier_keys, absl::ToInt64Seconds(policy.result_lifetime)),
                 audit, "policy");
    });
  }

 private:
  Database& database_;
};

class PostgresReferenceValueStore : public ReferenceValueStore {
 public:
  explicit PostgresReferenceValueStore(Database& database) : database_(database) {}

  absl::Status Create(const ReferenceValue& value, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return OrTaken(
        Write(database_, value.tenant, deadline,
              [&](Connection& connection) {
                return Act(
                    connection,
                    "INSERT INTO attestation.reference_values (tenant_id, name, class_oem, "
                    "class_model, measurement, digests, version, created_at) "
                    "VALUES ($1, $2, $3, $4, $5, $6, 1, tam.now())",
                    Params::Of(value.tenant, value.name, value.device_class.oem_id,
                               value.device_class.hw_model, value.measurement, value.digests),
                    audit, "reference-value");
              }),
        "reference-value");
  }

  absl::Status Update(const ReferenceValue& value, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return Change(value.tenant, value.name, value.version, deadline, [&](Connection& connection) {
      return Act(connection,
                 "UPDATE attestation.reference_values SET digests = $3, version = version + 1 "
                 "WHERE tenant_id = $1 AND name = $2",
                 Params::Of(value.tenant, value.name, value.digests), audit, "reference-value");
    });
  }

  absl::Status Delete(const TenantId& tenant, absl::string_view name, uint64_t version,
                      const AuditEntry& audit, CallDeadline deadline) override {
    return Change(tenant, name, version, deadline, [&](Connection& connection) {
      return Act(connection,
                 "DELETE FROM attestation.reference_values WHERE tenant_id = $1 AND name = $2",
                 Params::Of(tenant, name), audit, "reference-value");
    });
  }

  absl::StatusOr<ReferenceValue> Get(const TenantId& tenant, absl::string_view name,
                                     CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectValue, kByName), Params::Of(tenant, name), deadline),
        "reference-value", ReadValue);
  }

  absl::StatusOr<Page<ReferenceValue>> List(const TenantId& tenant, const PageRequest& page,
                                            CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(kSelectValue, "WHERE tenant_id = $1 AND name > $2 ORDER BY name LIMIT $3"),
        Params::Of(tenant, *after, page.EffectiveLimit() + 1), deadline);
    return ToPage(ReadAll(rows, ReadValue), page, [](const ReferenceValue& v) { return v.name; });
  }

 private:
  static constexpr char kByName[] = "WHERE tenant_id = $1 AND name = $2";

  absl::Status Change(const TenantId& tenant, absl::string_view name, uint64_t version,
                      CallDeadline deadline,
                      const std::function<absl::Status(Connection&)>& change) {
    return Write(database_, tenant, deadline, [&](Connection& connection) -> absl::Status {
      absl::StatusOr<ReferenceValue> stored =
          ReadOne(connection.Execute(absl::StrCat(kSelectValue, kByName), Params::Of(tenant, name)),
                  "reference-value", ReadValue);
      if (!stored.ok()) return stored.status();
      if (absl::Status s = CheckVersion(version, stored->version); !s.ok()) return s;
      return change(connection);
    });
  }

  Database& database_;
};

class PostgresAppraisalReader : public AppraisalReader {
 public:
  explicit PostgresAppraisalReader(Database& database) : database_(database) {}

  absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline deadline) override {
    absl::StatusOr<Rows> rows =
        database_.Execute("SELECT generation FROM attestation.generations WHERE tenant_id = $1",
                          Params::Of(tenant), deadline);
    if (rows.ok() && rows->empty()) return 0;
    return ReadOne(rows, "generation", [](RowReader& row) { return row.Unsigned(); });
  }

  // The same before and after: read at one moment, as in PostgresCatalogReader.
  absl::StatusOr<AppraisalInputs> Inputs(const TenantId& tenant, const DeviceId& device,
                                         const DeviceClass& device_class,
                                         CallDeadline deadline) override {
    for (int attempt = 0; attempt < 10; ++attempt) {
      absl::StatusOr<uint64_t> before = Generation(tenant, deadline);
      if (!before.ok()) return before.status();
      absl::StatusOr<AppraisalInputs> inputs = Read(tenant, device, device_class, deadline);
      if (!inputs.ok()) return inputs;
      absl::StatusOr<uint64_t> after = Generation(tenant, deadline);
      if (!after.ok()) return after.status();
      inputs->generation = *after;
      if (*before == *after) return inputs;
    }
    return absl::UnavailableError("attestation: want a moment without writes, got none");
  }

 private:
  absl::StatusOr<AppraisalInputs> Read(const TenantId& tenant, const DeviceId& device,
                                       const DeviceClass& device_class, CallDeadline deadline) {
    AppraisalInputs inputs;
    auto keys = ReadAll(
        database_.Execute(absl::StrCat(kSelectKey,
                                       "WHERE tenant_id = $1 AND (device_id = $2 "
                                       "OR (class_oem = $3 AND class_model = $4)) "
                                       "ORDER BY thumbprint"),
                          Params::Of(tenant, device, device_class.oem_id, device_class.hw_model),
                          deadline),
        ReadKey);
    if (!keys.ok()) return keys.status();
    inputs.keys = *std::move(keys);
    auto values = ReadAll(
        database_.Execute(absl::StrCat(kSelectValue,
                                       "WHERE tenant_id = $1 AND class_oem = $2 "
                                       "AND class_model = $3 ORDER BY name"),
                          Params::Of(tenant, device_class.oem_id, device_class.hw_model), deadline),
        ReadValue);
    if (!values.ok()) return values.status();
    inputs.reference_values = *std::move(values);
    auto policy = FindPolicy(database_.Execute(kSelectPolicy, Params::Of(tenant), deadline));
    if (!policy.ok()) return policy.status();
    inputs.policy = *std::move(policy);
    return inputs;
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<AttestationStore> NewAttestationStore(Database& database) {
  return std::make_unique<PostgresAttestationStore>(database);
}
std::unique_ptr<ReferenceValueStore> NewReferenceValueStore(Database& database) {
  return std::make_unique<PostgresReferenceValueStore>(database);
}
std::unique_ptr<AppraisalReader> NewAppraisalReader(Database& database) {
  return std::make_unique<PostgresAppraisalReader>(database);
}

}  // namespace tam::storage::postgres
