// Statements and transactions on pooled connections, with bounded waiting and bounded retry.

#ifndef TAMARACK_STORAGE_POSTGRES_DATABASE_H_
#define TAMARACK_STORAGE_POSTGRES_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "storage/model/call.h"
#include "storage/postgres/backoff.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/pool.h"
#include "storage/postgres/values.h"
#include "storage/postgres/watchdog.h"

namespace tam::storage::postgres {

enum class StatementMoment { kBefore, kAfter };

struct DatabaseOptions {
  // Hard cap of connections; each blocks one thread of its caller.
  int max_connections = 16;
  // How often one statement or transaction is tried in all when it meets a conflict.
  int max_attempts = 8;
  // Waits before attempt n (2, 3, ...). Tests replace it.
  std::function<void(int attempt)> pause_before;
  // The clock of callers' deadlines, asked before each attempt. Tests replace it.
  std::function<absl::Time()> now = absl::Now;
  // Bounds every call, whatever deadline it brings.
  absl::Duration longest_call = absl::Seconds(30);
  BackoffLimits reconnect;
  MonotonicClock monotonic = SystemMonotonicClock();
  // Called around each attempt of a statement or transaction, in the thread of its caller: before
  // anything is sent, and when all of it is answered, COMMIT included. Must be thread safe.
  std::function<void(StatementMoment)> observer;
};

// Thread safe. No call outlives its deadline, even if the server is silent: it is cut off, and
// returns DeadlineExceeded. A connection that was lost is given up with every other one, and
// replaced when needed, after a failure not before a short pause; what was under way returns
// Unavailable. After either it may or may not have been done: a caller may repeat it if doing it
// twice is the same as once. SQLSTATE 40001 and 40P01 are tried again until `max_attempts` or the
// deadline, then Aborted.
class Database {
 public:
  Database(ConnectionFactory factory, DatabaseOptions options);

  // One statement, its own transaction.
  absl::StatusOr<Rows> Execute(const std::string& sql, const Params& params, CallDeadline deadline);

  // BEGIN, `body`, COMMIT; ROLLBACK if it fails. `body` may run again and must keep no state.
  absl::Status Transact(const std::function<absl::Status(Connection&)>& body,
                        CallDeadline deadline);

 private:
  using Pool = BoundedPool<Connection>;

  // A connection that the server has not ended, as far as can be known without asking it.
  absl::StatusOr<Pool::Lease> Borrow(absl::Time deadline);
  absl::Status Attempt(const std::function<absl::Status(Connection&)>& act, CallDeadline deadline);
  absl::Status Retry(const std::function<absl::Status(Connection&)>& act, CallDeadline deadline);
  void Observe(StatementMoment moment);

  const DatabaseOptions options_;
  Watchdog watchdog_;
  Pool pool_;
  // When, by the monotonic clock, the server last answered anything; nanoseconds.
  std::atomic<int64_t> last_answer_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_DATABASE_H_
