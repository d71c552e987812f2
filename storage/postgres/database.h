// Statements and transactions on pooled connections, with bounded waiting and bounded retry.

#ifndef TAMARACK_STORAGE_POSTGRES_DATABASE_H_
#define TAMARACK_STORAGE_POSTGRES_DATABASE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/call.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/pool.h"
#include "storage/postgres/values.h"

namespace tam::storage::postgres {

struct DatabaseOptions {
  // Hard cap of connections; each blocks one thread of its caller.
  int max_connections = 16;
  // How often one statement or transaction is tried in all when it meets a conflict.
  int max_attempts = 8;
  // Waits before attempt n (2, 3, ...). Tests replace it.
  std::function<void(int attempt)> pause_before;
};

// Thread safe. A connection that was lost is given up with every idle one, and replaced when
// needed; what was under way returns Unavailable and may or may not have been done. SQLSTATE 40001
// and 40P01 are tried again until `max_attempts` or the deadline, then Aborted.
class Database {
 public:
  Database(ConnectionFactory factory, DatabaseOptions options);

  // One statement, its own transaction.
  absl::StatusOr<Rows> Execute(const std::string& sql, const Params& params, CallDeadline deadline);

  // BEGIN, `body`, COMMIT; ROLLBACK if it fails. `body` may run again and must keep no state.
  absl::Status Transact(const std::function<absl::Status(Connection&)>& body,
                        CallDeadline deadline);

 private:
  absl::Status Attempt(const std::function<absl::Status(Connection&)>& act, CallDeadline deadline);
  absl::Status Retry(const std::function<absl::Status(Connection&)>& act, CallDeadline deadline);

  const DatabaseOptions options_;
  BoundedPool<Connection> pool_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_DATABASE_H_
