#include "tests/support/postgres.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Whether the process ends within 30 s.
bool Ends(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return errno == ESRCH;
  pollfd wait = {fd, POLLIN, 0};
  const bool ended = poll(&wait, 1, 30000) == 1;
  close(fd);
  return ended;
}

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
