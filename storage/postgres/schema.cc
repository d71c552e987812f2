#include "storage/postgres/schema.h"

#include <functional>

#include "absl/strings/str_cat.h"

namespace tam::storage::postgres {
namespace {

// One lock for all that changes the schema: "tamarack" in ASCII.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(8386095523158189931)";

constexpr char kBootstrap[] = R"sql(
CREATE SCHEMA IF NOT EXISTS tam;
CREATE TABLE IF NOT EXISTS tam.migrations (
  version int PRIMARY KEY,
  name text NOT NULL,
  checksum text NOT NULL,
  applied_at timestamptz NOT NULL
);
)sql";

constexpr char kChecksum[] = "encode(sha256(convert_to($1, 'UTF8')), 'hex')";

absl::Status InTransaction(Connection& connection, const std::function<absl::Status()>& body) {
  absl::Status status = connection.ExecuteScript("BEGIN");
  if (status.ok()) status = connection.Execute(kLock, Params()).status();
  if (status.ok()) status = body();
  if (status.ok()) return connection.ExecuteScript("COMMIT");
  connection.ExecuteScript("ROLLBACK").IgnoreError();
  return status;
}

absl::StatusOr<int64_t> OneNumber(absl::StatusOr<Rows> rows) {
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1) return absl::InternalError("schema: want one row, got another number");
  RowReader reader(rows->front());
  const int64_t number = reader.Int();
  if (!reader.status().ok()) return reader.status();
  return number;
}

// True: applied before, and unchanged since.
absl::StatusOr<bool> IsApplied(Connection& connection, const Migration& migration) {
  absl::StatusOr<Rows> rows = connection.Execute(
      absl::StrCat("SELECT checksum = ", kChecksum, " FROM tam.migrations WHERE version = $2::int"),
      Params::Of(migration.sql, migration.version));
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return false;
  if (RowReader(rows->front()).Bool()) return true;
  return absl::FailedPreconditionError(absl::StrCat(
      "migration ", migration.name, ": want it as it was applied, got a changed file"));
}

absl::Status Apply(Connection& connection, const Migration& migration) {
  if (absl::Status s = connection.ExecuteScript(migration.sql); !s.ok()) {
    return absl::Status(s.code(), absl::StrCat("migration ", migration.name, ": ", s.message()));
  }
  return connection
      .Execute(absl::StrCat("INSERT INTO tam.migrations (checksum, version, name, applied_at) "
                            "VALUES (",
                            kChecksum, ", $2::int, $3, now())"),
               Params::Of(migration.sql, migration.version, migration.name))
      .status();
}

absl::Status CheckVersion(int64_t got, absl::Span<const Migration> migrations) {
  const int64_t want = migrations.size();
  if (got == want) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("database schema: want version ", want, ", got ", got,
                   got < want ? "; run tamctl db migrate" : "; this program is older"));
}

// Refuses, before anything is applied, what Migrate must not touch. Called with the tables there.
absl::Status CheckApplied(Connection& connection, absl::Span<const Migration> migrations) {
  absl::StatusOr<int64_t> version = OneNumber(
      connection.Execute("SELECT coalesce(max(version), 0) FROM tam.migrations", Params()));
  if (!version.ok()) return version.status();
  if (*version > static_cast<int64_t>(migrations.size())) return CheckVersion(*version, migrations);
  for (const Migration& migration : migrations) {
    if (absl::StatusOr<bool> applied = IsApplied(connection, migration); !applied.ok()) {
      return applied.status();
    }
  }
  return absl::OkStatus();
}

absl::Status SetMonthsKept(Connection& connection, const MaintainOptions& options) {
  const auto set = [&](absl::string_view which, int months) {
    return connection
        .Execute(absl::StrCat("UPDATE tam.partitioned SET months_kept = nullif($1::int, 0) "
                              "WHERE (parent = 'audit.entries'::regclass) = ",
                              which),
                 Params::Of(months))
        .status();
  };
  absl::Status status;
  if (options.history_months_kept.has_value()) status = set("false", *options.history_months_kept);
  if (status.ok() && options.audit_months_kept.has_value()) {
    status = set("true", *options.audit_months_kept);
  }
  return status;
}

}  // namespace

absl::StatusOr<MigrateResult> Migrate(Connection& connection,
                                      absl::Span<const Migration> migrations) {
  absl::Status status = InTransaction(connection, [&] {
    absl::Status s = connection.ExecuteScript(kBootstrap);
    return s.ok() ? CheckApplied(connection, migrations) : s;
  });
  if (!status.ok()) return status;
  MigrateResult result;
  for (const Migration& migration : migrations) {
    bool fresh = false;
    status = InTransaction(connection, [&]() -> absl::Status {
      absl::StatusOr<bool> applied = IsApplied(connection, migration);
      if (!applied.ok() || *applied) return applied.status();
      fresh = true;
      return Apply(connection, migration);
    });
    if (!status.ok()) return status;
    if (fresh) result.applied.push_back(migration.name);
    result.version = migration.version;
  }
  absl::StatusOr<int> months = Maintain(connection, MaintainOptions());
  if (!months.ok()) return months.status();
  result.months_left = *months;
  return result;
}

absl::Status CheckSchema(Database& database, CallDeadline deadline,
                         absl::Span<const Migration> migrations) {
  absl::StatusOr<Rows> rows =
      database.Execute("SELECT coalesce(max(version), 0) FROM tam.migrations", Params(), deadline);
  const std::string state = SqlState(rows.status());
  // No such schema or table: never migrated. Not this role's to see: another's database.
  if (state == "3F000" || state == "42P01" || state == "42501") {
    return CheckVersion(0, migrations);
  }
  absl::StatusOr<int64_t> version = OneNumber(std::move(rows));
  return version.ok() ? CheckVersion(*version, migrations) : version.status();
}

absl::Status CheckRole(Database& database, absl::string_view role, CallDeadline deadline) {
  absl::StatusOr<Rows> rows = database.Execute(
      "SELECT current_user::text, session_user::text, "
      "coalesce((SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user), true)",
      Params(), deadline);
  if (!rows.ok()) return rows.status();
  if (rows->size() != 1) return absl::InternalError("database role: want one row, got another");
  RowReader reader(rows->front());
  const std::string current = reader.Text();
  const std::string session = reader.Text();
  const bool superuser = reader.Bool();
  if (!reader.status().ok()) return reader.status();
  if (current == role && session == role && !superuser) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("database role: want ", role, ", got ",
                                                    current == role ? session : current,
                                                    superuser ? ", a superuser" : ""));
}

absl::StatusOr<int> Maintain(Connection& connection, const MaintainOptions& options) {
  int months_left = 0;
  absl::Status status = InTransaction(connection, [&]() -> absl::Status {
    if (absl::Status s = SetMonthsKept(connection, options); !s.ok()) return s;
    absl::StatusOr<Rows> purged = connection.Execute(
        "DELETE FROM registry.updates WHERE deadline < tam.now() - interval '90 days'", Params());
    if (!purged.ok()) return purged.status();
    absl::StatusOr<int64_t> left = OneNumber(connection.Execute(
        "SELECT tam.maintain_partitions($1::int)", Params::Of(options.months_ahead)));
    if (left.ok()) months_left = static_cast<int>(*left);
    return left.status();
  });
  if (!status.ok()) return status;
  return months_left;
}

absl::StatusOr<int> PartitionMonthsLeft(Database& database, CallDeadline deadline) {
  absl::StatusOr<int64_t> left =
      OneNumber(database.Execute("SELECT tam.partition_months_left()", Params(), deadline));
  if (!left.ok()) return left.status();
  return static_cast<int>(*left);
}

}  // namespace tam::storage::postgres
