// The gateway's caches, with a clock that only moves when told to.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/gateway/epoch_keys.h"
#include "services/gateway/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

// A caller that waits as long as it takes.
constexpr absl::Time kNever = absl::InfiniteFuture();

absl::Time In(absl::Duration time) { return absl::Now() + time; }

// Reads at once, in the thread that asks.
Background AtOnce() {
  return [](const std::function<void()>& task) {
    task();
    return true;
  };
}

// Reads when told to, in the thread that tells.
class Later {
 public:
  Background background() {
    return [this](std::function<void()> task) {
      std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
      added_.notify_all();
      return true;
    };
  }
  void RunOne() {
    std::unique_lock lock(mutex_);
    while (tasks_.empty()) added_.wait(lock);
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }
  size_t waiting() {
    std::lock_guard lock(mutex_);
    return tasks_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::function<void()>> tasks_;
};

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
  EpochKeyCache cache_{[this] { return Fetch(); }, AtOnce(), clock_.clock()};
};

TEST_F(EpochKeyCacheTest, CarriesTheDatabasesTimeOn) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto first, cache_.Get(kNever));
  EXPECT_EQ(first.now(), database_time_);
  clock_.Advance(absl::Seconds(50));
  TAM_ASSERT_OK_AND_ASSIGN(const auto later, cache_.Get(kNever));
  EXPECT_EQ(later.now(), database_time_ + absl::Seconds(50));
  EXPECT_EQ(reads_, 1);
}

TEST_F(EpochKeyCacheTest, ASlowReadDoesNotPutTheTimeBack) {
  absl::Duration way;
  const absl::Duration begin = clock_.clock()();
  EpochKeyCache cache(
      [&]() -> absl::StatusOr<FetchedKeys> {
        FetchedKeys keys = SomeKeys(database_time_ + (clock_.clock()() - begin));
        clock_.Advance(way);
        return keys;
      },
      AtOnce(), clock_.clock());
  ASSERT_OK(cache.Get(kNever));
  way = absl::Milliseconds(40);
  clock_.Advance(absl::Seconds(61));
  TAM_ASSERT_OK_AND_ASSIGN(const auto reading, cache.Get(kNever));
  EXPECT_EQ(reading.now(), database_time_ + (clock_.clock()() - begin));
}

TEST_F(EpochKeyCacheTest, NoTimeIsBetterThanOneFarBehind) {
  EpochKeyCache cache(
      [&]() -> absl::StatusOr<FetchedKeys> {
        if (++reads_ > 1) return absl::UnavailableError("gone");
        clock_.Advance(absl::Seconds(5));
        return SomeKeys(database_time_);
      },
      AtOnce(), clock_.clock());
  EXPECT_THAT(cache.Get(kNever), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("gone")));
}

TEST_F(EpochKeyCacheTest, ReadsAgainAfterAMinute) {
  ASSERT_OK(cache_.Get(kNever));
  clock_.Advance(absl::Seconds(61));
  ASSERT_OK(cache_.Get(kNever));
  EXPECT_EQ(reads_, 2);
}

TEST_F(EpochKeyCacheTest, SurvivesAnOutageUntilStale) {
  ASSERT_OK(cache_.Get(kNever));
  down_ = true;
  clock_.Advance(absl::Minutes(9));
  EXPECT_OK(cache_.Get(kNever));
  clock_.Advance(absl::Minutes(2));
  EXPECT_THAT(cache_.Get(kNever), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no answer")));
  down_ = false;
  clock_.Advance(absl::Seconds(1));
  EXPECT_OK(cache_.Get(kNever));
}

TEST_F(EpochKeyCacheTest, NeverReadsTwiceWithinASecond) {
  down_ = true;
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(cache_.Get(kNever), StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ(reads_, 1);
}

TEST_F(EpochKeyCacheTest, ReadAfterReadsUnlessItWasReadLater) {
  ASSERT_OK(cache_.Get(kNever));
  clock_.Advance(absl::Milliseconds(100));
  const absl::Duration arrived = clock_.clock()();
  EXPECT_OK(cache_.GetReadAfter(arrived, kNever));
  EXPECT_EQ(reads_, 2);
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_OK(cache_.GetReadAfter(arrived, kNever));
  EXPECT_EQ(reads_, 3);
  EXPECT_OK(cache_.GetReadAfter(arrived, kNever));
  EXPECT_EQ(reads_, 3);
}

TEST_F(EpochKeyCacheTest, ReadAfterNeverAnswersByAnOlderRead) {
  ASSERT_OK(cache_.Get(kNever));
  down_ = true;
  clock_.Advance(absl::Milliseconds(100));
  EXPECT_THAT(cache_.GetReadAfter(clock_.clock()(), kNever),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(cache_.Get(kNever));
}

TEST_F(EpochKeyCacheTest, EmptyAnswerIsNotTakenForKeys) {
  EpochKeyCache empty([]() -> absl::StatusOr<FetchedKeys> { return FetchedKeys(); }, AtOnce(),
                      clock_.clock());
  EXPECT_THAT(empty.Get(kNever), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("no keys")));
}

// Reads wait until the test lets them begin.
class BackgroundTest : public EpochKeyCacheTest {
 protected:
  Later later_;
  EpochKeyCache deferred_{[this] { return Fetch(); }, later_.background(), clock_.clock()};
};

TEST_F(BackgroundTest, ManyColdCallersShareOneRead) {
  std::thread release([&] { later_.RunOne(); });
  InThreads(8, [&](int) { EXPECT_THAT(deferred_.Get(kNever), IsOk()); });
  release.join();
  EXPECT_EQ(reads_, 1);
}

TEST_F(BackgroundTest, AColdCallerWaitsNoLongerThanItsDeadline) {
  const absl::Time deadline = In(absl::Milliseconds(10));
  EXPECT_THAT(deferred_.Get(deadline), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GE(absl::Now(), deadline);
  later_.RunOne();
  EXPECT_OK(deferred_.Get(absl::InfinitePast()));
}

TEST_F(BackgroundTest, ASlowReadHoldsNobodyUpWhileTheKeysAreGood) {
  std::thread first([&] { later_.RunOne(); });
  ASSERT_OK(deferred_.Get(kNever));
  first.join();
  clock_.Advance(absl::Minutes(2));
  for (int i = 0; i < 10; ++i) EXPECT_OK(deferred_.Get(absl::InfinitePast()));
  EXPECT_EQ(later_.waiting(), 1u);
  database_time_ += absl::Hours(1);
  later_.RunOne();
  TAM_ASSERT_OK_AND_ASSIGN(const auto reading, deferred_.Get(absl::InfinitePast()));
  EXPECT_EQ(reading.now(), database_time_);
  EXPECT_EQ(reads_, 2);
}

TEST_F(BackgroundTest, ReadAfterWaitsForTheReadThatBeganLaterAndNotForAnEarlierOne) {
  std::thread first([&] { later_.RunOne(); });
  ASSERT_OK(deferred_.Get(kNever));
  first.join();
  clock_.Advance(absl::Minutes(2));
  ASSERT_OK(deferred_.Get(kNever));  // begins a read
  clock_.Advance(absl::Milliseconds(1));
  std::thread waiter([&] { EXPECT_OK(deferred_.GetReadAfter(clock_.clock()(), kNever)); });
  later_.RunOne();
  // Not enough: the waiter asks for another, as soon as that may begin.
  clock_.Advance(absl::Milliseconds(100));
  later_.RunOne();
  waiter.join();
  EXPECT_EQ(reads_, 3);
}

TEST_F(BackgroundTest, ReadAfterIsHeldUpByTheIntervalButNotBeyondTheDeadline) {
  std::thread first([&] { later_.RunOne(); });
  ASSERT_OK(deferred_.Get(kNever));
  first.join();
  clock_.Advance(absl::Milliseconds(1));
  const absl::Time deadline = In(absl::Milliseconds(10));
  EXPECT_THAT(deferred_.GetReadAfter(clock_.clock()(), deadline),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_GE(absl::Now(), deadline);
  EXPECT_EQ(later_.waiting(), 0u);
}

TEST_F(BackgroundTest, ManyThatNeedANewerValueShareReads) {
  std::thread first([&] { later_.RunOne(); });
  ASSERT_OK(deferred_.Get(kNever));
  first.join();
  clock_.Advance(absl::Milliseconds(50));
  const absl::Duration arrived = clock_.clock()();
  clock_.Advance(absl::Milliseconds(50));
  std::thread second([&] { later_.RunOne(); });
  InThreads(16, [&](int) { EXPECT_OK(deferred_.GetReadAfter(arrived, kNever)); });
  second.join();
  EXPECT_EQ(reads_, 2);
  EXPECT_EQ(later_.waiting(), 0u);
}

TEST_F(BackgroundTest, ABackgroundWithoutRoomIsUnavailableAndAskedAgain) {
  bool room = false;
  EpochKeyCache cache([this] { return Fetch(); },
                      [&](const std::function<void()>& task) {
                        if (room) task();
                        return room;
                      },
                      clock_.clock());
  EXPECT_THAT(cache.Get(kNever), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("too many")));
  room = true;
  clock_.Advance(absl::Seconds(1));
  EXPECT_OK(cache.Get(kNever));
}

}  // namespace
}  // namespace tam::gateway
