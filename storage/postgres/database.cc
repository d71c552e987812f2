#include "storage/postgres/database.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tam::storage::postgres {
namespace {

// 1, 2, 4, ... up to 64 ms: a conflict is over once the other transaction is.
void ShortPause(int attempt) { absl::SleepFor(absl::Milliseconds(1 << std::min(attempt - 2, 6))); }

DatabaseOptions WithDefaults(DatabaseOptions options) {
  if (!options.pause_before) options.pause_before = ShortPause;
  return options;
}

absl::Status RunTransaction(Connection& connection,
                            const std::function<absl::Status(Connection&)>& body) {
  absl::Status status = connection.Execute("BEGIN", Params()).status();
  if (!status.ok()) return status;
  status = body(connection);
  if (status.ok()) return connection.Execute("COMMIT", Params()).status();
  if (IsConnectionLost(status)) return status;
  // If the rollback fails, the connection must not be used again.
  const absl::Status rolled_back = connection.Execute("ROLLBACK", Params()).status();
  return rolled_back.ok() ? status : ConnectionLost("rollback failed");
}

}  // namespace

Database::Database(ConnectionFactory factory, DatabaseOptions options)
    : options_(WithDefaults(std::move(options))),
      pool_(options_.max_connections,
            WithBackoff(std::move(factory), options_.reconnect, options_.monotonic)),
      last_answer_(absl::ToInt64Nanoseconds(options_.monotonic())) {}

absl::StatusOr<Database::Pool::Lease> Database::Borrow(absl::Time deadline) {
  while (true) {
    auto lease = pool_.Acquire(deadline);
    if (!lease.ok() || !lease->reused() || (*lease)->Usable()) return lease;
    lease->DiscardAll();
  }
}

absl::Status Database::Attempt(const std::function<absl::Status(Connection&)>& act,
                               CallDeadline deadline) {
  auto lease = Borrow(deadline.at);
  if (!lease.ok()) return lease.status();
  Observe(StatementMoment::kBefore);
  const int64_t began = absl::ToInt64Nanoseconds(options_.monotonic());
  Connection& connection = **lease;
  Watchdog::Watch watch(watchdog_, deadline.at, [&connection] { connection.Interrupt(); });
  absl::Status status = act(connection);
  const bool late = watch.End();
  const bool lost = IsConnectionLost(status);
  if (!lost) last_answer_ = absl::ToInt64Nanoseconds(options_.monotonic());
  if (lost && late) status = absl::DeadlineExceededError("database: no answer by the deadline");
  // Others that are as silent are given up as well, but not for one statement that takes long.
  if (lost && (!late || last_answer_ < began)) {
    lease->DiscardAll();
  } else if (lost || late) {
    lease->Discard();
  }
  Observe(StatementMoment::kAfter);
  return status;
}

void Database::Observe(StatementMoment moment) {
  if (options_.observer) options_.observer(moment);
}

absl::Status Database::Retry(const std::function<absl::Status(Connection&)>& act,
                             CallDeadline deadline) {
  const absl::Time now = options_.now();
  if (now >= deadline.at) {
    return absl::DeadlineExceededError("database: the deadline passed before the call began");
  }
  deadline.at = std::min(deadline.at, now + options_.longest_call);
  absl::Status status = Attempt(act, deadline);
  for (int attempt = 2; attempt <= options_.max_attempts && IsConflict(status); ++attempt) {
    options_.pause_before(attempt);
    if (options_.now() >= deadline.at) break;
    status = Attempt(act, deadline);
  }
  return status;
}

absl::StatusOr<Rows> Database::Execute(const std::string& sql, const Params& params,
                                       CallDeadline deadline) {
  Rows rows;
  absl::Status status = Retry(
      [&](Connection& connection) {
        absl::StatusOr<Rows> result = connection.Execute(sql, params);
        if (result.ok()) rows = *std::move(result);
        return result.status();
      },
      deadline);
  if (!status.ok()) return status;
  return rows;
}

absl::Status Database::Transact(const std::function<absl::Status(Connection&)>& body,
                                CallDeadline deadline) {
  return Retry([&](Connection& connection) { return RunTransaction(connection, body); }, deadline);
}

}  // namespace tam::storage::postgres
