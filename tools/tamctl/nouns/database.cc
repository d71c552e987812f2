#include "storage/postgres/database.h"

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "crypto/text/text.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"
#include "tools/tamctl/yaml.h"

namespace tam::tamctl {
namespace {

namespace postgres = storage::postgres;

constexpr int kMaxMonths = 1200;

// The connection string in --dsn-file, or in the file that TAMCTL_DSN_FILE names. It may hold a
// password, so it is no flag itself.
absl::StatusOr<std::string> ReadDsn(Context& context) {
  const auto path = context.Setting("dsn-file");
  if (!path.has_value()) return UsageError("--dsn-file or TAMCTL_DSN_FILE is needed");
  const auto text = context.ReadFile(*path, 1 << 16);
  if (!text.ok()) return text.status();
  const std::string dsn(absl::StripAsciiWhitespace(*text));
  if (dsn.empty()) return absl::InvalidArgumentError(Concat(*path, ": no connection string in it"));
  return dsn;
}

absl::StatusOr<std::unique_ptr<postgres::Connection>> Connect(Context& context) {
  const auto dsn = ReadDsn(context);
  if (!dsn.ok()) return dsn.status();
  return postgres::ConnectPqxx(*dsn);
}

// One line a pair, or an object.
absl::Status PrintPairs(Context& context,
                        const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (context.format() == OutputFormat::kTable) {
    for (const auto& [name, value] : pairs) context.out() << name << ": " << value << "\n";
    return absl::OkStatus();
  }
  std::string json;
  for (const auto& [name, value] : pairs) {
    Append(&json, json.empty() ? "{" : ", ", JsonString(name), ": ", JsonString(value));
  }
  return PrintJsonText(context, json + "}");
}

absl::Status Migrate(Context& context) {
  const auto connection = Connect(context);
  if (!connection.ok()) return connection.status();
  const auto result = postgres::Migrate(**connection);
  if (!result.ok()) return result.status();
  std::string applied;
  for (const std::string& name : result->applied) {
    Append(&applied, applied.empty() ? "" : ", ", name);
  }
  return PrintPairs(context, {{"schema version", Concat(result->version)},
                              {"applied", applied.empty() ? "nothing, it was current" : applied},
                              {"months of partitions left", Concat(result->months_left)}});
}

absl::Status Status(Context& context) {
  const auto dsn = ReadDsn(context);
  if (!dsn.ok()) return dsn.status();
  postgres::Database database(
      [dsn = *dsn](absl::Time deadline) { return postgres::ConnectPqxx(dsn, deadline); }, {});
  const storage::CallDeadline deadline{absl::Now() + absl::Seconds(30)};
  const absl::Status schema = postgres::CheckSchema(database, deadline);
  if (!schema.ok()) return schema;
  const auto months = postgres::PartitionMonthsLeft(database, deadline);
  if (!months.ok()) return months.status();
  return PrintPairs(context, {{"schema version", Concat(postgres::Migrations().size())},
                              {"fits this program", "yes"},
                              {"months of partitions left", Concat(*months)}});
}

absl::Status Maintain(Context& context) {
  postgres::MaintainOptions options;
  const auto ahead = context.Number("months-ahead", postgres::kMonthsAhead, kMaxMonths);
  const auto history = context.Number("history-months", 0, kMaxMonths);
  const auto audit = context.Number("audit-months", 0, kMaxMonths);
  for (const auto* number : {&ahead, &history, &audit}) {
    if (!number->ok()) return number->status();
  }
  options.months_ahead = static_cast<int>(*ahead);
  if (context.Has("history-months")) options.history_months_kept = static_cast<int>(*history);
  if (context.Has("audit-months")) options.audit_months_kept = static_cast<int>(*audit);
  const auto connection = Connect(context);
  if (!connection.ok()) return connection.status();
  const auto months = postgres::Maintain(**connection, options);
  if (!months.ok()) return months.status();
  return PrintPairs(context, {{"months of partitions left", Concat(*months)}});
}

constexpr Flag kDsnFlag{"dsn-file", "FILE",
                        "holds a libpq connection string (TAMCTL_DSN_FILE names it too)"};

}  // namespace

std::vector<Command> DatabaseCommands() {
  return {{.noun = "db",
           .verb = "migrate",
           .summary = "create the schema, or bring it to this program's version",
           .details = "The role must own the database. It may run at any time, and again.",
           .flags = {kDsnFlag},
           .example = "tamctl db migrate --dsn-file /etc/tamarack/owner.dsn",
           .run = Migrate},
          {.noun = "db",
           .verb = "status",
           .summary = "say whether the schema fits this program; exit code 1 when not",
           .flags = {kDsnFlag},
           .example = "tamctl db status --dsn-file /etc/tamarack/owner.dsn",
           .run = Status},
          {.noun = "db",
           .verb = "maintain",
           .summary = "create partitions ahead and drop old ones; for a monthly job",
           .flags = {kDsnFlag,
                     {"months-ahead", "N", "months to have partitions for; default: 24"},
                     {"history-months", "N", "months of updates and attestations kept; 0: all"},
                     {"audit-months", "N", "months of audit kept; 0: all"}},
           .example = "tamctl db maintain --dsn-file /etc/tamarack/owner.dsn --months-ahead 24",
           .run = Maintain}};
}

}  // namespace tam::tamctl
