#include "services/runtime/files.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

TEST(FilesTest, AFileIsReplacedWholeAndRead) {
  const std::string path = ::testing::TempDir() + "/file";
  ASSERT_THAT(ReplaceFile(path, "one\n"), IsOk());
  ASSERT_THAT(ReplaceFile(path, "two\n"), IsOk());
  EXPECT_THAT(ReadFile(path), IsOkAndHolds("two\n"));
  EXPECT_THAT(ReplaceFile(::testing::TempDir() + "/no/such/folder", ""),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(FilesTest, WhatCannotBeReadOrIsTooLargeIsNamed) {
  const std::string path = ::testing::TempDir() + "/large";
  EXPECT_THAT(ReadFile(path), StatusIs(absl::StatusCode::kNotFound, HasSubstr(path)));
  EXPECT_THAT(ReadFile(::testing::TempDir()), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_THAT(ReplaceFile(path, std::string(1 << 20, 'x')), IsOk());
  EXPECT_THAT(ReadFile(path), IsOk());
  ASSERT_THAT(ReplaceFile(path, std::string((1 << 20) + 1, 'x')), IsOk());
  EXPECT_THAT(ReadFile(path), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(path)));
}

}  // namespace
}  // namespace tam::runtime
