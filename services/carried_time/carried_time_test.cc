#include "services/carried_time/carried_time.h"

#include <vector>

#include "tests/support/status_matchers.h"

namespace tam {
namespace {

using ::tam::testing::StatusIs;

constexpr absl::Duration kSlow = absl::Milliseconds(40);
const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

TimeReading Reading(absl::Duration after_noon, absl::Duration monotonic, absl::Duration took) {
  return {.at = kNoon + after_noon, .monotonic = monotonic, .took = took};
}

struct Value {
  TimeReading reading;
};

absl::StatusOr<Value> ReadAll(std::vector<absl::StatusOr<absl::Duration>> ways, size_t& reads) {
  return ReadQuickly<Value>([&]() -> absl::StatusOr<Value> {
    const absl::StatusOr<absl::Duration>& way = ways.at(reads++);
    if (!way.ok()) return way.status();
    return Value{Reading(absl::ZeroDuration(), absl::ZeroDuration(), *way)};
  });
}

TEST(ReadQuickly, StopsAtTheFirstQuickRead) {
  size_t reads = 0;
  TAM_ASSERT_OK_AND_ASSIGN(const Value value, ReadAll({kSlow, kQuickRead, kSlow}, reads));
  EXPECT_EQ(value.reading.took, kQuickRead);
  EXPECT_EQ(reads, 2u);
}

TEST(ReadQuickly, OfSlowReadsTheQuickestCounts) {
  size_t reads = 0;
  TAM_ASSERT_OK_AND_ASSIGN(const Value value,
                           ReadAll({kSlow * 3, kSlow * 2, kSlow, kSlow * 4, kSlow * 5}, reads));
  EXPECT_EQ(value.reading.took, kSlow);
  EXPECT_EQ(reads, 5u);
}

TEST(ReadQuickly, NoTimeIsBetterThanOneFarBehind) {
  size_t reads = 0;
  EXPECT_THAT(ReadAll({kSlow, absl::UnavailableError("gone")}, reads),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(Better, ASlowReadDoesNotPutTheTimeBack) {
  const TimeReading held = Reading(absl::Seconds(1), absl::Seconds(10), kQuickRead);
  const TimeReading slow = Reading(absl::Seconds(3) - kSlow, absl::Seconds(12), kSlow);
  EXPECT_EQ(Better(held, slow, {}).CarriedTo(absl::Seconds(13)), kNoon + absl::Seconds(4));
}

TEST(Better, AQuickReadCountsAndSoDoesALaterOne) {
  const TimeReading held = Reading(absl::Seconds(1), absl::Seconds(10), kQuickRead);
  const TimeReading quick = Reading(absl::Milliseconds(2999), absl::Seconds(12), kQuickRead);
  EXPECT_EQ(Better(held, quick, {}).at, quick.at);
  const TimeReading later = Reading(absl::Milliseconds(3001), absl::Seconds(12), kSlow);
  EXPECT_EQ(Better(held, later, {}).at, later.at);
}

TEST(Better, WhereAllReadsAreSlowAnOldOneIsReplaced) {
  const TimeReading first = Reading({}, {}, kSlow);
  const TimeReading next = Reading(absl::Seconds(60) - kSlow, absl::Seconds(60), kSlow);
  EXPECT_EQ(Better(first, next, absl::Seconds(1)).at, next.at);
  // One that is twice as slow is not, before the held one has aged by as much.
  TimeReading held = first;
  for (int minute = 1; minute <= 3; ++minute) {
    const absl::Duration now = minute * absl::Minutes(1);
    held = Better(held, Reading(now - 2 * kSlow, now, 2 * kSlow), absl::Seconds(1));
    EXPECT_EQ(held.at, kNoon + now);
  }
  const absl::Duration now = absl::Minutes(4);
  EXPECT_EQ(Better(held, Reading(now - 2 * kSlow, now, 2 * kSlow), absl::Seconds(1)).at,
            kNoon + now - 2 * kSlow);
}

TEST(Better, AClockThatWasPutBackIsBelieved) {
  const TimeReading held = Reading(absl::Seconds(1), absl::Seconds(10), kQuickRead);
  const TimeReading back = Reading(absl::Seconds(2), absl::Seconds(12), kSlow);
  EXPECT_EQ(Better(held, back, {}).at, back.at);
  EXPECT_EQ(Better(held, back, absl::Seconds(1)).CarriedTo(absl::Seconds(12)),
            kNoon + absl::Seconds(3));
}

}  // namespace
}  // namespace tam
