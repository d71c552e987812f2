// The gateway's cache of endpoints, with a clock that only moves when told to.
#include "services/gateway/endpoint_cache.h"

#include <atomic>
#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/gateway/manual_clock.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using testing::StatusIs;

// A caller that waits as long as it takes.
constexpr absl::Time kNever = absl::InfiniteFuture();

// Reads at once, in the thread that asks.
Background AtOnce() {
  return [](const std::function<void()>& task) {
    task();
    return true;
  };
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
  EndpointCache cache_{[this](const std::string& path) { return Fetch(path); }, AtOnce(),
                       clock_.clock(), Small()};
};

TEST_F(EndpointCacheTest, AnswersFromMemoryWhileFresh) {
  for (int i = 0; i < 10; ++i) {
    TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint, cache_.Get("/tam/acme/main", kNever));
    EXPECT_EQ(endpoint->path, "/tam/acme/main");
  }
  EXPECT_EQ(reads_, 1);
}

TEST_F(EndpointCacheTest, FollowsANewConfigurationWithinTheBound) {
  ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
  generation_ = 2;
  clock_.Advance(absl::Milliseconds(3100));
  TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint, cache_.Get("/tam/acme/main", kNever));
  EXPECT_EQ(endpoint->binding.generation, 2u);
}

TEST_F(EndpointCacheTest, ReadAfterSeesANewConfigurationSooner) {
  ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
  generation_ = 2;
  clock_.Advance(absl::Milliseconds(100));
  TAM_ASSERT_OK_AND_ASSIGN(const auto endpoint,
                           cache_.GetReadAfter("/tam/acme/main", clock_.clock()(), kNever));
  EXPECT_EQ(endpoint->binding.generation, 2u);
}

TEST_F(EndpointCacheTest, DeletedEndpointStopsWorkingWithinTheBound) {
  ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
  gone_ = true;
  clock_.Advance(absl::Milliseconds(3100));
  EXPECT_THAT(cache_.Get("/tam/acme/main", kNever), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(EndpointCacheTest, OutageIsBridgedForSecondsOnly) {
  ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
  down_ = true;
  clock_.Advance(absl::Seconds(9));
  EXPECT_OK(cache_.Get("/tam/acme/main", kNever));
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(cache_.Get("/tam/acme/main", kNever), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(EndpointCacheTest, UnknownIsRememberedForASecond) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(cache_.Get("/tam/acme/unknown", kNever), StatusIs(absl::StatusCode::kNotFound));
  }
  EXPECT_EQ(reads_, 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(cache_.Get("/tam/acme/unknown", kNever), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(reads_, 2);
}

TEST_F(EndpointCacheTest, OtherShapesAreNeverLookedUp) {
  for (const char* path :
       {"", "/", "/tam", "/tam/acme", "/tam/acme/", "/tam//main", "/tam/Acme/main", "/tam/1acme/x",
        "/tam/acme/main/", "/tam/acme/main?x", "/tam/acme/../main", "/other/acme/main"}) {
    EXPECT_THAT(cache_.Get(path, kNever), StatusIs(absl::StatusCode::kNotFound)) << path;
  }
  EXPECT_THAT(cache_.Get(absl::StrCat("/tam/acme/a", std::string(63, 'b')), kNever),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(reads_, 0);
  EXPECT_OK(cache_.Get(absl::StrCat("/tam/acme/a", std::string(62, 'b')), kNever));
}

TEST_F(EndpointCacheTest, InventedPathsNeitherGrowItNorDriveOutTheKnown) {
  ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(absl::Milliseconds(10));
    ASSERT_OK(cache_.Get("/tam/acme/main", kNever));
    EXPECT_THAT(cache_.Get(absl::StrCat("/tam/acme/unknown", i), kNever),
                StatusIs(absl::StatusCode::kNotFound));
    EXPECT_LE(cache_.size(), 4u);
  }
  EXPECT_EQ(reads_, 101);
}

TEST_F(EndpointCacheTest, InventedPathsHaveABudget) {
  EndpointCache::Limits limits = Small();
  limits.new_paths = {1, 2};
  EndpointCache cache([this](const std::string& path) { return Fetch(path); }, AtOnce(),
                      clock_.clock(), limits);
  ASSERT_OK(cache.Get("/tam/acme/main", kNever));
  EXPECT_THAT(cache.Get("/tam/acme/unknown1", kNever), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(cache.Get("/tam/acme/unknown2", kNever),
              StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_OK(cache.Get("/tam/acme/main", kNever));
}

TEST_F(EndpointCacheTest, ManyThreadsManyPaths) {
  InThreads(4, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      const auto got = cache_.Get(absl::StrCat("/tam/t", (i + thread) % 6, "/main"), kNever);
      EXPECT_TRUE(!got.ok() || (*got)->path[5] == 't');
      if (i % 50 == 0) clock_.Advance(absl::Seconds(1));
    }
  });
  EXPECT_LE(cache_.size(), 4u);
}

}  // namespace
}  // namespace tam::gateway
