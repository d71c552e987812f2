// The schema's version: migrated by people (`tamctl db migrate`), only checked by servers.

#ifndef TAMARACK_STORAGE_POSTGRES_SCHEMA_H_
#define TAMARACK_STORAGE_POSTGRES_SCHEMA_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/model/call.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/database.h"
#include "storage/postgres/migrations.h"

namespace tam::storage::postgres {

struct MigrateResult {
  // The schema's version now.
  int version = 0;
  // Names of the files applied by this call, in order.
  std::vector<std::string> applied;
  // Months after this one that have partitions.
  int months_left = 0;
};

// How far ahead migrations and maintenance create partitions unless told otherwise.
inline constexpr int kMonthsAhead = 24;

// Applies what is missing, each file in a transaction of its own under a lock, so that any number
// of callers may run it at once and again; then creates partitions. The connection's role must own
// the database. FailedPrecondition, nothing applied: an applied file has changed since, or the
// database has a version that is not in `migrations`. Any other error: the files before the failing
// one stay applied.
absl::StatusOr<MigrateResult> Migrate(Connection& connection,
                                      absl::Span<const Migration> migrations = Migrations());

// FailedPrecondition, naming both versions, unless the database has exactly the version of this
// program. Every role may call it.
absl::Status CheckSchema(Database& database, CallDeadline deadline,
                         absl::Span<const Migration> migrations = Migrations());

// FailedPrecondition, naming both, unless the database's connections are those of `role`, logged in
// as itself and no superuser: with another's, the owner's for instance, all would work and nothing
// would be forbidden. Every role may call it.
absl::Status CheckRole(Database& database, absl::string_view role, CallDeadline deadline);

struct MaintainOptions {
  int months_ahead = kMonthsAhead;
  // Full months kept behind this one; older ones are dropped. Absent: as set before (at first 13
  // for the history of updates and attestations, all for audit).
  std::optional<int> history_months_kept;
  // 0: all.
  std::optional<int> audit_months_kept;
};

// Extends and purges partitions by the database's clock, moves rows that fell into a default
// partition, and removes updates that nobody reported on for 90 days. Returns the months left. Same
// role as Migrate.
absl::StatusOr<int> Maintain(Connection& connection, const MaintainOptions& options);

// For a metric; every role may call it.
absl::StatusOr<int> PartitionMonthsLeft(Database& database, CallDeadline deadline);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_SCHEMA_H_
