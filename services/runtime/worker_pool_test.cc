#include "services/runtime/worker_pool.h"

#include <atomic>
#include <future>

#include "gtest/gtest.h"

namespace tam::runtime {
namespace {

TEST(WorkerPool, NewWorkLeavesHalfTheQueueToSessionsThatHaveBegun) {
  WorkerPool pool(1, 4);
  std::promise<void> started, go_on;
  ASSERT_TRUE(pool.TrySubmit(
      [&] {
        started.set_value();
        go_on.get_future().wait();
      },
      WorkerPool::Priority::kNew));
  started.get_future().wait();
  std::atomic<int> ran{0};
  const auto count = [&ran] { ++ran; };
  EXPECT_TRUE(pool.TrySubmit(count, WorkerPool::Priority::kNew));
  EXPECT_TRUE(pool.TrySubmit(count, WorkerPool::Priority::kNew));
  EXPECT_FALSE(pool.TrySubmit(count, WorkerPool::Priority::kNew));
  EXPECT_TRUE(pool.TrySubmit(count, WorkerPool::Priority::kContinuing));
  EXPECT_TRUE(pool.TrySubmit(count, WorkerPool::Priority::kContinuing));
  EXPECT_FALSE(pool.TrySubmit(count, WorkerPool::Priority::kContinuing));
  go_on.set_value();
  pool.Stop();
  EXPECT_EQ(ran, 4);
  EXPECT_FALSE(pool.TrySubmit(count, WorkerPool::Priority::kContinuing));
}

}  // namespace
}  // namespace tam::runtime
