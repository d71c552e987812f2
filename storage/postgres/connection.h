// One connection to a database, as an interface: libpqxx behind it, or a fake that injects faults.

#ifndef TAMARACK_STORAGE_POSTGRES_CONNECTION_H_
#define TAMARACK_STORAGE_POSTGRES_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/values.h"

namespace tam::storage::postgres {

// Not thread safe: one thread at a time, but for Interrupt.
class Connection {
 public:
  virtual ~Connection() = default;
  // One statement with parameters. BEGIN, COMMIT and ROLLBACK are statements like others. A failed
  // statement's status carries its SQLSTATE (SqlState below).
  virtual absl::StatusOr<Rows> Execute(const std::string& sql, const Params& params) = 0;
  // Several statements without parameters, for migrations.
  virtual absl::Status ExecuteScript(const std::string& sql) = 0;
  // From any thread, while the connection lives: what is under way, and whatever comes after it,
  // fails at once with ConnectionLost. Does not block.
  virtual void Interrupt() = 0;
  // False when the server has ended an idle connection. Costs one system call, asks nobody.
  virtual bool Usable() = 0;
};

// Makes a connection by `deadline` (this process's wall clock). Unavailable if the database cannot
// be reached, DeadlineExceeded if it gives no answer.
using ConnectionFactory =
    std::function<absl::StatusOr<std::unique_ptr<Connection>>(absl::Time deadline)>;

// A status for SQLSTATE `state` (PostgreSQL, appendix A). `message` must not hold parameters.
absl::Status SqlError(const std::string& state, const std::string& message);
// A lost connection: Unavailable, and IsConnectionLost.
absl::Status ConnectionLost(const std::string& message);

// Empty if the status bears none.
std::string SqlState(const absl::Status& status);
bool IsConnectionLost(const absl::Status& status);
// 40001 or 40P01: doing it again from the start may succeed.
bool IsConflict(const absl::Status& status);
// 23505, and the violated constraint's name is in the message.
bool IsUniqueViolation(const absl::Status& status);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_CONNECTION_H_
