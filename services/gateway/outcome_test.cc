// What the log and the counters have of many outcomes at once.
#include "services/gateway/outcome.h"

#include <string>

#include "gtest/gtest.h"
#include "services/gateway/manual_clock.h"

namespace tam::gateway {
namespace {

class OutcomeLogTest : public ::testing::Test {
 protected:
  // Lines of the log that tell of so many more.
  int Logged(Outcome outcome, int times) {
    ::testing::internal::CaptureStderr();
    for (int i = 0; i < times; ++i) log_.Record({outcome, "/tam/acme/main", "request", ""});
    const std::string lines = ::testing::internal::GetCapturedStderr();
    const std::string code = "\"outcome\":\"" + std::string(OutcomeCode(outcome)) + "\"";
    int found = 0;
    for (size_t at = lines.find(code); at != std::string::npos; at = lines.find(code, at + 1)) {
      ++found;
    }
    return found;
  }

  ManualClock clock_;
  OutcomeLog log_{clock_.clock()};
};

TEST_F(OutcomeLogTest, RefusalsHideNoFailure) {
  EXPECT_EQ(Logged(Outcome::kDroppedMalformed, 300), 200);
  EXPECT_EQ(Logged(Outcome::kDroppedToken, 1), 0);
  EXPECT_EQ(Logged(Outcome::kFailed, 1), 1);
}

TEST_F(OutcomeLogTest, FailuresHaveABudgetOfTheirOwn) {
  EXPECT_EQ(Logged(Outcome::kFailed, 60), 50);
  EXPECT_EQ(Logged(Outcome::kDroppedToken, 1), 1);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Logged(Outcome::kFailed, 60), 10);
}

TEST_F(OutcomeLogTest, WhatIsNotLoggedIsCounted) {
  Logged(Outcome::kFailed, 60);
  Logged(Outcome::kDroppedToken, 300);
  EXPECT_EQ(Logged(Outcome::kUpdateSent, 3), 0) << "at debug, which is below the threshold";
  EXPECT_EQ(log_.count(Outcome::kFailed), 60u);
  EXPECT_EQ(log_.count(Outcome::kDroppedToken), 300u);
  EXPECT_EQ(log_.count(Outcome::kUpdateSent), 3u);
}

}  // namespace
}  // namespace tam::gateway
