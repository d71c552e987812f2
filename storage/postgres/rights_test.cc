// What each service's role may do, tried as that role on every object that the catalogue knows: a
// table that a migration adds is nobody's but its schema's own role until this file says otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "tests/support/postgres.h"
#include "tests/support/status_matchers.h"

namespace tam::storage::postgres {
namespace {

using ::tam::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string> kRoles = {"tam_registry", "tam_attestation", "tam_catalog",
                                         "tam_signing", "tam_audit"};

constexpr char kDatabase[] = "rights";

using Verbs = std::set<std::string>;
const Verbs kAll = {"SELECT", "INSERT", "UPDATE", "DELETE"};

struct Table {
  std::string schema;
  std::string name;
  std::string column;       // its first
  std::string column_type;  // of that column
  bool partition = false;

  std::string full_name() const { return absl::StrCat(schema, ".", name); }
};

// What a role may do to a table. Partitions are reached through their parents.
Verbs Allowed(const std::string& role, const Table& table) {
  const std::string& name = table.full_name();
  if (name == "tam.migrations") return {"SELECT"};
  if (name == "audit.pseudonyms") return {"SELECT", "INSERT"};
  if (name == "audit.entries" || name == "audit.pending") {
    return role == "tam_audit" ? Verbs{"SELECT", "INSERT"} : Verbs{"INSERT"};
  }
  if (name == "registry.tenant_names") return {};  // a trigger's, which runs as the owner
  if (name == "signing.keys" && role == "tam_signing") return {"SELECT", "INSERT", "UPDATE"};
  if (name == "signing.key_certificates" && role == "tam_signing") {
    return {"SELECT", "INSERT", "UPDATE"};
  }
  if (name == "signing.challenge_roots" && role == "tam_signing") return {"SELECT", "INSERT"};
  if (table.schema != "audit" && role == absl::StrCat("tam_", table.schema)) return kAll;
  if (name == "registry.tenants") return {"SELECT"};
  if (name == "catalog.generations" && role == "tam_registry") return {"SELECT"};
  return {};
}

// A statement of each kind that changes nothing where it is allowed.
std::map<std::string, std::string> Attempts(const Table& table) {
  const std::string name = table.full_name();
  return {
      {"SELECT", absl::StrCat("SELECT 1 FROM ", name, " LIMIT 0")},
      {"INSERT", absl::StrCat("INSERT INTO ", name, " (", table.column,
                              ") SELECT NULL::", table.column_type, " WHERE false")},
      {"UPDATE", absl::StrCat("UPDATE ", name, " SET ", table.column, " = NULL WHERE false")},
      {"DELETE", absl::StrCat("DELETE FROM ", name, " WHERE false")},
      {"TRUNCATE", absl::StrCat("TRUNCATE ", name)},
      {"ALTER", absl::StrCat("ALTER TABLE ", name, " ADD COLUMN intruder int")},
      {"DROP", absl::StrCat("DROP TABLE ", name)},
      {"TRIGGER", absl::StrCat("CREATE TRIGGER intruder BEFORE INSERT ON ", name,
                               " EXECUTE FUNCTION suppress_redundant_updates_trigger()")},
      {"GRANT", absl::StrCat("ALTER TABLE ", name, " OWNER TO CURRENT_USER")},
  };
}

// One migrated database for all: nothing here changes it.
class RightsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = testing::PrivatePostgres::Get();
    ASSERT_THAT(server, IsOk());
    server_ = *server;
    ASSERT_THAT(server_->CreateDatabase(kDatabase), IsOk());
    auto owner = ConnectPqxx(server_->Dsn(kDatabase));
    ASSERT_THAT(owner, IsOk());
    owner_ = owner->release();
    ASSERT_THAT(Migrate(*owner_), IsOk());
  }
  static void TearDownTestSuite() {
    delete owner_;
    owner_ = nullptr;
  }

  std::unique_ptr<Connection> Connect(const std::string& role) {
    auto connection = ConnectPqxx(server_->Dsn(kDatabase, role));
    EXPECT_THAT(connection, IsOk());
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  std::vector<std::string> Lines(const std::string& sql) {
    auto rows = owner_->Execute(sql, Params());
    EXPECT_THAT(rows, IsOk());
    std::vector<std::string> lines;
    if (!rows.ok()) return lines;
    for (const Row& row : *rows) lines.push_back(row.front().value_or(""));
    return lines;
  }

  std::vector<Table> Tables() {
    auto rows = owner_->Execute(
        "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL), "
        "c.relispartition::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 "
        "WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' "
        "AND n.nspname <> 'information_schema' ORDER BY 1, 2",
        Params());
    EXPECT_THAT(rows, IsOk());
    std::vector<Table> tables;
    if (!rows.ok()) return tables;
    for (const Row& row : *rows) {
      tables.push_back({*row[0], *row[1], *row[2], *row[3], *row[4] == "1"});
    }
    return tables;
  }

  // True where the role may; false where it is refused for want of a right, and for nothing else.
  static bool May(Connection& role, const std::string& sql) {
    EXPECT_THAT(role.ExecuteScript("BEGIN"), IsOk());
    const absl::Status status = role.ExecuteScript(sql);
    EXPECT_THAT(role.ExecuteScript("ROLLBACK"), IsOk());
    if (SqlState(status) == "42501") return false;
    EXPECT_THAT(status, IsOk()) << sql;
    return true;
  }

  static testing::PrivatePostgres* server_;
  static Connection* owner_;
};

testing::PrivatePostgres* RightsTest::server_ = nullptr;
Connection* RightsTest::owner_ = nullptr;

TEST_F(RightsTest, EachRoleMayDoItsOwnAlone) {
  const std::vector<Table> tables = Tables();
  std::set<std::string> schemas;
  for (const Table& table : tables) schemas.insert(table.schema);
  EXPECT_THAT(schemas,
              ElementsAre("attestation", "audit", "catalog", "registry", "signing", "tam"));
  int tried = 0;
  for (const std::string& role : kRoles) {
    const std::unique_ptr<Connection> connection = Connect(role);
    for (const Table& table : tables) {
      const Verbs allowed = Allowed(role, table);
      for (const auto& [verb, sql] : Attempts(table)) {
        const bool may = May(*connection, sql);
        ++tried;
        if (may != (allowed.count(verb) > 0) && !(table.partition && !may)) {
          ADD_FAILURE() << role << (may ? " may: " : " may not: ") << sql;
        }
      }
    }
  }
  EXPECT_EQ(tried, static_cast<int>(kRoles.size() * tables.size()) * 9);
  std::cout << tried << " attempts on " << tables.size() << " tables\n";
}

TEST_F(RightsTest, NoPartitionOpensWhatItsTableDoesNot) {
  // Those of registry's own default partitions alone, which its role has as its own.
  EXPECT_THAT(
      Lines("SELECT DISTINCT format('%s %s', grantee, privilege_type) FROM "
            "information_schema.role_table_grants g JOIN pg_class c ON c.oid = "
            "format('%I.%I', table_schema, table_name)::regclass WHERE c.relispartition AND "
            "grantee LIKE 'tam_%' AND grantee <> 'tam_' || table_schema"),
      IsEmpty());
}

TEST_F(RightsTest, NoRoleMakesAnything) {
  for (const std::string& role : kRoles) {
    const std::unique_ptr<Connection> connection = Connect(role);
    std::vector<std::string> schemas = Lines(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)' AND nspname <> "
        "'information_schema'");
    EXPECT_THAT(schemas, Contains("public"));
    for (const std::string& schema : schemas) {
      EXPECT_FALSE(May(*connection, absl::StrCat("CREATE TABLE ", schema, ".intruder ()")))
          << role << " " << schema;
    }
    EXPECT_FALSE(May(*connection, "CREATE SCHEMA intruder")) << role;
    EXPECT_FALSE(May(*connection, "CREATE ROLE intruder")) << role;
    EXPECT_FALSE(May(*connection, "SELECT pg_read_file('/etc/hostname')")) << role;
    EXPECT_FALSE(May(*connection, "COPY tam.migrations TO PROGRAM 'true'")) << role;
  }
}

TEST_F(RightsTest, NoRoleTouchesAnother) {
  for (const std::string& role : kRoles) {
    const std::unique_ptr<Connection> connection = Connect(role);
    for (const std::string& other : kRoles) {
      if (other == role) continue;
      for (const char* act : {"SET ROLE %s", "ALTER ROLE %s SET statement_timeout = 0",
                              "ALTER ROLE %s NOLOGIN", "ALTER ROLE %s PASSWORD 'x'", "DROP ROLE %s",
                              "GRANT %s TO CURRENT_USER", "REASSIGN OWNED BY %s TO CURRENT_USER"}) {
        const std::string sql = absl::StrReplaceAll(act, {{"%s", other}});
        EXPECT_FALSE(May(*connection, sql)) << role << ": " << sql;
      }
    }
    for (const char* act : {"SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"}) {
      EXPECT_FALSE(May(*connection, absl::StrCat("ALTER ROLE ", role, " ", act))) << role << act;
    }
  }
}

TEST_F(RightsTest, RolesAreOrdinaryAndAreMembersOfNothing) {
  EXPECT_THAT(
      Lines("SELECT rolname FROM pg_roles WHERE rolname LIKE 'tam\\_%' ORDER BY 1"),
      ElementsAre("tam_attestation", "tam_audit", "tam_catalog", "tam_registry", "tam_signing"));
  EXPECT_THAT(Lines("SELECT rolname FROM pg_roles WHERE rolname LIKE 'tam\\_%' AND (rolsuper OR "
                    "rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)"),
              IsEmpty());
  EXPECT_THAT(
      Lines("SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member OR "
            "r.oid = m.roleid WHERE r.rolname LIKE 'tam\\_%'"),
      IsEmpty());
  EXPECT_THAT(Lines("SELECT rolname FROM pg_roles WHERE rolname LIKE '%gateway%'"), IsEmpty());
}

// Functions run as their caller, but for these, which run as the owner.
TEST_F(RightsTest, FewFunctionsLendTheOwnersRights) {
  EXPECT_THAT(
      Lines("SELECT format('%s %s', r.rolname, p.oid::regproc) FROM pg_proc p JOIN pg_namespace n "
            "ON n.oid = p.pronamespace CROSS JOIN pg_roles r WHERE p.prosecdef AND n.nspname !~ "
            "'^pg_' AND r.rolname LIKE 'tam\\_%' AND has_function_privilege(r.oid, p.oid, "
            "'EXECUTE') ORDER BY 1"),
      ElementsAre("tam_attestation tam.partition_months_left",
                  "tam_audit tam.partition_months_left", "tam_catalog tam.partition_months_left",
                  "tam_registry attestation.release_device", "tam_registry catalog.has_domains",
                  "tam_registry tam.partition_months_left",
                  "tam_signing tam.partition_months_left"));
  const std::unique_ptr<Connection> registry = Connect("tam_registry");
  EXPECT_FALSE(May(*registry, "SELECT tam.maintain_partitions(1)"));
}

}  // namespace
}  // namespace tam::storage::postgres
