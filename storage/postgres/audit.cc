#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

AuditRecord ReadRecord(RowReader& row) {
  AuditRecord record;
  record.id = row.Fixed<AuditId>();
  record.shard = static_cast<int>(row.Int());
  record.at = row.Time();
  record.entry.tenant = row.Fixed<TenantId>();
  record.entry.device = row.Fixed<DeviceId>();
  record.entry.kind = row.Text();
  record.entry.entry = row.Binary();
  return record;
}

// The record that a page begins before: its time and id.
struct AuditPosition {
  std::optional<absl::Time> at;
  std::optional<AuditId> id;
};

std::string PageKey(const AuditRecord& record) {
  return absl::StrCat(absl::ToUnixMicros(record.at), "/", record.id.ToString());
}

absl::StatusOr<AuditPosition> ParsePageKey(const std::string& key) {
  AuditPosition position;
  if (key.empty()) return position;
  const std::pair<std::string, std::string> parts = absl::StrSplit(key, absl::MaxSplits('/', 1));
  int64_t micros = 0;
  absl::StatusOr<AuditId> id = AuditId::Parse(parts.second);
  if (!id.ok() || !absl::SimpleAtoi(parts.first, &micros)) {
    return absl::InvalidArgumentError("page_token: want what the page before gave, got another");
  }
  position.at = absl::FromUnixMicros(micros);
  position.id = *id;
  return position;
}

class PostgresAuditStore : public AuditStore {
 public:
  explicit PostgresAuditStore(Database& database) : database_(database) {}

  absl::StatusOr<Page<AuditRecord>> List(const AuditFilter& filter, const PageRequest& page,
                                         CallDeadline deadline) override {
    absl::StatusOr<std::string> token = DecodePageToken(page.after);
    if (!token.ok()) return token.status();
    absl::StatusOr<AuditPosition> before = ParsePageKey(*token);
    if (!before.ok()) return before.status();
    auto rows = database_.Execute(
        absl::StrCat(
            "SELECT id, shard, tam.micros(at), tenant_id, device_id, kind, entry "
            "FROM audit.entries WHERE tenant_id = $1 AND ($2::text = '' OR kind = $2::text) "
            "AND at >= coalesce(tam.at($3::bigint), '-infinity') "
            "AND at < coalesce(tam.at($4::bigint), 'infinity') "
            "AND at <= coalesce(tam.at($5::bigint), 'infinity') "
            "AND ($6::uuid IS NULL OR (at, id) < (tam.at($5::bigint), $6::uuid)) ",
            filter.device.has_value() ? "AND device_id = $8::uuid" : "AND $8::uuid IS NULL",
            " ORDER BY at DESC, id DESC LIMIT $7"),
        Params::Of(filter.tenant, filter.kind, filter.from, filter.until, before->at, before->id,
                   page.EffectiveLimit() + 1, filter.device),
        deadline);
    return ToPage(ReadAll(rows, ReadRecord), page, PageKey);
  }

 private:
  Database& database_;
};

class PostgresAuditWriter : public AuditWriter {
 public:
  explicit PostgresAuditWriter(Database& database) : database_(database) {}

  absl::Status Record(const AuditEntry& entry, CallDeadline deadline) override {
    Params params;
    const std::string sql =
        absl::StrCat("WITH act AS (SELECT 1)", AuditFragment(entry, "act", params), "SELECT 1");
    return database_.Execute(sql, params, deadline).status();
  }

 private:
  Database& database_;
};

class PostgresPseudonymStore : public PseudonymStore {
 public:
  explicit PostgresPseudonymStore(Database& database) : database_(database) {}

  absl::StatusOr<Pseudonym> GetOrCreate(const TenantId& tenant, absl::string_view subject,
                                        const Pseudonym& candidate,
                                        CallDeadline deadline) override {
    absl::StatusOr<Pseudonym> stored = Get(tenant, subject, deadline);
    if (!absl::IsNotFound(stored.status())) return stored;
    absl::Status status =
        database_
            .Execute(
                "INSERT INTO audit.pseudonyms (tenant_id, subject, pseudonym, created_at) "
                "VALUES ($1, $2, $3, tam.now()) ON CONFLICT (tenant_id, subject) DO NOTHING",
                Params::Of(tenant, subject, candidate), deadline)
            .status();
    if (!status.ok()) return status;
    return Get(tenant, subject, deadline);
  }

  absl::StatusOr<std::map<Pseudonym, std::string>> Subjects(const TenantId& tenant,
                                                            absl::Span<const Pseudonym> pseudonyms,
                                                            CallDeadline deadline) override {
    std::map<Pseudonym, std::string> subjects;
    const std::vector<Pseudonym> wanted(pseudonyms.begin(), pseudonyms.end());
    absl::StatusOr<Rows> rows = database_.Execute(
        "SELECT pseudonym, subject FROM audit.pseudonyms "
        "WHERE tenant_id = $1 AND pseudonym = ANY ($2::uuid[])",
        Params::Of(tenant, wanted), deadline);
    if (!rows.ok()) return rows.status();
    for (const Row& row : *rows) {
      RowReader reader(row);
      const Pseudonym pseudonym = reader.Fixed<Pseudonym>();
      subjects[pseudonym] = reader.Text();
      if (!reader.status().ok()) return reader.status();
    }
    return subjects;
  }

 private:
  absl::StatusOr<Pseudonym> Get(const TenantId& tenant, absl::string_view subject,
                                CallDeadline deadline) {
    return ReadOne(database_.Execute("SELECT pseudonym FROM audit.pseudonyms "
                                     "WHERE tenant_id = $1 AND subject = $2",
                                     Params::Of(tenant, subject), deadline),
                   "pseudonym", [](RowReader& row) { return row.Fixed<Pseudonym>(); });
  }

  Database& database_;
};

class PostgresDatabaseClock : public DatabaseClock {
 public:
  explicit PostgresDatabaseClock(Database& database) : database_(database) {}

  absl::StatusOr<absl::Time> Now(CallDeadline deadline) override {
    return ReadOne(database_.Execute("SELECT tam.micros(tam.now())", Params(), deadline), "clock",
                   [](RowReader& row) { return row.Time(); });
  }

 private:
  Database& database_;
};

}  // namespace

std::unique_ptr<AuditStore> NewAuditStore(Database& database) {
  return std::make_unique<PostgresAuditStore>(database);
}
std::unique_ptr<AuditWriter> NewAuditWriter(Database& database) {
  return std::make_unique<PostgresAuditWriter>(database);
}
std::unique_ptr<PseudonymStore> NewPseudonymStore(Database& database) {
  return std::make_unique<PostgresPseudonymStore>(database);
}
std::unique_ptr<DatabaseClock> NewDatabaseClock(Database& database) {
  return std::make_unique<PostgresDatabaseClock>(database);
}

}  // namespace tam::storage::postgres
