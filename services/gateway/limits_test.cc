// The gateway's limits, with a clock that only moves when told to.
#include "services/gateway/limits.h"

#include <atomic>

#include "gtest/gtest.h"
#include "services/gateway/manual_clock.h"

namespace tam::gateway {
namespace {

TEST(TokenBucket, RefillsAtItsRate) {
  ManualClock clock;
  TokenBucket bucket({10, 2}, clock.clock());
  EXPECT_TRUE(bucket.TryTake());
  EXPECT_TRUE(bucket.TryTake());
  EXPECT_FALSE(bucket.TryTake());
  clock.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(bucket.TryTake());
  EXPECT_FALSE(bucket.TryTake());
  clock.Advance(absl::Hours(1));
  EXPECT_TRUE(bucket.TryTake());
  EXPECT_TRUE(bucket.TryTake());
  EXPECT_FALSE(bucket.TryTake());
}

TEST(BucketTable, OneKeysExcessLeavesAnotherAlone) {
  ManualClock clock;
  BucketTable table(1 << 12, {1, 3}, clock.clock(), 42);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.TryTake("10.0.0.1"));
  EXPECT_FALSE(table.TryTake("10.0.0.1"));
  EXPECT_FALSE(table.HasToken("10.0.0.1"));
  EXPECT_TRUE(table.HasToken("10.0.0.2"));
  EXPECT_TRUE(table.TryTake("10.0.0.2"));
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(table.TryTake("10.0.0.1"));
}

TEST(BucketTable, WhatIsGivenBackCanBeTakenAgainUpToTheBurst) {
  ManualClock clock;
  BucketTable table(1 << 12, {1, 2}, clock.clock(), 42);
  EXPECT_TRUE(table.TryTake("a"));
  EXPECT_TRUE(table.TryTake("a"));
  table.GiveBack("a");
  EXPECT_TRUE(table.TryTake("a"));
  EXPECT_FALSE(table.TryTake("a"));
  for (int i = 0; i < 5; ++i) table.GiveBack("a");
  EXPECT_TRUE(table.TryTake("a"));
  EXPECT_TRUE(table.TryTake("a"));
  EXPECT_FALSE(table.TryTake("a"));
}

TEST(BucketTable, ThreadsTogetherTakeNoMoreThanTheBurst) {
  ManualClock clock;
  BucketTable table(1, {1, 100}, clock.clock(), 1);
  std::atomic<int> taken{0};
  InThreads(4, [&](int) {
    for (int i = 0; i < 100; ++i) taken += table.TryTake("same") ? 1 : 0;
  });
  EXPECT_EQ(taken, 100);
}

TEST(RecentKeys, RemembersForItsTime) {
  ManualClock clock;
  RecentKeys keys(1 << 10, absl::Hours(1), clock.clock(), 7);
  EXPECT_FALSE(keys.Contains("a"));
  keys.Remember("a");
  EXPECT_TRUE(keys.Contains("a"));
  EXPECT_FALSE(keys.Contains("b"));
  clock.Advance(absl::Hours(1));
  EXPECT_FALSE(keys.Contains("a"));
}

}  // namespace
}  // namespace tam::gateway
