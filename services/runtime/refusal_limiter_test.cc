#include "services/runtime/refusal_limiter.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tam::runtime {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

TEST(RefusalLimiterTest, GivesTheBurstThenTheRate) {
  RefusalLimiter limiter({.buckets = 1, .burst = 2, .per_second = 1});
  EXPECT_TRUE(limiter.Take("a", kNow));
  EXPECT_TRUE(limiter.Take("a", kNow));
  EXPECT_FALSE(limiter.Take("a", kNow));
  EXPECT_FALSE(limiter.Take("a", kNow - absl::Seconds(9)));
  EXPECT_TRUE(limiter.Take("a", kNow + absl::Seconds(1)));
  EXPECT_FALSE(limiter.Take("a", kNow + absl::Seconds(1)));
  // Idle time never gives more than the burst.
  EXPECT_TRUE(limiter.Take("a", kNow + absl::Hours(1)));
  EXPECT_TRUE(limiter.Take("a", kNow + absl::Hours(1)));
  EXPECT_FALSE(limiter.Take("a", kNow + absl::Hours(1)));
}

TEST(RefusalLimiterTest, NeverGivesMoreThanTheBurstToConcurrentCallers) {
  RefusalLimiter limiter({.buckets = 8, .burst = 100, .per_second = 0});
  std::atomic<int> taken = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) taken += limiter.Take("a", kNow) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 100);
}

}  // namespace
}  // namespace tam::runtime
