// What calls see of a PostgreSQL that hangs, falls, comes back, or is not one at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "storage/postgres/postgres_storage.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "tests/support/postgres.h"
#include "tests/support/status_matchers.h"

namespace tam::storage::postgres {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::PrivatePostgres;
using ::tam::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kGrace = absl::Milliseconds(500);
constexpr absl::Duration kRecovery = absl::Seconds(3);

class OutageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto server = PrivatePostgres::Start(PrivatePostgres::Survives::kKill);
    ASSERT_THAT(server, IsOk());
    server_ = server->release();
    ASSERT_THAT(server_->Query("postgres", "CREATE TABLE kept (n int)"), IsOk());
  }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }

  static DatabaseOptions Options() {
    DatabaseOptions options;
    options.max_connections = 4;
    return options;
  }

  // Until it is done once, within the bound.
  absl::Status EventuallyDone(const std::string& sql) {
    const absl::Time deadline = absl::Now() + kRecovery;
    absl::Status status;
    do {
      status = database_->Execute(sql, Params(), {deadline}).status();
    } while (!status.ok() && absl::Now() < deadline);
    return status;
  }

  // Until `sql` has been running for a moment on the server.
  void AwaitRunning(const std::string& sql) {
    const std::string query = absl::StrCat(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = '", sql, "'");
    for (std::string count = "0\n"; count == "0\n";) count = *server_->Query("postgres", query);
  }

  static PrivatePostgres* server_;
  std::unique_ptr<Database> database_ = NewDatabase(server_->Dsn(), Options());
};

PrivatePostgres* OutageTest::server_ = nullptr;

TEST_F(OutageTest, CallsOfAServerThatHangsEndAtTheirDeadlinesAndItsReturnIsEnough) {
  ASSERT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk());
  server_->Signal(SIGSTOP);
  std::vector<std::thread> threads;
  for (int n = 0; n < 8; ++n) {
    threads.emplace_back([&, n] {
      const CallDeadline deadline{absl::Now() + absl::Milliseconds(200 + 100 * n)};
      const absl::Status status =
          n % 2 == 0 ? database_->Execute("SELECT 1", Params(), deadline).status()
                     : database_->Transact(
                           [](Connection& connection) {
                             return connection.Execute("SELECT 1", Params()).status();
                           },
                           deadline);
      const absl::Time end = absl::Now();
      EXPECT_THAT(status, StatusIs(StatusCode::kDeadlineExceeded));
      EXPECT_GE(end, deadline.at);
      EXPECT_LE(end, deadline.at + kGrace);
    });
  }
  for (std::thread& thread : threads) thread.join();
  server_->Signal(SIGCONT);
  EXPECT_THAT(database_->Execute("SELECT 1", Params(), {absl::Now() + kRecovery}), IsOk());
}

TEST_F(OutageTest, AServerThatGoesOnInTimeIsWaitedFor) {
  ASSERT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk());
  server_->Signal(SIGSTOP);
  std::thread call([&] { EXPECT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk()); });
  const absl::Status late =
      database_->Execute("SELECT 1", Params(), {absl::Now() + absl::Milliseconds(50)}).status();
  EXPECT_THAT(late, StatusIs(StatusCode::kDeadlineExceeded));
  server_->Signal(SIGCONT);
  call.join();
}

TEST_F(OutageTest, ALongStatementEndsAtTheDeadlineToo) {
  const CallDeadline deadline{absl::Now() + absl::Milliseconds(200)};
  EXPECT_THAT(database_->Execute("SELECT pg_sleep(60)", Params(), deadline),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_LE(absl::Now(), deadline.at + kGrace);
  EXPECT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk());
}

TEST_F(OutageTest, AServerKilledInTheMiddleOfAStatementIsKnownAtOnceAndUsedAgainWhenBack) {
  ASSERT_THAT(database_->Execute("INSERT INTO kept VALUES (7)", Params(), {}), IsOk());
  absl::Status killed;
  std::thread call(
      [&] { killed = database_->Execute("SELECT pg_sleep(61)", Params(), {}).status(); });
  AwaitRunning("SELECT pg_sleep(61)");
  const absl::Time begin = absl::Now();
  server_->Kill();
  call.join();
  EXPECT_LE(absl::Now(), begin + kRecovery);
  EXPECT_THAT(killed, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(database_->Execute("SELECT 1", Params(), {}), StatusIs(StatusCode::kUnavailable));
  ASSERT_THAT(server_->Restart(), IsOk());
  EXPECT_THAT(EventuallyDone("SELECT 1"), IsOk());
  auto rows = database_->Execute("SELECT n FROM kept", Params(), {});
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->size(), 1u);
}

// Nothing was under way: nobody sees anything of it.
TEST_F(OutageTest, ARestartBetweenTwoCallsIsNotSeen) {
  ASSERT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk());
  server_->Kill();
  ASSERT_THAT(server_->Restart(), IsOk());
  EXPECT_THAT(database_->Execute("SELECT 1", Params(), {}), IsOk());
}

TEST_F(OutageTest, AServerThatStartsIsWaitedFor) {
  ASSERT_THAT(server_->CreateDatabase("opened"), IsOk());
  auto owner = ConnectPqxx(server_->Dsn("opened"));
  ASSERT_THAT(owner, IsOk());
  ASSERT_THAT(Migrate(**owner), IsOk());
  server_->Kill();
  absl::StatusOr<std::unique_ptr<Storage>> opened = absl::UnknownError("not tried");
  std::thread opening([&] {
    opened = OpenPostgresStorage(server_->Dsn("opened", "tam_registry"), Options(), "tam_registry",
                                 {absl::Now() + absl::Seconds(60)});
  });
  ASSERT_THAT(server_->Restart(), IsOk());
  opening.join();
  EXPECT_THAT(opened, IsOk());
}

TEST_F(OutageTest, ADatabaseThatStaysAwayIsGivenUpAtTheDeadline) {
  const absl::Time deadline = absl::Now() + absl::Milliseconds(500);
  EXPECT_THAT(OpenPostgresStorage("host=/nonexistent", Options(), "tam_registry", {deadline}),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_LE(absl::Now(), deadline + kGrace);
}

// Accepts TCP connections and says nothing, or `words` to each.
class FakeServer {
 public:
  explicit FakeServer(std::string words = "") : words_(std::move(words)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (bind(listener_, generic, size) != 0 || listen(listener_, 16) != 0 ||
        getsockname(listener_, generic, &size) != 0) {
      ADD_FAILURE() << "no listener";
    }
    port_ = ntohs(address.sin_port);
    if (!words_.empty()) thread_ = std::thread([this] { Serve(); });
  }
  ~FakeServer() {
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  int port() const { return port_; }

 private:
  void Serve() {
    for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
      char request[1024];
      if (read(peer, request, sizeof(request)) > 0)
        (void)!write(peer, words_.data(), words_.size());
      close(peer);
    }
  }

  const std::string words_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
};

std::string DsnOf(const FakeServer& server) {
  return absl::StrCat("host=127.0.0.1 port=", server.port(),
                      " sslmode=disable gssencmode=disable user=x dbname=x password=hunter2");
}

TEST_F(OutageTest, ConnectingToASilentAddressEndsAtTheDeadline) {
  FakeServer silent;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(200);
  EXPECT_THAT(ConnectPqxx(DsnOf(silent), deadline), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_LE(absl::Now(), deadline + kGrace);
  const absl::Time begin = absl::Now();
  EXPECT_THAT(ConnectPqxx(DsnOf(silent) + " connect_timeout=1"),
              StatusIs(StatusCode::kUnavailable));
  EXPECT_GE(absl::Now(), begin + absl::Seconds(1));
  EXPECT_LE(absl::Now(), begin + absl::Seconds(1) + kGrace);
}

TEST_F(OutageTest, ASilentHostIsPassedOver) {
  FakeServer silent;
  auto connection =
      ConnectPqxx(absl::StrCat("host=127.0.0.1,", server_->socket_folder(), " port=", silent.port(),
                               ",5432 user=postgres dbname=postgres "
                               "connect_timeout=1"));
  ASSERT_THAT(connection, IsOk());
  EXPECT_THAT((*connection)->Execute("SELECT 1", Params()), IsOk());
}

TEST_F(OutageTest, AServerThatIsStillStartingIsUnavailableAndSaysSo) {
  const std::string fields("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0", 58);
  std::string words = "E";
  for (int shift = 24; shift >= 0; shift -= 8) {
    words += static_cast<char>((fields.size() + 4) >> shift & 0xff);
  }
  FakeServer starting(words + fields);
  const absl::Status status = ConnectPqxx(DsnOf(starting)).status();
  EXPECT_THAT(status, StatusIs(StatusCode::kUnavailable,
                               HasSubstr("FATAL:  the database system is starting up")));
  EXPECT_TRUE(IsConnectionLost(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("127.0.0.1"))));
}

}  // namespace
}  // namespace tam::storage::postgres
