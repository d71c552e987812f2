#include "tests/support/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

TEST(ProcessTest, ReturnsExitCodeAndBothStreams) {
  auto done =
      RunProcess({"/bin/sh", "-c", "echo out; echo err >&2; echo $WORD; exit 3"}, {"WORD=word"});
  ASSERT_THAT(done, IsOk());
  EXPECT_EQ(done->exit_code, 3);
  EXPECT_EQ(done->out, "out\nword\n");
  EXPECT_EQ(done->err, "err\n");
}

TEST(ProcessTest, KillsWhatDoesNotFinish) {
  EXPECT_THAT(RunProcess({"/bin/sleep", "60"}, {}, absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(ProcessTest, BackgroundProcessEndsBySignal) {
  auto process = Background::Start({"/bin/sleep", "60"}, ::testing::TempDir() + "/log");
  ASSERT_THAT(process, IsOk());
  EXPECT_TRUE(process->Running());
  EXPECT_EQ(process->Stop(SIGTERM), 128 + SIGTERM);
}

TEST(ProcessTest, BackgroundProcessOutlivesTheThreadThatStartedIt) {
  absl::StatusOr<Background> process = absl::UnknownError("not started");
  std::thread([&process] {
    process = Background::Start({"/bin/sh", "-c", "echo $WORD; exec sleep 60"},
                                ::testing::TempDir() + "/thread.log", {"WORD=word"});
  }).join();
  ASSERT_THAT(process, IsOk());
  EXPECT_FALSE(AwaitEnd(process->pid(), absl::Milliseconds(100)));
  EXPECT_EQ(process->Stop(SIGTERM), 128 + SIGTERM);
}

TEST(ProcessTest, KillsAParentWithItsChildren) {
  const std::string log = ::testing::TempDir() + "/family.log";
  auto parent = Background::Start({"/bin/sh", "-c", "sleep 60 & echo $!; wait"}, log);
  ASSERT_THAT(parent, IsOk());
  pid_t child = 0;
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  while (child == 0 && absl::Now() < deadline) std::ifstream(log) >> child;
  ASSERT_GT(child, 0);
  SignalFamily(parent->pid(), SIGKILL);
  EXPECT_FALSE(parent->Running());
  EXPECT_TRUE(AwaitEnd(child, absl::ZeroDuration()));
}

}  // namespace
}  // namespace tam::testing
