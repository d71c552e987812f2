#include "tests/support/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

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

}  // namespace
}  // namespace tam::testing
