// The gateway's caches and limits, with a clock that only moves when told to.
#include <atomic>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/gateway/endpoint_cache.h"
#include "services/gateway/epoch_keys.h"
#include "services/gateway/limits.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

class ManualClock {
 public:
  MonotonicClock clock() {
    return [this] { return absl::Milliseconds(ms_.load()); };
  }
  void Advance(absl::Duration by) { ms_ += absl::ToInt64Milliseconds(by); }

 private:
  std::atomic<int64_t> ms_{1'000'000};
};

void InThreads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

FetchedKeys SomeKeys(absl::Time now) {
  FetchedKeys fetched;
  fetched.database_time = now;
  fetched.keys.emplace(EpochOf(absl::ToUnixMillis(now)),
                       secret::SecretBytes(std::vector<uint8_t>(32, 7)));
  return fetched;
}

class EpochKeyCacheTest : public ::testing::Test {
 protected:
  absl::StatusOr<FetchedKeys> Fetch() {
    ++reads_;
    if (down_) return absl::DeadlineExceededError("no answer");
    return SomeKeys(database_time_);
  }

  ManualClock clock_;
  std::atomic<int> reads_{0};
  std::atomic<bool> down_{false};
  absl::Time database_time_ = absl::FromUnixSeconds(1'764'000'000);
  EpochKeyCache cache_{[this] { return Fetch(); }, clock_.clock()};
};

TEST_F(EpochKeyCacheTest, CarriesTheDatabasesTimeOn) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, cache_.Get());
  EXPECT_EQ(first.now(), database_time_);
  clock_.Advance(absl::Seconds(50));
  TAM_ASSERT_OK_AND_ASSIGN(const auto later, cache_.Get());
  EXPECT_EQ(later.now(), database_time_ + absl::Seconds(50));
  EXPECT_EQ(reads_, 1);
}

TEST_F(EpochKeyCacheTest, TimeStartsWhenTheAnswerIsHere) {
  EpochKeyCache slow(
      [&]() -> absl::StatusOr<FetchedKeys> {
        clock_.Advance(absl::Seconds(5));  // the way of the answer
        return SomeKeys(database_time_);
      },
      clock_.clock());
  TAM_ASSERT_OK_AND_ASSIGN(const auto reading, slow.Get());
  EXPECT_EQ(reading.now(), database_time_);
}

TEST_F(EpochKeyCacheTest, ReadsAgainAfterAMinute) {
  ASSERT_OK(cache_.Get());
  clock_.Advance(absl::Seconds(61));
  ASSERT_OK(cache_.Get());
  EXPECT_EQ(reads_, 2);
}

TEST_F(EpochKeyCacheTest, SurvivesAnOutageUntilStale) {
  ASSERT_OK(cache_.Get());
  down_ = true;
  clock_.Advance(absl::Minutes(9));
  EXPECT_OK(cache_.Get());
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(cache_.Get(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no answer")));
  down_ = false;
  clock_.Advance(absl::Seconds(1));
  EXPECT_OK(cache_.Get());
}

TEST_F(EpochKeyCacheTest, NeverReadsTwiceWithinASecond) {
  down_ = true;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(cache_.Get(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(cache_.Refresh(), StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ(reads_, 1);
}

TEST_F(EpochKeyCacheTest, RefreshSinceReadsUnlessItWasReadLater) {
  ASSERT_OK(cache_.Get());
  const absl::Duration arrived = clock_.clock()();
  EXPECT_OK(cache_.RefreshSince(arrived));
  EXPECT_EQ(reads_, 2);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_OK(cache_.RefreshSince(arrived));
  EXPECT_EQ(reads_, 3);
  EXPECT_OK(cache_.RefreshSince(arrived));
  EXPECT_EQ(reads_, 3);
}

TEST_F(EpochKeyCacheTest, RefreshSinceNeverAnswersByAnOlderRead) {
  ASSERT_OK(cache_.Get());
  down_ = true;
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_THAT(cache_.RefreshSince(clock_.clock()()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(cache_.Get());
}

TEST_F(EpochKeyCacheTest, ManyThatWaitForARefreshShareReads) {
  ASSERT_OK(cache_.Get());
  const absl::Duration arrived = clock_.clock()();
  clock_.Advance(absl::Milliseconds(1));
  InThreads(16, [&](int) { EXPECT_OK(cache_.RefreshSince(arrived)); });
  EXPECT_EQ(reads_, 2);
}

TEST_F(EpochKeyCacheTest, RefreshReadsOnceASecondThoughTheKeysAreFresh) {
  ASSERT_OK(cache_.Get());
  EXPECT_OK(cache_.Refresh());
  EXPECT_EQ(reads_, 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_OK(cache_.Refresh());
  EXPECT_OK(cache_.Refresh());
  EXPECT_EQ(reads_, 2);
}

TEST_F(EpochKeyCacheTest, EmptyAnswerIsNotTakenForKeys) {
  EpochKeyCache empty([]() -> absl::StatusOr<FetchedKeys> { return FetchedKeys(); },
                      clock_.clock());
  EXPECT_THAT(empty.Get(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no keys")));
}

TEST_F(EpochKeyCacheTest, ManyColdCallersShareOneRead) {
  std::promise<void> inside, go_on;
  EpochKeyCache cache(
      [&]() -> absl::StatusOr<FetchedKeys> {
        ++reads_;
        inside.set_value();
        go_on.get_future().wait();
        return SomeKeys(database_time_);
      },
      clock_.clock());
  std::thread release([&] {
    inside.get_future().wait();
    go_on.set_value();
  });
  InThreads(8, [&](int) { EXPECT_THAT(cache.Get(), IsOk()); });
  release.join();
  EXPECT_EQ(reads_, 1);
}

TEST_F(EpochKeyCacheTest, AReadUnderWayHoldsNobodyUpWhileTheKeysAreGood) {
  std::promise<void> inside, go_on;
  EpochKeyCache cache(
      [&]() -> absl::StatusOr<FetchedKeys> {
        if (++reads_ == 2) {
          inside.set_value();
          go_on.get_future().wait();
        }
        return SomeKeys(database_time_);
      },
      clock_.clock());
  ASSERT_OK(cache.Get());
  clock_.Advance(absl::Minutes(2));
  std::thread reader([&] { EXPECT_THAT(cache.Get(), IsOk()); });
  inside.get_future().wait();
  EXPECT_OK(cache.Get());  // would hang if it waited for the reader
  go_on.set_value();
  reader.join();
}

class EndpointCacheTest : public ::testing::Test {
 protected:
  absl::StatusOr<Endpoint> Fetch(const std::string& path) {
    ++reads_;
    if (down_) return absl::UnavailableError("registry is down");
    if (gone_ || path.find("unknown") != std::string::npos) {
      return absl::NotFoundError("no such endpoint");
    }
    Endpoint endpoint;
    endpoint.path = path;
    endpoint.binding.generation = generation_;
    return endpoint;
  }
  static EndpointCache::Limits Small() {
    EndpointCache::Limits limits;
    limits.max_entries = 4;
    limits.new_paths = {1, 1000};
    return limits;
  }

  ManualClock clock_;
  std::atomic<int> reads_{0};
  std::atomic<bool> down_{false}, gone_{false};
  uint64_t generation_ = 1;
  EndpointCache cache_{[this](const std::string& path) { return Fetch(path); }, clock_.clock(),
                       Small()};
};

TEST_F(EndpointCacheTest, AnswersFromMemoryWhileFresh) {
  for (int i = 0; i < 10; ++i) {
    TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint, cache_.Get("/tam/acme/main"));
    EXPECT_EQ(endpoint->path, "/tam/acme/main");
  }
  EXPECT_EQ(reads_, 1);
}

TEST_F(EndpointCacheTest, FollowsANewConfigurationWithinTheBound) {
  ASSERT_OK(cache_.Get("/tam/acme/main"));
  generation_ = 2;
  clock_.Advance(absl::Milliseconds(3100));
  TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint, cache_.Get("/tam/acme/main"));
  EXPECT_EQ(endpoint->binding.generation, 2u);
}

TEST_F(EndpointCacheTest, RefreshSeesANewConfigurationSooner) {
  ASSERT_OK(cache_.Get("/tam/acme/main"));
  generation_ = 2;
  clock_.Advance(absl::Seconds(1));
  TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint, cache_.Refresh("/tam/acme/main"));
  EXPECT_EQ(endpoint->binding.generation, 2u);
}

TEST_F(EndpointCacheTest, DeletedEndpointStopsWorkingWithinTheBound) {
  ASSERT_OK(cache_.Get("/tam/acme/main"));
  gone_ = true;
  clock_.Advance(absl::Milliseconds(3100));
  EXPECT_THAT(cache_.Get("/tam/acme/main"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EndpointCacheTest, OutageIsBridgedForSecondsOnly) {
  ASSERT_OK(cache_.Get("/tam/acme/main"));
  down_ = true;
  clock_.Advance(absl::Seconds(9));
  EXPECT_OK(cache_.Get("/tam/acme/main"));
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(cache_.Get("/tam/acme/main"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(EndpointCacheTest, UnknownIsRememberedForASecond) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(cache_.Get("/tam/acme/unknown"), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_EQ(reads_, 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(cache_.Get("/tam/acme/unknown"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(reads_, 2);
}

TEST_F(EndpointCacheTest, OtherShapesAreNeverLookedUp) {
  for (const char* path :
       {"", "/", "/tam", "/tam/acme", "/tam/acme/", "/tam//main", "/tam/Acme/main", "/tam/1acme/x",
        "/tam/acme/main/", "/tam/acme/main?x", "/tam/acme/../main", "/other/acme/main"}) {
    EXPECT_THAT(cache_.Get(path), StatusIs(absl::StatusCode::kNotFound)) << path;
  }
  EXPECT_THAT(cache_.Get(absl::StrCat("/tam/acme/a", std::string(63, 'b'))),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(reads_, 0);
  EXPECT_OK(cache_.Get(absl::StrCat("/tam/acme/a", std::string(62, 'b'))));
}

TEST_F(EndpointCacheTest, InventedPathsNeitherGrowItNorDriveOutTheKnown) {
  ASSERT_OK(cache_.Get("/tam/acme/main"));
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    ASSERT_OK(cache_.Get("/tam/acme/main"));
    EXPECT_THAT(cache_.Get(absl::StrCat("/tam/acme/unknown", i)),
                StatusIs(absl::StatusCode::kNotFound));
    EXPECT_LE(cache_.size(), 4u);
  }
  EXPECT_EQ(reads_, 101);
}

TEST_F(EndpointCacheTest, InventedPathsHaveABudget) {
  EndpointCache::Limits limits = Small();
  limits.new_paths = {1, 2};
  EndpointCache cache([this](const std::string& path) { return Fetch(path); }, clock_.clock(),
                      limits);
  ASSERT_OK(cache.Get("/tam/acme/main"));
  EXPECT_THAT(cache.Get("/tam/acme/unknown1"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(cache.Get("/tam/acme/unknown2"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(cache.Get("/tam/acme/main"));
}

TEST_F(EndpointCacheTest, ManyThreadsManyPaths) {
  InThreads(4, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      const auto got = cache_.Get(absl::StrCat("/tam/t", (i + thread) % 6, "/main"));
      EXPECT_TRUE(!got.ok() || (*got)->path[5] == 't');
      if (i % 50 == 0) clock_.Advance(absl::Seconds(1));
    }
  });
  EXPECT_LE(cache_.size(), 4u);
}

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
