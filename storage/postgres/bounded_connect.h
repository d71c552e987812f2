// Connecting to PostgreSQL within a time limit, which libpqxx and libpq's blocking calls lack.

#ifndef TAMARACK_STORAGE_POSTGRES_BOUNDED_CONNECT_H_
#define TAMARACK_STORAGE_POSTGRES_BOUNDED_CONNECT_H_

#include <pqxx/connectionpolicy>
#include <string>

#include "absl/time/time.h"

namespace tam::storage::postgres {

// Connects when libpqxx asks it to, by ConnectPqxx's rules (pqxx_connection.h). Throws
// pqxx::broken_connection.
class BoundedConnect : public pqxx::connectionpolicy {
 public:
  BoundedConnect(const std::string& dsn, absl::Time deadline)
      : connectionpolicy(dsn), deadline_(deadline) {}

  handle do_startconnect(handle present) override;

 private:
  const absl::Time deadline_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_BOUNDED_CONNECT_H_
