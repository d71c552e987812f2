#include "services/runtime/database_time.h"

#include <functional>

#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;

class FakeDatabaseClock : public storage::DatabaseClock {
 public:
  absl::StatusOr<absl::Time> Now(storage::CallDeadline) override {
    ++reads;
    if (on_way) on_way();
    return answer;
  }
  std::function<void()> on_way;
  absl::StatusOr<absl::Time> answer = absl::FromUnixSeconds(1000);
  int reads = 0;
};

class DatabaseTimeTest : public ::testing::Test {
 protected:
  FakeDatabaseClock clock_;
  absl::Duration monotonic_ = absl::Hours(5);
  DatabaseTime time_{clock_, [this] { return monotonic_; }};
};

TEST_F(DatabaseTimeTest, IsCarriedOnBetweenReads) {
  EXPECT_THAT(time_.Now({}), IsOkAndHolds(absl::FromUnixSeconds(1000)));
  monotonic_ += absl::Seconds(9);
  EXPECT_THAT(time_.Now({}), IsOkAndHolds(absl::FromUnixSeconds(1009)));
  EXPECT_EQ(clock_.reads, 1);
}

TEST_F(DatabaseTimeTest, IsReadAgainWhenOld) {
  EXPECT_OK(time_.Now({}));
  monotonic_ += absl::Seconds(10);
  clock_.answer = absl::FromUnixSeconds(5000);
  EXPECT_THAT(time_.Now({}), IsOkAndHolds(absl::FromUnixSeconds(5000)));
}

TEST_F(DatabaseTimeTest, OutlivesAShortAbsenceOfTheDatabaseAndNoLonger) {
  EXPECT_OK(time_.Now({}));
  clock_.answer = absl::UnavailableError("down");
  monotonic_ += absl::Seconds(299);
  EXPECT_THAT(time_.Now({}), IsOkAndHolds(absl::FromUnixSeconds(1299)));
  monotonic_ += absl::Seconds(1);
  EXPECT_THAT(time_.Now({}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(DatabaseTimeTest, OfSlowReadsTheQuickestGivesTheTime) {
  clock_.on_way = [this] {
    clock_.answer = absl::FromUnixSeconds(1000 * clock_.reads);
    monotonic_ += absl::Seconds(clock_.reads == 4 ? 1 : 5);
  };
  EXPECT_THAT(time_.Now({}), IsOkAndHolds(absl::FromUnixSeconds(4005)));
  EXPECT_EQ(clock_.reads, 5);
}

TEST_F(DatabaseTimeTest, ASlowReadDoesNotPutTheTimeBack) {
  EXPECT_OK(time_.Now({}));
  clock_.on_way = [this] {
    clock_.answer = absl::FromUnixSeconds(1000) + (monotonic_ - absl::Hours(5));
    monotonic_ += absl::Milliseconds(40);
  };
  monotonic_ += absl::Seconds(10);
  EXPECT_THAT(time_.Now({}),
              IsOkAndHolds(absl::FromUnixSeconds(1010) + 5 * absl::Milliseconds(40)));
}

}  // namespace
}  // namespace tam::runtime
