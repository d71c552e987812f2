// Connections through libpqxx. No exception leaves this target.

#ifndef TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_
#define TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/postgres/connection.h"

namespace tam::storage::postgres {

// Connects by a libpq connection string. Works through PgBouncer in transaction mode: no prepared
// statement, no SET, nothing that outlives a transaction. Unavailable if it cannot be reached; the
// message never holds the connection string.
absl::StatusOr<std::unique_ptr<Connection>> ConnectPqxx(const std::string& dsn);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_PQXX_CONNECTION_H_
