#include "tests/support/postgres.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

bool Ends(pid_t pid) { return AwaitEnd(pid, absl::Seconds(30)); }

TEST(PrivatePostgres, AnswersOnAUnixSocketOnly) {
  TAM_ASSERT_OK_AND_ASSIGN(PrivatePostgres * server, PrivatePostgres::Get());
  EXPECT_THAT(server->socket_folder(), StartsWith("/tmp/tam."));
  EXPECT_THAT(server->Query("postgres", "SHOW listen_addresses"), IsOkAndHolds("\n"));
  EXPECT_THAT(server->Query("postgres", "SHOW server_version_num"), IsOkAndHolds(StartsWith("15")));
}

TEST(PrivatePostgres, IsSharedByTheProcess) {
  TAM_ASSERT_OK_AND_ASSIGN(PrivatePostgres * first, PrivatePostgres::Get());
  EXPECT_THAT(PrivatePostgres::Get(), IsOkAndHolds(first));
}

TEST(PrivatePostgres, CreatesADatabaseOnce) {
  TAM_ASSERT_OK_AND_ASSIGN(PrivatePostgres * server, PrivatePostgres::Get());
  ASSERT_OK(server->CreateDatabase("fleet"));
  EXPECT_THAT(server->Query("fleet", "SELECT current_database()"), IsOkAndHolds("fleet\n"));
  EXPECT_THAT(server->CreateDatabase("fleet"),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("fleet")));
  EXPECT_THAT(server->CreateDatabase("x; DROP DATABASE fleet"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(PrivatePostgres, RefusedStatementGivesTheServersMessage) {
  TAM_ASSERT_OK_AND_ASSIGN(PrivatePostgres * server, PrivatePostgres::Get());
  EXPECT_THAT(server->Query("postgres", "SELECT * FROM absent"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("\"absent\" does not exist")));
}

TEST(PrivatePostgres, EndsWithItsObject) {
  TAM_ASSERT_OK_AND_ASSIGN(auto server, PrivatePostgres::Start());
  const std::string folder = server->socket_folder();
  const pid_t pid = server->server_pid();
  server.reset();
  EXPECT_TRUE(Ends(pid));
  struct stat unused;
  EXPECT_NE(stat(folder.c_str(), &unused), 0) << folder << " is still there";
}

TEST(PrivatePostgres, KeepsWhatIsCommittedOverAKill) {
  TAM_ASSERT_OK_AND_ASSIGN(auto server, PrivatePostgres::Start(PrivatePostgres::Survives::kKill));
  const std::string dsn = server->Dsn();
  ASSERT_OK(server->Query("postgres", "CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)"));
  for (int n = 2; n <= 3; ++n) {
    const pid_t before = server->server_pid();
    server->Kill();
    EXPECT_FALSE(server->Running());
    EXPECT_TRUE(AwaitEnd(before, absl::ZeroDuration()));
    ASSERT_OK(server->Restart());
    EXPECT_TRUE(server->Running());
    EXPECT_EQ(server->Dsn(), dsn);
    ASSERT_OK(server->Query("postgres", absl::StrCat("INSERT INTO kept VALUES (", n, ")")));
  }
  EXPECT_THAT(server->Query("postgres", "SELECT sum(n) FROM kept"), IsOkAndHolds("6\n"));
  const pid_t last = server->server_pid();
  const std::string folder = server->socket_folder();
  server.reset();
  EXPECT_TRUE(Ends(last));
  struct stat unused;
  EXPECT_NE(stat(folder.c_str(), &unused), 0) << folder << " is still there";
}

TEST(PrivatePostgres, HangsAndGoesOn) {
  TAM_ASSERT_OK_AND_ASSIGN(auto server, PrivatePostgres::Start(PrivatePostgres::Survives::kKill));
  server->Signal(SIGSTOP);
  EXPECT_TRUE(server->Running());
  EXPECT_THAT(RunProcess({"/usr/bin/psql", "-d", server->Dsn(), "-c", "SELECT 1"}, {},
                         absl::Milliseconds(300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  server->Signal(SIGCONT);
  EXPECT_THAT(server->Query("postgres", "SELECT 1"), IsOkAndHolds("1\n"));
}

TEST(PrivatePostgres, EndsWithAKilledTest) {
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t child = fork();
  if (child == 0) {
    auto server = PrivatePostgres::Start();
    const pid_t pid = server.ok() ? (*server)->server_pid() : -1;
    if (write(report[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    raise(SIGKILL);
  }
  close(report[1]);
  pid_t server = -1;
  ASSERT_EQ(read(report[0], &server, sizeof(server)), static_cast<ssize_t>(sizeof(server)));
  close(report[0]);
  ASSERT_GT(server, 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(Ends(server));
}

}  // namespace
}  // namespace tam::testing
