// The contract suites on one real PostgreSQL, one database for all of them.
#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "storage/postgres/postgres_storage.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "storage/testing/contract.h"
#include "tests/support/postgres.h"

namespace tam::storage::postgres {
namespace {

// A migrated database and its stores, made once. As the superuser: that each role can do its own
// part, and nothing else, is postgres_test's matter.
struct Shared {
  std::unique_ptr<Database> database;
  std::unique_ptr<Storage> storage;
};

absl::StatusOr<Shared> MakeShared() {
  auto server = testing::PrivatePostgres::Get();
  if (!server.ok()) return server.status();
  if (absl::Status s = (*server)->CreateDatabase("contract"); !s.ok()) return s;
  const std::string dsn = (*server)->Dsn("contract");
  auto connection = ConnectPqxx(dsn);
  if (!connection.ok()) return connection.status();
  if (auto migrated = Migrate(**connection); !migrated.ok()) return migrated.status();
  Shared shared;
  shared.database = NewDatabase(dsn);
  shared.storage = NewPostgresStorage(*shared.database);
  return shared;
}

// Without a database there is nothing to test: say why, and fail the whole binary.
Shared& GetShared() {
  static absl::StatusOr<Shared>& shared = *new absl::StatusOr<Shared>(MakeShared());
  if (!shared.ok()) {
    std::cerr << "no migrated PostgreSQL: " << shared.status() << std::endl;
    std::abort();
  }
  return *shared;
}

class PostgresHarness : public StorageHarness {
 public:
  Storage& storage() override { return *shared_.storage; }

  void SetNow(absl::Time now) override {
    EXPECT_OK(shared_.database->Execute(
        absl::StrCat("CREATE OR REPLACE FUNCTION tam.now() RETURNS timestamptz LANGUAGE sql STABLE "
                     "AS 'SELECT tam.at(",
                     absl::ToUnixMicros(now), ")'"),
        Params(), CallDeadline()));
  }

 private:
  Shared& shared_ = GetShared();
};

std::unique_ptr<StorageHarness> NewHarness() { return std::make_unique<PostgresHarness>(); }

INSTANTIATE_TEST_SUITE_P(Postgres, StorageContract, ::testing::Values(&NewHarness));

}  // namespace
}  // namespace tam::storage::postgres
