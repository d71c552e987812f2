#include "tests/support/status_matchers.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"

namespace tam::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pointee;

absl::StatusOr<int> Refused() { return absl::InvalidArgumentError("token: want 8..64 bytes"); }
absl::StatusOr<int> Answer() { return 42; }

template <typename M, typename T>
std::string Explain(const M& matcher, const T& value) {
  ::testing::StringMatchResultListener listener;
  ::testing::ExplainMatchResult(matcher, value, &listener);
  return listener.str();
}

TEST(StatusMatchers, IsOkTakesStatusAndStatusOr) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(Answer(), IsOk());
  EXPECT_THAT(absl::NotFoundError("x"), Not(IsOk()));
  EXPECT_THAT(Refused(), Not(IsOk()));
}

TEST(StatusMatchers, StatusIsComparesCodeAndMessage) {
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refused(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("8..64")));
  EXPECT_THAT(Refused(), Not(StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("other"))));
  EXPECT_THAT(Refused().status(), Not(StatusIs(absl::StatusCode::kNotFound)));
  EXPECT_THAT(absl::AbortedError("a"), StatusIs(AnyOf(absl::StatusCode::kAborted), "a"));
  EXPECT_THAT(absl::OkStatus(), StatusIs(absl::StatusCode::kOk));
}

TEST(StatusMatchers, IsOkAndHoldsLooksAtTheValue) {
  EXPECT_THAT(Answer(), IsOkAndHolds(42));
  EXPECT_THAT(Answer(), Not(IsOkAndHolds(41)));
  EXPECT_THAT(Answer(), IsOkAndHolds(AllOf(::testing::Gt(40), ::testing::Lt(43))));
  EXPECT_THAT(Refused(), Not(IsOkAndHolds(42)));
  EXPECT_THAT(absl::StatusOr<std::string>("abc"), IsOkAndHolds("abc"));
  EXPECT_THAT(absl::StatusOr<std::vector<int>>({1, 2}), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_THAT(absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(7)),
              IsOkAndHolds(Pointee(7)));
}

TEST(StatusMatchers, MismatchNamesTheStatus) {
  EXPECT_THAT(Explain(IsOk(), Refused()), HasSubstr("INVALID_ARGUMENT: token: want 8..64 bytes"));
  EXPECT_THAT(Explain(IsOkAndHolds(42), Refused()), HasSubstr("INVALID_ARGUMENT"));
  EXPECT_THAT(Explain(IsOkAndHolds(41), Answer()), HasSubstr("42"));
}

TEST(StatusMatchers, AssignMovesTheValueOut) {
  TAM_ASSERT_OK_AND_ASSIGN(std::unique_ptr<int> p,
                           absl::StatusOr<std::unique_ptr<int>>(std::make_unique<int>(3)));
  EXPECT_THAT(p, Pointee(3));
  int number = 0;
  TAM_ASSERT_OK_AND_ASSIGN(number, Answer());
  EXPECT_EQ(number, 42);
  ASSERT_OK(absl::OkStatus());
}

void AssignRefused() {
  TAM_ASSERT_OK_AND_ASSIGN(int number, Refused());
  FAIL() << "not reached with " << number;
}

TEST(StatusMatchers, AssignEndsTheTestWithTheStatus) {
  EXPECT_FATAL_FAILURE(AssignRefused(), "INVALID_ARGUMENT: token: want 8..64 bytes");
}

}  // namespace
}  // namespace tam::testing
