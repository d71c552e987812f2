#include "services/signing/kek.h"

#include <sys/stat.h>

#include <fstream>
#include <string>

#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::signing {
namespace {

using cbor::AsBytes;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

TEST(Kek, ReadsBytesOrHexadecimal) {
  const std::string path = ::testing::TempDir() + "/kek";
  auto write = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  };
  EXPECT_THAT(ReadKek(path + "-none"), StatusIs(absl::StatusCode::kNotFound));
  write(std::string(32, 'k'));
  TAM_ASSERT_OK_AND_ASSIGN(const auto binary, ReadKek(path));
  std::string hex;
  for (int i = 0; i < 32; ++i) hex += "6B";
  write(hex + "\n");
  TAM_ASSERT_OK_AND_ASSIGN(const auto text, ReadKek(path));
  const auto wrapped = binary.Wrap(AsBytes("secret"), "here", secret::RandomSource::System());
  EXPECT_OK(text.Unwrap(AsBytes(wrapped), "here"));
  EXPECT_THAT(text.Unwrap(AsBytes(wrapped), "there"), ::testing::Not(testing::IsOk()));
  write("short");
  EXPECT_THAT(ReadKek(path),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want 32 bytes")));
  ASSERT_EQ(chmod(path.c_str(), 0644), 0);
  EXPECT_THAT(ReadKek(path), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace tam::signing
