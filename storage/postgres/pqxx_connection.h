// Connections through libpqxx. No exception leaves this target.

#ifndef TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_
#define TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/postgres/connection.h"

namespace tam::storage::postgres {

// Connects by a libpq connection string, trying its hosts one after the other, each for at most its
// connect_timeout (5 s unless it says otherwise). Over TCP the kernel gives a peer up that is
// silent for 10 s; a connection string may say otherwise here too. Works through PgBouncer in
// transaction mode: no prepared statement, no SET, nothing that outlives a transaction.
//
// Unavailable if it cannot be reached, with the server's reason where it gave one; DeadlineExceeded
// at `deadline` (this process's wall clock). The message never holds the connection string. Host
// names are resolved by the system's resolver, which has time limits of its own: where these are
// too long, name addresses (hostaddr).
absl::StatusOr<std::unique_ptr<Connection>> ConnectPqxx(
    const std::string& dsn, absl::Time deadline = absl::InfiniteFuture());

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_
