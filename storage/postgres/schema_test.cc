// Migrations, roles, partitions and faults on a real PostgreSQL.
#include "storage/postgres/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/postgres/postgres_storage.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/testing/fixtures.h"
#include "tests/support/postgres.h"
#include "tests/support/status_matchers.h"

namespace tam::storage::postgres {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr CallDeadline kSoon;

class SchemaTest : public ::testing::Test {
 protected:
  // A database of the test's own.
  void SetUp() override {
    auto server = testing::PrivatePostgres::Get();
    ASSERT_THAT(server, IsOk());
    server_ = *server;
    static int n = 0;
    name_ = absl::StrCat("schema", ++n);
    ASSERT_THAT(server_->CreateDatabase(name_), IsOk());
    auto connection = ConnectPqxx(server_->Dsn(name_));
    ASSERT_THAT(connection, IsOk());
    connection_ = *std::move(connection);
  }

  std::unique_ptr<Database> As(absl::string_view role, DatabaseOptions options = {}) {
    return NewDatabase(server_->Dsn(name_, role), std::move(options));
  }

  // The single value that `sql` returns.
  std::string Value(const std::string& sql) {
    auto rows = connection_->Execute(sql, Params());
    EXPECT_THAT(rows, IsOk());
    if (!rows.ok() || rows->size() != 1) return "";
    return rows->front().front().value_or("NULL");
  }
  void Run(const std::string& sql) { ASSERT_THAT(connection_->ExecuteScript(sql), IsOk()); }
  void SetNow(const std::string& at) {
    Run(
        absl::StrCat("CREATE OR REPLACE FUNCTION tam.now() RETURNS timestamptz LANGUAGE sql STABLE "
                     "AS $$ SELECT '",
                     at, "'::timestamptz $$"));
  }

  // A device whose request opens an update, as the registry does it.
  AcceptRequest NewSession(Storage& storage, int64_t issued_ms) {
    Device device;
    device.id = RandomFixed<DeviceId>();
    device.tenant = RandomFixed<TenantId>();
    device.name = "dev";
    DeviceKey key;
    key.thumbprint = RandomFixed<KeyThumbprint>();
    const AuditEntry audit{device.tenant, device.id, "test", {1}};
    EXPECT_OK(storage.devices().Create(device, {key}, audit, kSoon));
    AcceptRequest request;
    request.tenant = device.tenant;
    request.device = device.id;
    request.key = key.thumbprint;
    request.challenge.issued_ms = issued_ms;
    request.message = RandomFixed<MessageDigest>();
    request.attestation.emplace().verdict = AttestationVerdict::kAccepted;
    request.update.emplace().token = RandomFixed<UpdateToken>();
    request.audit = audit;
    return request;
  }

  static ReportRequest Success(const AcceptRequest& request) {
    ReportRequest report;
    report.tenant = request.tenant;
    report.device = request.device;
    report.key = request.key;
    report.token = request.update->token;
    report.success = true;
    report.audit = request.audit;
    return report;
  }

  testing::PrivatePostgres* server_ = nullptr;
  std::string name_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(SchemaTest, MigrationsAreNumberedWithoutGap) {
  int version = 0;
  for (const Migration& migration : Migrations()) {
    EXPECT_EQ(migration.version, ++version);
    EXPECT_EQ(std::string(migration.name).substr(0, 4),
              absl::StrCat(absl::Dec(version, absl::kZeroPad4)));
  }
  EXPECT_GE(version, 6);
}

TEST_F(SchemaTest, MigratingAgainChangesNothing) {
  auto first = Migrate(*connection_);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->version, static_cast<int>(Migrations().size()));
  EXPECT_THAT(first->applied, SizeIs(Migrations().size()));
  EXPECT_EQ(first->months_left, kMonthsAhead);
  auto again = Migrate(*connection_);
  ASSERT_THAT(again, IsOk());
  EXPECT_THAT(again->applied, IsEmpty());
  EXPECT_EQ(again->version, first->version);
}

TEST_F(SchemaTest, ConcurrentMigrationsApplyEachFileOnce) {
  std::vector<absl::StatusOr<MigrateResult>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back([&] {
      auto connection = ConnectPqxx(server_->Dsn(name_));
      if (connection.ok()) result = Migrate(**connection);
    });
  }
  for (std::thread& thread : threads) thread.join();
  size_t applied = 0;
  for (const auto& result : results) {
    ASSERT_THAT(result, IsOk());
    applied += result->applied.size();
  }
  EXPECT_EQ(applied, Migrations().size());
}

TEST_F(SchemaTest, AChangedFileIsRefusedBeforeAnythingIsApplied) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  std::vector<Migration> changed(Migrations().begin(), Migrations().end());
  changed[1].sql = "SELECT 1";
  changed.push_back(
      {static_cast<int>(changed.size()) + 1, "9999_new.sql", "CREATE TABLE tam.x ()"});
  EXPECT_THAT(Migrate(*connection_, changed),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr(changed[1].name)));
  EXPECT_EQ(Value("SELECT to_regclass('tam.x')"), "NULL");
}

TEST_F(SchemaTest, AFailingFileLeavesTheOnesBeforeIt) {
  std::vector<Migration> migrations(Migrations().begin(), Migrations().end());
  const int next = static_cast<int>(migrations.size()) + 1;
  migrations.push_back({next, "bad.sql", "CREATE TABLE tam.half (); SELECT 1 / 0;"});
  EXPECT_THAT(Migrate(*connection_, migrations),
              StatusIs(StatusCode::kInternal, HasSubstr("bad.sql")));
  EXPECT_EQ(Value("SELECT to_regclass('tam.half')"), "NULL");
  EXPECT_EQ(Value("SELECT max(version) FROM tam.migrations"), absl::StrCat(next - 1));
}

TEST_F(SchemaTest, AServerRefusesASchemaThatIsNotItsOwn) {
  auto superuser = As("postgres");
  EXPECT_THAT(
      CheckSchema(*superuser, kSoon),
      StatusIs(StatusCode::kFailedPrecondition, AllOf(HasSubstr("got 0"), HasSubstr("migrate"))));
  ASSERT_THAT(Migrate(*connection_), IsOk());
  for (const char* role :
       {"tam_registry", "tam_attestation", "tam_catalog", "tam_signing", "tam_audit"}) {
    EXPECT_THAT(CheckSchema(*As(role), kSoon), IsOk()) << role;
    EXPECT_THAT(PartitionMonthsLeft(*As(role), kSoon), IsOkAndHolds(kMonthsAhead)) << role;
  }
  const int known = static_cast<int>(Migrations().size());
  Run(absl::StrCat("INSERT INTO tam.migrations VALUES (", known + 1, ", 'n', 'c', now())"));
  EXPECT_THAT(OpenPostgresStorage(server_->Dsn(name_, "tam_registry"), {}, "tam_registry", kSoon),
              StatusIs(StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(absl::StrCat("want version ", known)),
                             HasSubstr(absl::StrCat("got ", known + 1)))));
  EXPECT_THAT(Migrate(*connection_), StatusIs(StatusCode::kFailedPrecondition));
}

// An owner's or another service's connection would work, with rights that the service must not
// have.
TEST_F(SchemaTest, AServerRefusesARoleThatIsNotItsOwn) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  const auto open = [&](absl::string_view as) {
    return OpenPostgresStorage(server_->Dsn(name_, as), {}, "tam_registry", kSoon);
  };
  EXPECT_THAT(open("tam_registry"), IsOk());
  EXPECT_THAT(open("tam_catalog"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("want tam_registry, got tam_c")));
  EXPECT_THAT(open("postgres"), StatusIs(StatusCode::kFailedPrecondition,
                                         HasSubstr("want tam_registry, got postgres, a s")));
  // RESET ROLE would give back what this one seems to have laid down.
  EXPECT_THAT(
      OpenPostgresStorage(server_->Dsn(name_, "postgres") + " options='-c role=tam_registry'", {},
                          "tam_registry", kSoon),
      StatusIs(StatusCode::kFailedPrecondition, HasSubstr("got postgres")));
  Run("ALTER ROLE tam_registry SUPERUSER");
  EXPECT_THAT(open("tam_registry"),
              StatusIs(StatusCode::kFailedPrecondition, HasSubstr("a superuser")));
  Run("ALTER ROLE tam_registry NOSUPERUSER");
}

TEST_F(SchemaTest, EachRoleCanDoItsServicesWork) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  const TenantId tenant = RandomFixed<TenantId>();
  const AuditEntry audit{tenant, {}, "test", {1}};
  auto registry_database = As("tam_registry");
  auto registry = NewPostgresStorage(*registry_database);
  ASSERT_THAT(registry->tenants().Create({tenant, "t", "", {}, 0, {}}, audit, kSoon), IsOk());
  AcceptRequest request = NewSession(*registry, 1);
  EXPECT_EQ(registry->sessions().Accept(request, kSoon)->outcome, AcceptOutcome::kOpened);
  EXPECT_EQ(registry->sessions().Report(Success(request), kSoon)->outcome,
            ReportOutcome::kRecorded);
  EXPECT_THAT(registry->device_records().Show(request.tenant, request.device, kSoon), IsOk());
  EXPECT_THAT(registry->devices().Delete(request.tenant, request.device, 0, request.audit, kSoon),
              IsOk());
  EXPECT_THAT(registry->audit().List({tenant, {}, "", {}, {}}, {}, kSoon),
              StatusIs(StatusCode::kInternal, HasSubstr("42501")));

  auto catalog_database = As("tam_catalog");
  auto catalog = NewPostgresStorage(*catalog_database);
  Domain domain;
  domain.id = RandomFixed<DomainId>();
  domain.tenant = tenant;
  domain.name = "d";
  domain.prefixes = {Component({"a"})};
  domain.anchors = {{RandomFixed<KeyThumbprint>(), {1}, "", {}, {}}};
  ASSERT_THAT(catalog->domains().Create(domain, audit, kSoon), IsOk());
  Manifest manifest;
  manifest.tenant = tenant;
  manifest.domain = domain.id;
  manifest.manifest_component = Component({"a"});
  manifest.sequence = 1;
  manifest.signer = domain.anchors.front().thumbprint;
  EXPECT_THAT(catalog->manifests().Publish(manifest, Bytes{1}, audit, kSoon), IsOk());
  EXPECT_THAT(catalog->tenants().GetByName("t", kSoon), IsOk());
  EXPECT_THAT(registry->tenants().Delete(tenant, 0, audit, kSoon),
              StatusIs(StatusCode::kFailedPrecondition));

  auto attestation_database = As("tam_attestation");
  auto attestation = NewPostgresStorage(*attestation_database);
  EXPECT_THAT(attestation->attestation().SetPolicy(tenant, {}, audit, kSoon), IsOk());
  auto signing_database = As("tam_signing");
  auto signing = NewPostgresStorage(*signing_database);
  EXPECT_THAT(signing->challenge_roots().GetOrCreate({{}, {1}, {}}, audit, kSoon), IsOk());
  SigningKey key;
  key.tenant = tenant;
  EXPECT_THAT(signing->signing().AddKey(key, audit, kSoon), IsOk());
  EXPECT_THAT(signing->signing().SetKeyState(tenant, key.thumbprint, SigningKeyState::kDestroyed,
                                             audit, kSoon),
              IsOk());
  auto audit_database = As("tam_audit");
  auto auditor = NewPostgresStorage(*audit_database);
  auto listed = auditor->audit().List({tenant, {}, "", {}, {}}, {}, kSoon);
  ASSERT_THAT(listed, IsOk());
  EXPECT_THAT(listed->items, SizeIs(7));
  EXPECT_EQ(Value("SELECT count(*) = (SELECT count(*) FROM audit.pending) FROM audit.entries"),
            "t");
}

TEST_F(SchemaTest, ASessionCompletesPastTheLastPartition) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  SetNow("2099-07-15 12:00:00+00");
  auto database = As("tam_registry");
  auto storage = NewPostgresStorage(*database);
  EXPECT_THAT(PartitionMonthsLeft(*database, kSoon), IsOkAndHolds(0));
  AcceptRequest request = NewSession(*storage, 4087800000000);
  EXPECT_EQ(storage->sessions().Accept(request, kSoon)->outcome, AcceptOutcome::kOpened);
  EXPECT_EQ(storage->sessions().Report(Success(request), kSoon)->outcome, ReportOutcome::kRecorded);
  EXPECT_EQ(Value("SELECT count(*) FROM audit.entries_default"), "3");
  // Maintenance moves what fell into the default partition, and nothing is lost.
  EXPECT_THAT(Maintain(*connection_, {3, {}, {}}), IsOkAndHolds(3));
  EXPECT_EQ(Value("SELECT count(*) FROM audit.entries_default"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM audit.entries_209907"), "3");
  EXPECT_EQ(Value("SELECT count(*) FROM registry.attestations_209907"), "1");
  EXPECT_EQ(Value("SELECT count(*) FROM registry.updates_history_209907"), "1");
  EXPECT_EQ(storage->sessions().Report(Success(request), kSoon)->outcome,
            ReportOutcome::kAlreadyAnswered);
}

TEST_F(SchemaTest, MaintenancePurgesWhatIsOlderThanIsKept) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  auto database = As("tam_registry");
  auto storage = NewPostgresStorage(*database);
  SetNow("2030-01-31 23:59:59+00");
  ASSERT_THAT(Maintain(*connection_, {0, {}, {}}), IsOk());
  EXPECT_EQ(storage->sessions().Accept(NewSession(*storage, 1), kSoon)->outcome,
            AcceptOutcome::kOpened);
  SetNow("2030-03-01 00:00:00+00");
  EXPECT_THAT(Maintain(*connection_, {1, 2, 2}), IsOkAndHolds(1));
  EXPECT_EQ(Value("SELECT count(*) FROM registry.attestations"), "1");
  EXPECT_EQ(Value("SELECT count(*) FROM audit.entries"), "2");
  EXPECT_THAT(Maintain(*connection_, {1, 1, 0}), IsOkAndHolds(1));
  EXPECT_EQ(Value("SELECT count(*) FROM registry.attestations"), "0");
  EXPECT_EQ(Value("SELECT count(*) FROM audit.entries"), "2");
  EXPECT_EQ(Value("SELECT count(*) FROM registry.updates"), "1");
  SetNow("2030-06-01 00:00:00+00");
  ASSERT_THAT(Maintain(*connection_, {0, {}, {}}), IsOk());
  EXPECT_EQ(Value("SELECT count(*) FROM registry.updates"), "0");
}

TEST_F(SchemaTest, RealConflictsAreTriedAgain) {
  Run("CREATE TABLE public.attempts (n int); INSERT INTO public.attempts VALUES (0);"
      "CREATE SEQUENCE public.tries;"
      "CREATE FUNCTION public.conflict(state text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
      "IF nextval('public.tries') % 3 <> 0 THEN RAISE EXCEPTION 'x' USING ERRCODE = state; END IF; "
      "RETURN 1; END $$");
  DatabaseOptions options;
  options.pause_before = [](int) {};
  auto database = As("postgres", options);
  for (const char* state : {"40001", "40P01"}) {
    EXPECT_THAT(database->Execute("SELECT public.conflict($1)", Params::Of(state), kSoon), IsOk());
    EXPECT_THAT(
        database->Transact(
            [&](Connection& connection) {
              absl::Status status =
                  connection.Execute("UPDATE public.attempts SET n = n + 1", Params()).status();
              if (!status.ok()) return status;
              return connection.Execute("SELECT public.conflict($1)", Params::Of(state)).status();
            },
            kSoon),
        IsOk());
  }
  EXPECT_EQ(Value("SELECT last_value FROM public.tries"), "12");
  EXPECT_EQ(Value("SELECT n FROM public.attempts"), "2");
}

TEST_F(SchemaTest, AcceptHoldsUnderSerializableIsolation) {
  ASSERT_THAT(Migrate(*connection_), IsOk());
  Run(absl::StrCat("ALTER DATABASE ", name_,
                   " SET default_transaction_isolation = 'serializable'"));
  DatabaseOptions options;
  options.max_attempts = 100;
  auto database = As("postgres", options);
  auto storage = NewPostgresStorage(*database);
  const AcceptRequest request = NewSession(*storage, 1);
  std::vector<AcceptOutcome> outcomes(32);
  std::vector<std::thread> threads;
  for (AcceptOutcome& outcome : outcomes) {
    threads.emplace_back([&] {
      auto result = storage->sessions().Accept(request, kSoon);
      ASSERT_THAT(result, IsOk());
      outcome = result->outcome;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), AcceptOutcome::kOpened), 1);
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), AcceptOutcome::kSameAgain), 31);
}

TEST_F(SchemaTest, AConnectionThatEndedWhileIdleIsReplacedUnseen) {
  DatabaseOptions options;
  options.max_connections = 1;
  auto database = As("postgres", options);
  auto pid = database->Execute("SELECT pg_backend_pid()", Params(), kSoon);
  ASSERT_THAT(pid, IsOk());
  EXPECT_EQ(Value(absl::StrCat("SELECT pg_terminate_backend(", *pid->front().front(), ", 5000)")),
            "t");
  auto next = database->Execute("SELECT pg_backend_pid()", Params(), kSoon);
  ASSERT_THAT(next, IsOk());
  EXPECT_NE(*next->front().front(), *pid->front().front());
}

TEST_F(SchemaTest, AnUnreachableServerIsUnavailableWithoutItsAddress) {
  auto database = NewDatabase("host=/nonexistent/secret-place user=x password=hunter2");
  absl::Status status = database->Execute("SELECT 1", Params(), kSoon).status();
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(std::string(status.message()), AllOf(::testing::Not(HasSubstr("hunter2")),
                                                   ::testing::Not(HasSubstr("secret-place"))));
}

}  // namespace
}  // namespace tam::storage::postgres
