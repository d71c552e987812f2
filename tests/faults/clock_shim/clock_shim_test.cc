// The shim moves the wall clock of a process, and nothing else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

constexpr char kShim[] = "tests/faults/clock_shim/libclock_shim.so";

std::string RunShifted(const std::vector<std::string>& argv, int64_t offset) {
  const auto done = RunProcess(
      argv, {absl::StrCat("LD_PRELOAD=", kShim), absl::StrCat("CLOCK_SHIM_OFFSET_S=", offset),
             "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"});
  EXPECT_THAT(done, IsOk());
  if (!done.ok()) return "";
  EXPECT_EQ(done->exit_code, 0) << done->err;
  return done->out;
}

TEST(ClockShim, MovesTheWallClockBothWays) {
  for (const int64_t offset : {0, 86'400, -86'400}) {
    int64_t seconds = 0;
    ASSERT_TRUE(absl::SimpleAtoi(RunShifted({"/bin/date", "+%s"}, offset), &seconds));
    EXPECT_NEAR(static_cast<double>(seconds),
                static_cast<double>(absl::ToUnixSeconds(absl::Now()) + offset), 30);
  }
}

TEST(ClockShim, LeavesTheMonotonicClockAndWaitsAsTheyAre) {
  constexpr char kProgram[] =
      "import threading, time\n"
      "start = time.monotonic()\n"
      "threading.Event().wait(0.2)\n"
      "time.sleep(0.1)\n"
      "assert 0.3 <= time.monotonic() - start < 20\n"
      "print(int(time.monotonic()))\n";
  for (const int64_t offset : {86'400, -86'400}) {
    int64_t shifted = 0, plain = 0;
    ASSERT_TRUE(
        absl::SimpleAtoi(RunShifted({"/usr/bin/python3", "-c", kProgram}, offset), &shifted));
    ASSERT_TRUE(absl::SimpleAtoi(RunShifted({"/usr/bin/python3", "-c", kProgram}, 0), &plain));
    EXPECT_NEAR(static_cast<double>(shifted), static_cast<double>(plain), 30);
  }
}

}  // namespace
}  // namespace tam::testing
