// All stores on one PostgreSQL database, through one role.

#ifndef TAMARACK_STORAGE_POSTGRES_POSTGRES_STORAGE_H_
#define TAMARACK_STORAGE_POSTGRES_POSTGRES_STORAGE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/model/call.h"
#include "storage/postgres/database.h"
#include "storage/storage.h"

namespace tam::storage::postgres {

// Borrows the database. What a role may not do returns Internal: who calls is not the one whom the
// database refuses.
std::unique_ptr<Storage> NewPostgresStorage(Database& database);

// Connections through libpqxx by `dsn`, made when first needed.
std::unique_ptr<Database> NewDatabase(const std::string& dsn, DatabaseOptions options = {});

// A server's way in: owns its connections. Waits until the deadline for a database that is not
// there yet or is still recovering, then Unavailable or DeadlineExceeded; FailedPrecondition at
// once if its schema is not this program's (CheckSchema) or the connection is not that of `role`
// (CheckRole).
absl::StatusOr<std::unique_ptr<Storage>> OpenPostgresStorage(const std::string& dsn,
                                                             DatabaseOptions options,
                                                             absl::string_view role,
                                                             CallDeadline deadline);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_POSTGRES_STORAGE_H_
