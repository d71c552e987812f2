#include "services/runtime/periodic.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "absl/time/clock.h"
#include "gtest/gtest.h"

namespace tam::runtime {
namespace {

TEST(PeriodicTest, RunsAgainAndAgainInAnotherThread) {
  std::mutex mutex;
  std::condition_variable changed;
  int runs = 0;
  std::thread::id runner;
  Periodic periodic(absl::Milliseconds(1), [&] {
    std::lock_guard lock(mutex);
    ++runs;
    runner = std::this_thread::get_id();
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return runs >= 3; }));
  EXPECT_NE(runner, std::this_thread::get_id());
}

TEST(PeriodicTest, EndsWithoutWaitingForTheNextRun) {
  std::atomic<int> runs = 0;
  const absl::Time begin = absl::Now();
  {
    Periodic periodic(absl::Hours(1), [&] { ++runs; });
  }
  EXPECT_LT(absl::Now() - begin, absl::Minutes(1));
  EXPECT_EQ(runs, 0);
}

TEST(PeriodicTest, ItsEndWaitsForARunUnderWay) {
  std::mutex mutex;
  std::condition_variable changed;
  bool began = false;
  std::atomic<bool> ended = false;
  {
    Periodic periodic(absl::Milliseconds(1), [&] {
      {
        std::lock_guard lock(mutex);
        began = true;
      }
      changed.notify_all();
      std::this_thread::yield();
      ended = true;
    });
    std::unique_lock lock(mutex);
    ASSERT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return began; }));
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace tam::runtime
