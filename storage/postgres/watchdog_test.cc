// Deadlines of calls that have none of their own: the watchdog, and the database that uses it.
#include "storage/postgres/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "absl/time/clock.h"
#include "storage/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace tam::storage::postgres {
namespace {

using ::absl::StatusCode;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;

CallDeadline In(absl::Duration time) { return {absl::Now() + time}; }

TEST(Watchdog, CutsWhatLivesAtItsDeadline) {
  Watchdog watchdog;
  std::promise<absl::Time> cut;
  const absl::Time deadline = absl::Now() + absl::Milliseconds(10);
  Watchdog::Watch watch(watchdog, deadline, [&] { cut.set_value(absl::Now()); });
  EXPECT_GE(cut.get_future().get(), deadline);
  EXPECT_TRUE(watch.End());
  EXPECT_TRUE(watch.End());
}

TEST(Watchdog, LeavesAloneWhatHasEnded) {
  Watchdog watchdog;
  bool cut = false;
  Watchdog::Watch ended(watchdog, absl::Now() + absl::Milliseconds(5), [&] { cut = true; });
  const bool in_time = !ended.End();
  // Whatever was due before this one has been seen to.
  std::promise<void> later;
  Watchdog::Watch next(watchdog, absl::Now() + absl::Milliseconds(10), [&] { later.set_value(); });
  later.get_future().wait();
  EXPECT_EQ(cut, !in_time);
}

TEST(Watchdog, ANearerDeadlineIsNotHeldUpByAFartherOne) {
  Watchdog watchdog;
  Watchdog::Watch far(watchdog, absl::InfiniteFuture(), [] { ADD_FAILURE(); });
  Watchdog::Watch hour(watchdog, absl::Now() + absl::Hours(1), [] { ADD_FAILURE(); });
  std::promise<void> cut;
  Watchdog::Watch near(watchdog, absl::Now() + absl::Milliseconds(5), [&] { cut.set_value(); });
  cut.get_future().wait();
  EXPECT_FALSE(hour.End());
  EXPECT_FALSE(far.End());
}

// What the cut uses may go as soon as End has returned.
TEST(Watchdog, NoCutRunsAfterTheEnd) {
  Watchdog watchdog;
  std::atomic<int> cuts{0}, ends{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 300; ++n) {
        auto used = std::make_unique<int>(0);
        Watchdog::Watch watch(watchdog, absl::Now() + absl::Microseconds((n * 7 + t) % 50), [&] {
          ++*used;
          ++cuts;
        });
        std::this_thread::yield();
        const bool cut = watch.End();
        ASSERT_EQ(*used, cut ? 1 : 0);
        ends += cut ? 1 : 0;
        used.reset();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cuts, ends);
}

// A server that says nothing until `answer_`, or for ever.
class SilentServer {
 public:
  class Link : public Connection {
   public:
    explicit Link(SilentServer* server) : server_(server) {}
    absl::StatusOr<Rows> Execute(const std::string& sql, const Params&) override {
      std::unique_lock lock(server_->mutex_);
      ++server_->waiting_;
      server_->changed_.notify_all();
      const bool silent = server_->silent_ && sql != "quick";
      while (!cut_ && silent && server_->silent_) server_->changed_.wait(lock);
      --server_->waiting_;
      if (cut_) return ConnectionLost("cut");
      return Rows{{sql}};
    }
    absl::Status ExecuteScript(const std::string& sql) override {
      return Execute(sql, Params()).status();
    }
    void Interrupt() override {
      std::lock_guard lock(server_->mutex_);
      cut_ = true;
      server_->changed_.notify_all();
    }
    bool Usable() override { return true; }

   private:
    SilentServer* server_;
    bool cut_ = false;
  };

  absl::StatusOr<std::unique_ptr<Connection>> Connect(absl::Time) {
    ++made_;
    return std::make_unique<Link>(this);
  }
  void Speak() {
    std::lock_guard lock(mutex_);
    silent_ = false;
    changed_.notify_all();
  }
  void AwaitCalls(int count) {
    std::unique_lock lock(mutex_);
    while (waiting_ < count) changed_.wait(lock);
  }
  int made() const { return made_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool silent_ = true;
  int waiting_ = 0;
  std::atomic<int> made_{0};
};

class SilentDatabaseTest : public ::testing::Test {
 protected:
  static DatabaseOptions Options() {
    DatabaseOptions options;
    options.max_connections = 2;
    return options;
  }
  SilentServer server_;
  Database database_{[this](absl::Time deadline) { return server_.Connect(deadline); }, Options()};
};

TEST_F(SilentDatabaseTest, AStatementEndsAtItsDeadline) {
  const CallDeadline deadline = In(absl::Milliseconds(20));
  EXPECT_THAT(database_.Execute("S", Params(), deadline), StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_GE(absl::Now(), deadline.at);
}

TEST_F(SilentDatabaseTest, ATransactionEndsAtItsDeadlineAndIsNotRolledBack) {
  EXPECT_THAT(
      database_.Transact([](Connection&) { return absl::OkStatus(); }, In(absl::Milliseconds(20))),
      StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(SilentDatabaseTest, ACallWithoutDeadlineIsBoundedAllTheSame) {
  DatabaseOptions options = Options();
  options.longest_call = absl::Milliseconds(20);
  Database database([this](absl::Time deadline) { return server_.Connect(deadline); }, options);
  EXPECT_THAT(database.Execute("S", Params(), CallDeadline()),
              StatusIs(StatusCode::kDeadlineExceeded));
}

TEST_F(SilentDatabaseTest, WaitingForAConnectionEndsAtTheDeadlineToo) {
  std::vector<std::thread> threads;
  for (int n = 0; n < 2; ++n) {
    threads.emplace_back([&] { EXPECT_THAT(database_.Execute("S", Params(), {}), IsOk()); });
  }
  server_.AwaitCalls(2);
  EXPECT_THAT(database_.Execute("S", Params(), In(absl::Milliseconds(10))),
              StatusIs(StatusCode::kDeadlineExceeded));
  server_.Speak();
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SilentDatabaseTest, AConnectionThatWasCutIsNeverUsedAgain) {
  EXPECT_THAT(database_.Execute("S", Params(), In(absl::Milliseconds(5))),
              StatusIs(StatusCode::kDeadlineExceeded));
  server_.Speak();
  EXPECT_THAT(database_.Execute("S", Params(), {}), IsOk());
  EXPECT_THAT(database_.Execute("S", Params(), {}), IsOk());
  EXPECT_EQ(server_.made(), 2);
}

// A server that answers others meanwhile is not silent: their connections stay.
TEST_F(SilentDatabaseTest, ALongStatementCostsItsOwnConnectionAlone) {
  std::thread slow([&] {
    EXPECT_THAT(database_.Execute("S", Params(), In(absl::Milliseconds(100))),
                StatusIs(StatusCode::kDeadlineExceeded));
  });
  server_.AwaitCalls(1);
  EXPECT_THAT(database_.Execute("quick", Params(), {}), IsOk());
  slow.join();
  EXPECT_THAT(database_.Execute("quick", Params(), {}), IsOk());
  EXPECT_EQ(server_.made(), 2);
}

// Statements that end and deadlines that pass, at once, from many threads.
TEST_F(SilentDatabaseTest, EveryCallEndsWhateverComesFirst) {
  std::vector<std::thread> threads;
  std::atomic<int> ok{0}, late{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < 50; ++n) {
        const bool quick = (n + t) % 3 != 0;
        const absl::Status status =
            database_
                .Execute(quick ? "quick" : "S", Params(),
                         quick ? CallDeadline() : In(absl::Microseconds(100 * (n % 5))))
                .status();
        ASSERT_TRUE(status.ok() || absl::IsDeadlineExceeded(status)) << status;
        ++(status.ok() ? ok : late);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(ok, 0);
  EXPECT_GT(late, 0);
}

}  // namespace
}  // namespace tam::storage::postgres
