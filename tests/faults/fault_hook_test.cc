#include "tests/faults/fault_hook.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/runtime/fault_point.h"
#include "tests/faults/fault_control.h"
#include "tests/support/process.h"

namespace tam::faults {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kPoint[] = "call.Lookup.before";

auto IsByChild() {
  return ::testing::AllOf(::testing::Field(&PointPassed::process, "child"),
                          ::testing::Field(&PointPassed::point, kPoint));
}

void Pass(const char* method) {
  runtime::PassFaultPoint(runtime::FaultPlace::kCall, method, runtime::FaultMoment::kBefore);
}

// What becomes of a process with the hook that passes the point so many times: its wait status.
int StatusAfterPasses(const FaultControl& control, int passes) {
  const pid_t child = fork();
  if (child == 0) {
    InstallFaultHook(control.folder(), "child");
    for (int i = 0; i < passes; ++i) Pass("Lookup");
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(FaultHookTest, RecordsEachPassAndDoesNothingWithoutAPlan) {
  FaultControl control;
  EXPECT_EQ(StatusAfterPasses(control, 2), 0);
  EXPECT_THAT(control.Passed(), ElementsAre(IsByChild(), IsByChild()));
  EXPECT_LT(control.Passed()[0].at, control.Passed()[1].at);
  EXPECT_THAT(control.Fired(), IsEmpty());
}

TEST(FaultHookTest, KillsAtThePlannedPassAndTellsOfItFirst) {
  FaultControl control;
  control.Plan({.point = kPoint, .skip = 2});
  const int status = StatusAfterPasses(control, 5);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  EXPECT_EQ(control.Passed().size(), 3u);
  EXPECT_THAT(control.Fired(), ElementsAre(IsByChild()));
  EXPECT_EQ(StatusAfterPasses(control, 5), 0) << "a plan is carried out once";
}

TEST(FaultHookTest, LeavesAPlanForAnotherProcessAlone) {
  FaultControl control;
  control.Plan({.point = kPoint, .process = "other"});
  EXPECT_EQ(StatusAfterPasses(control, 3), 0);
  EXPECT_THAT(control.Fired(), IsEmpty());
}

TEST(FaultHookTest, KillsAnotherProcessAndGoesOn) {
  FaultControl control;
  auto other = testing::Background::Start({"/bin/sleep", "60"}, control.folder() + "/log");
  ASSERT_TRUE(other.ok());
  control.Plan({.point = kPoint, .action = FaultAction::kKillOther, .other = other->pid()});
  EXPECT_EQ(StatusAfterPasses(control, 1), 0);
  EXPECT_FALSE(other->Running());
}

TEST(FaultHookTest, DelaysAsOftenAsPlanned) {
  FaultControl control;
  control.Plan({.point = kPoint,
                .action = FaultAction::kDelay,
                .times = 2,
                .delay = absl::Milliseconds(30)});
  const absl::Time start = absl::Now();
  EXPECT_EQ(StatusAfterPasses(control, 4), 0);
  EXPECT_GE(absl::Now() - start, absl::Milliseconds(60));
  EXPECT_EQ(control.Fired().size(), 2u);
}

TEST(FaultHookTest, ResetDropsPlansAndRecords) {
  FaultControl control;
  control.Plan({.point = kPoint});
  StatusAfterPasses(control, 1);
  control.Plan({.point = kPoint});
  control.Reset();
  EXPECT_THAT(control.Passed(), IsEmpty());
  EXPECT_THAT(control.Fired(), IsEmpty());
  EXPECT_EQ(StatusAfterPasses(control, 1), 0);
}

}  // namespace
}  // namespace tam::faults
