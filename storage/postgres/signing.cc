#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

// How many others may win before an activation gives up.
constexpr int kActivations = 16;

constexpr char kSelectKey[] =
    "SELECT tenant_id, thumbprint, purpose, algorithm, wrapped_private_key, public_key, state, "
    "tam.micros(not_before), tam.micros(not_after), tam.micros(created_at), "
    "tam.micros(retired_at) FROM signing.keys ";

constexpr char kInsertKey[] =
    "INSERT INTO signing.keys (thumbprint, tenant_id, purpose, algorithm, wrapped_private_key, "
    "public_key, not_before, not_after, state, created_at) "
    "SELECT $1::bytea, $2::uuid, $3::smallint, $4::int, $5::bytea, $6::bytea, tam.at($7), "
    "tam.at($8), $9::smallint, tam.now() ";

Params ParamsOf(const SigningKey& key) {
  return Params::Of(key.thumbprint, key.tenant, key.purpose, key.algorithm, key.wrapped_private_key,
                    key.public_key, key.not_before, key.not_after,
                    key.state == SigningKeyState::kStandby ? key.state : SigningKeyState::kActive);
}

SigningKey ReadKey(RowReader& row) {
  SigningKey key;
  key.tenant = row.Fixed<TenantId>();
  key.thumbprint = row.Fixed<KeyThumbprint>();
  key.purpose = row.Enum<SigningPurpose>();
  key.algorithm = static_cast<int32_t>(row.Int());
  key.wrapped_private_key = row.Binary();
  key.public_key = row.Binary();
  key.state = row.Enum<SigningKeyState>();
  key.not_before = row.Optional(&RowReader::Time);
  key.not_after = row.Optional(&RowReader::Time);
  key.created = row.Time();
  key.retired = row.Optional(&RowReader::Time);
  return key;
}

// From what has the columns of signing.key_certificates; a name and a clause follow.
constexpr char kSelectCertificateFrom[] =
    "SELECT tenant_id, thumbprint, position, chain, tam.micros(not_before), "
    "tam.micros(not_after), tam.micros(created_at) FROM ";

KeyCertificate ReadCertificate(RowReader& row) {
  KeyCertificate certificate;
  certificate.tenant = row.Fixed<TenantId>();
  certificate.key = row.Fixed<KeyThumbprint>();
  certificate.position = static_cast<int32_t>(row.Int());
  certificate.chain = row.BinaryArray();
  certificate.not_before = row.Time();
  certificate.not_after = row.Time();
  certificate.created = row.Time();
  return certificate;
}

// Of a key whose row is locked: whether one more fits.
absl::Status CheckRoom(Connection& connection, const KeyCertificate& certificate) {
  const absl::StatusOr<Rows> others = connection.Execute(
      absl::StrCat(kSelectCertificateFrom,
                   "signing.key_certificates WHERE thumbprint = $1 AND removed_at IS NULL"),
      Params::Of(certificate.key));
  if (!others.ok()) return others.status();
  for (const Row& other : *others) {
    RowReader reader(other);
    if (ReadCertificate(reader).chain == certificate.chain) return Taken("key-certificate");
  }
  return others->size() < kMaxKeyCertificates ? absl::OkStatus() : TooManyCertificates();
}

class PostgresSigningStore : public SigningStore {
 public:
  explicit PostgresSigningStore(Database& database) : database_(database) {}

  absl::Status AddKey(const SigningKey& key, const AuditEntry& audit,
                      CallDeadline deadline) override {
    const bool standby = key.state == SigningKeyState::kStandby;
    const auto add = [&](Connection& connection) -> absl::Status {
      absl::Status status =
          standby ? absl::OkStatus()
                  : connection
                        .Execute(
                            "UPDATE signing.keys SET state = 1, retired_at = tam.now() "
                            "WHERE tenant_id = $1 AND purpose = $2 AND algorithm = $3 "
                            "AND state = 0",
                            Params::Of(key.tenant, key.purpose, key.algorithm))
                        .status();
      if (!status.ok()) return status;
      Params params = ParamsOf(key);
      const std::string sql = absl::StrCat("WITH act AS (", kInsertKey, "RETURNING 1)",
                                           AuditFragment(audit, "act", params), "SELECT 1");
      return connection.Execute(sql, params).status();
    };
    return OrTaken(database_.Transact(add, deadline), "signing-key");
  }

  // Those that look at the same moment find no key: then the index of active keys lets one in, and
  // the others do nothing once that one is committed.
  absl::Status AddFirstKey(const SigningKey& key, const AuditEntry& audit,
                           CallDeadline deadline) override {
    Params params = ParamsOf(key);
    const std::string sql =
        absl::StrCat("WITH act AS (", kInsertKey,
                     "WHERE NOT EXISTS (SELECT 1 FROM signing.keys "
                     "WHERE tenant_id = $2 AND purpose = $3 AND algorithm = $4 AND state <> 3) "
                     "ON CONFLICT DO NOTHING RETURNING 1)",
                     AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    const absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    if (!rows.ok()) return rows.status();
    return rows->empty() ? Taken("signing-key") : absl::OkStatus();
  }

  absl::Status ActivateKey(const TenantId& tenant, const KeyThumbprint& key,
                           const AuditEntry& audit, CallDeadline deadline) override {
    bool changed = false;
    const auto activate = [&](Connection& connection) -> absl::Status {
      absl::Status status =
          connection
              .Execute(
                  "UPDATE signing.keys k SET state = 1, retired_at = tam.now() "
                  "FROM signing.keys s WHERE s.tenant_id = $1 AND s.thumbprint = $2 "
                  "AND s.state = 3 AND k.tenant_id = s.tenant_id AND k.purpose = s.purpose "
                  "AND k.algorithm = s.algorithm AND k.state = 0",
                  Params::Of(tenant, key))
              .status();
      if (!status.ok()) return status;
      Params params = Params::Of(tenant, key);
      const std::string sql = absl::StrCat(
          "WITH act AS (UPDATE signing.keys SET state = 0 WHERE tenant_id = $1 "
          "AND thumbprint = $2 AND state = 3 RETURNING 1)",
          AuditFragment(audit, "act", params), "SELECT 1 FROM act");
      absl::StatusOr<Rows> rows = connection.Execute(sql, params);
      changed = rows.ok() && !rows->empty();
      return rows.status();
    };
    absl::Status status = database_.Transact(activate, deadline);
    // Another key of its use became active at that moment: now it is seen, and retired.
    for (int again = 0; IsUniqueViolation(status) && again < kActivations; ++again) {
      status = database_.Transact(activate, deadline);
    }
    if (!status.ok() || changed) return OrTaken(status, "signing-key: an active one");
    absl::StatusOr<SigningKey> stored = GetKey(tenant, key, deadline);
    if (!stored.ok()) return stored.status();
    if (stored->state == SigningKeyState::kActive) return absl::OkStatus();
    return absl::FailedPreconditionError("signing-key.state: want standby");
  }

  absl::Status SetKeyState(const TenantId& tenant, const KeyThumbprint& key, SigningKeyState to,
                           const AuditEntry& audit, CallDeadline deadline) override {
    if (to == SigningKeyState::kActive || to == SigningKeyState::kStandby) return Backwards();
    Params params = Params::Of(tenant, key, to);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE signing.keys SET state = $3::smallint, "
        "retired_at = coalesce(retired_at, tam.now()), "
        "wrapped_private_key = CASE WHEN $3::smallint = 2 THEN '' ELSE wrapped_private_key END "
        "WHERE tenant_id = $1 AND thumbprint = $2 AND (state < $3::smallint OR state = 3) "
        "RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    if (!rows.ok() || !rows->empty()) return rows.status();
    absl::StatusOr<SigningKey> stored = GetKey(tenant, key, deadline);
    if (!stored.ok()) return stored.status();
    const bool again = to == SigningKeyState::kRetired && stored->state == to;
    return again ? absl::OkStatus() : Backwards();
  }

  absl::StatusOr<SigningKey> GetKey(const TenantId& tenant, const KeyThumbprint& key,
                                    CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectKey, "WHERE tenant_id = $1 AND thumbprint = $2"),
                          Params::Of(tenant, key), deadline),
        "signing-key", ReadKey);
  }

  absl::StatusOr<std::vector<SigningKey>> ListKeys(const TenantId& tenant,
                                                   CallDeadline deadline) override {
    return ReadAll(database_.Execute(absl::StrCat(kSelectKey,
                                                  "WHERE tenant_id = $1 "
                                                  "ORDER BY created_at DESC, thumbprint"),
                                     Params::Of(tenant), deadline),
                   ReadKey);
  }

  // The lock on the key's row lets one in at a time.
  absl::StatusOr<KeyCertificate> AddCertificate(const KeyCertificate& certificate,
                                                const AuditEntry& audit,
                                                CallDeadline deadline) override {
    absl::StatusOr<KeyCertificate> added = Missing("signing-key");
    const auto add = [&](Connection& connection) -> absl::Status {
      const auto key = ReadOne(
          connection.Execute(
              absl::StrCat(kSelectKey, "WHERE tenant_id = $1 AND thumbprint = $2 FOR UPDATE"),
              Params::Of(certificate.tenant, certificate.key)),
          "signing-key", ReadKey);
      if (!key.ok()) return key.status();
      if (!MayBeCertified(key->state)) return SignsNoMore();
      if (absl::Status room = CheckRoom(connection, certificate); !room.ok()) return room;
      Params params = Params::Of(certificate.key, certificate.tenant, certificate.chain,
                                 certificate.not_before, certificate.not_after);
      const std::string sql = absl::StrCat(
          "WITH act AS (INSERT INTO signing.key_certificates "
          "(thumbprint, position, tenant_id, chain, not_before, not_after, created_at) "
          "SELECT $1::bytea, coalesce(max(position) + 1, 0), $2::uuid, $3::bytea[], tam.at($4), "
          "tam.at($5), tam.now() FROM signing.key_certificates WHERE thumbprint = $1::bytea "
          "RETURNING *)",
          AuditFragment(audit, "act", params), kSelectCertificateFrom, "act");
      added = ReadOne(connection.Execute(sql, params), "key-certificate", ReadCertificate);
      return added.status();
    };
    if (absl::Status status = database_.Transact(add, deadline); !status.ok()) return status;
    return added;
  }

  absl::Status RemoveCertificate(const TenantId& tenant, const KeyThumbprint& key, int32_t position,
                                 const AuditEntry& audit, CallDeadline deadline) override {
    Params params = Params::Of(tenant, key, position);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE signing.key_certificates SET removed_at = tam.now() "
        "WHERE tenant_id = $1 AND thumbprint = $2 AND position = $3 AND removed_at IS NULL "
        "RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    const absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    if (!rows.ok()) return rows.status();
    return rows->empty() ? Missing("key-certificate") : absl::OkStatus();
  }

  absl::StatusOr<std::vector<KeyCertificate>> ListCertificates(const TenantId& tenant,
                                                               CallDeadline deadline) override {
    return ReadAll(database_.Execute(absl::StrCat(kSelectCertificateFrom,
                                                  "signing.key_certificates "
                                                  "WHERE tenant_id = $1 AND removed_at IS NULL "
                                                  "ORDER BY thumbprint, position"),
                                     Params::Of(tenant), deadline),
                   ReadCertificate);
  }

 private:
  static absl::Status Backwards() {
    return absl::FailedPreconditionError(
        "signing-key.state: want a later state, got an earlier one");
  }

  Database& database_;
};

class PostgresChallengeRootStore : public ChallengeRootStore {
 public:
  explicit PostgresChallengeRootStore(Database& database) : database_(database) {}

  absl::StatusOr<ChallengeRoot> GetOrCreate(const ChallengeRoot& candidate, const AuditEntry& audit,
                                            CallDeadline deadline) override {
    absl::StatusOr<ChallengeRoot> root = Get(deadline);
    if (!absl::IsNotFound(root.status())) return root;
    Params params = Params::Of(candidate.id, candidate.wrapped_secret);
    const std::string sql = absl::StrCat(
        "WITH act AS (INSERT INTO signing.challenge_roots "
        "(position, root_id, wrapped_secret, created_at) VALUES (0, $1, $2, tam.now()) "
        "ON CONFLICT (position) DO NOTHING RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1 FROM act");
    absl::Status status = database_.Execute(sql, params, deadline).status();
    if (!status.ok()) return status;
    return Get(deadline);
  }

 private:
  absl::StatusOr<ChallengeRoot> Get(CallDeadline deadline) {
    return ReadOne(database_.Execute("SELECT root_id, wrapped_secret, tam.micros(created_at) "
                                     "FROM signing.challenge_roots",
                                     Params(), deadline),
                   "challenge-root", [](RowReader& row) {
                     ChallengeRoot root;
                     root.id = row.Fixed<ChallengeRootId>();
                     root.wrapped_secret = row.Binary();
                     root.created = row.Time();
                     return root;
                   });
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<SigningStore> NewSigningStore(Database& database) {
  return std::make_unique<PostgresSigningStore>(database);
}
std::unique_ptr<ChallengeRootStore> NewChallengeRootStore(Database& database) {
  return std::make_unique<PostgresChallengeRootStore>(database);
}

}  // namespace tam::storage::postgres
