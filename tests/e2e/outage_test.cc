// A whole TAM and its PostgreSQL, which hangs, falls, comes back or is not there yet.
#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::AnyOf;

constexpr absl::Duration kDrain = absl::Seconds(2);
constexpr absl::Duration kRecovery = absl::Seconds(10);

class OutageTest : public ::testing::Test {
 protected:
  void Start(Layout layout) {
    StackOptions options;
    options.layout = layout;
    options.flags[""] = {absl::StrCat("--drain_timeout=", absl::FormatDuration(kDrain))};
    auto stack = Stack::Start(std::move(options));
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
  }

  // One that goes to the database of each service but attestation, whose people have no list.
  std::vector<std::pair<std::string, std::vector<std::string>>> Questions() {
    return {{"admin", {"tenant", "list"}},
            {"operator", {"domain", "list"}},
            {"operator", {"key", "list"}},
            {"auditor", {"audit", "list"}}};
  }
  int Ask(const std::string& who, std::vector<std::string> args) {
    args.insert(args.end(), {"--timeout", "3s"});
    return stack_->Tamctl(who, args).exit_code;
  }
  // Until it is answered, within the bound.
  int AskUntilAnswered(const std::string& who, const std::vector<std::string>& args) {
    const absl::Time deadline = absl::Now() + kRecovery;
    int code = Ask(who, args);
    while (code != 0 && absl::Now() < deadline) code = Ask(who, args);
    return code;
  }

  // A call that waits for a lock which the server holds, and then for the server.
  std::thread CallUnderWay() {
    blocker_ = std::thread(
        [this] { stack_->Sql("BEGIN; LOCK TABLE registry.tenants; SELECT pg_sleep(10)"); });
    AwaitRows(
        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation "
        "= 'registry.tenants'::regclass");
    std::thread call([this] { EXPECT_NE(Ask("admin", {"tenant", "list"}), 0); });
    AwaitRows("SELECT 1 FROM pg_locks WHERE NOT granted");
    return call;
  }
  void AwaitRows(const std::string& query) {
    while (stack_->Sql(query).empty()) {
    }
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::thread blocker_;
};

TEST_F(OutageTest, TamdEndsInTimeThoughItsDatabaseHangs) {
  Start(Layout::kTogether);
  std::thread call = CallUnderWay();
  stack_->Signal(kPostgres, SIGSTOP);
  const absl::Time begin = absl::Now();
  // 137 would be the end by force.
  EXPECT_THAT(stack_->StopTamd(SIGTERM), AnyOf(0, 1));
  const absl::Duration took = absl::Now() - begin;
  EXPECT_LE(took, kDrain + absl::Seconds(5));
  std::cout << "SIGTERM with a database that hangs: " << absl::FormatDuration(took) << "\n";
  stack_->Signal(kPostgres, SIGCONT);
  call.join();
  blocker_.join();
  ASSERT_THAT(stack_->StartTamd(), IsOk());
  EXPECT_EQ(AskUntilAnswered("admin", {"tenant", "list"}), 0);
  EXPECT_EQ(stack_->StopTamd(SIGTERM), 0);
}

TEST_F(OutageTest, AHangingDatabaseFailsCallsAndItsReturnIsEnough) {
  Start(Layout::kTogether);
  stack_->Signal(kPostgres, SIGSTOP);
  const absl::Time begin = absl::Now();
  for (const auto& [who, question] : Questions()) EXPECT_NE(Ask(who, question), 0);
  EXPECT_LE(absl::Now() - begin, 4 * absl::Seconds(5));
  stack_->Signal(kPostgres, SIGCONT);
  for (const auto& [who, question] : Questions()) {
    EXPECT_EQ(AskUntilAnswered(who, question), 0) << question[0];
  }
}

TEST_F(OutageTest, TamdStartedBeforeItsDatabaseWaitsAndThenServes) {
  Start(Layout::kTogether);
  ASSERT_EQ(stack_->StopTamd(SIGTERM), 0);
  stack_->Kill(kPostgres, SIGKILL);
  absl::Status started = absl::UnknownError("not tried");
  std::thread start([&] { started = stack_->StartTamd(); });
  ASSERT_THAT(stack_->StartProcess(kPostgres), IsOk());
  start.join();
  ASSERT_THAT(started, IsOk());
  for (const auto& [who, question] : Questions()) EXPECT_EQ(Ask(who, question), 0) << question[0];
}

// Sockets that a process holds, by the inode numbers that /proc gives.
std::set<std::string> SocketsOf(pid_t pid) {
  std::set<std::string> inodes;
  const std::string folder = absl::StrCat("/proc/", pid, "/fd/");
  DIR* files = opendir(folder.c_str());
  EXPECT_NE(files, nullptr);
  if (files == nullptr) return inodes;
  while (const dirent* file = readdir(files)) {
    char target[256];
    const ssize_t size = readlink((folder + file->d_name).c_str(), target, sizeof(target));
    absl::string_view name(target, size > 0 ? static_cast<size_t>(size) : 0);
    if (absl::ConsumePrefix(&name, "socket:[") && absl::ConsumeSuffix(&name, "]")) {
      inodes.emplace(name);
    }
  }
  closedir(files);
  return inodes;
}

// Of those, the ones of the Unix domain: what PostgreSQL is reached by here, and nothing else.
int UnixSocketsOf(pid_t pid) {
  const std::set<std::string> inodes = SocketsOf(pid);
  std::ifstream table(absl::StrCat("/proc/", pid, "/net/unix"));
  int count = 0;
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, inode;
    words >> number >> references >> protocol >> flags >> type >> state >> inode;
    count += inodes.count(inode) > 0;
  }
  return count;
}

TEST_F(OutageTest, EveryServiceRecoversByItselfAndTheGatewayKnowsNoDatabase) {
  Start(Layout::kApart);
  scenario_->AddDevice("one");
  scenario_->AddReferenceValues("one");
  scenario_->Publish(1, "before");
  scenario_->Deploy("sample");
  EXPECT_EQ(scenario_->Session("one").exit_code, 0);
  EXPECT_EQ(UnixSocketsOf(stack_->Pid("gateway-0")), 0);
  for (const char* name : {"registry-0", "catalog-0", "signing-0", "attestation-0"}) {
    EXPECT_GT(UnixSocketsOf(stack_->Pid(name)), 0) << name;
  }
  stack_->Kill(kPostgres, SIGKILL);
  for (const auto& [who, question] : Questions()) EXPECT_NE(Ask(who, question), 0) << question[0];
  ASSERT_THAT(stack_->StartProcess(kPostgres), IsOk());
  const absl::Time back = absl::Now();
  for (const auto& [who, question] : Questions()) {
    EXPECT_EQ(AskUntilAnswered(who, question), 0) << question[0];
  }
  scenario_->Publish(2, "after");
  EXPECT_EQ(scenario_->Session("one").exit_code, 0);
  EXPECT_EQ(scenario_->OnDisk("one"), "after");
  std::cout << "PostgreSQL killed and restarted: a whole session "
            << absl::FormatDuration(absl::Now() - back) << " later\n";
  EXPECT_EQ(stack_->StopTamd(SIGTERM), 0);
}

}  // namespace
}  // namespace tam::testing
