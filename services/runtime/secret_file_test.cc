#include "services/runtime/secret_file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class SecretFileTest : public ::testing::Test {
 protected:
  SecretFileTest() {
    std::string pattern = ::testing::TempDir() + "/secret-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) abort();
    folder_ = pattern;
  }

  std::string Write(const std::string& name, const std::string& content, mode_t mode) {
    const std::string path = absl::StrCat(folder_, "/", name);
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  std::string folder_;
};

TEST_F(SecretFileTest, ReadsWhatItsOwnerAloneCanOpen) {
  EXPECT_THAT(ReadSecretFile(Write("a", "hush", 0600)), IsOkAndHolds("hush"));
  EXPECT_THAT(ReadSecretFile(Write("b", "hush", 0400)), IsOkAndHolds("hush"));
}

TEST_F(SecretFileTest, RefusesWhatOthersCanOpenAndSaysWhy) {
  for (const mode_t mode : {0604, 0644, 0660, 0620, 0601, 0610, 0444, 0602}) {
    EXPECT_THAT(ReadSecretFile(Write("a", "hush", mode)),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         AllOf(HasSubstr(folder_ + "/a"), HasSubstr("0600"), HasSubstr("got mode"),
                               Not(HasSubstr("hush")))))
        << mode;
  }
}

// Kubernetes mounts each file of a Secret as a link into a folder that it replaces as a whole.
TEST_F(SecretFileTest, ChecksTheFileBehindALink) {
  const std::string target = Write("target", "hush", 0600);
  const std::string link = folder_ + "/link";
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  EXPECT_THAT(ReadSecretFile(link), IsOkAndHolds("hush"));
  ASSERT_EQ(chmod(target.c_str(), 0644), 0);
  EXPECT_THAT(ReadSecretFile(link), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(SecretFileTest, TrustsRootAndAnOwnGroupToRead) {
  EXPECT_TRUE(IsPrivate({S_IFREG | 0440, 0, 65532}, {1000, 65532}));
  EXPECT_TRUE(IsPrivate({S_IFREG | 0640, 0, 65532}, {65532}));
  EXPECT_FALSE(IsPrivate({S_IFREG | 0440, 0, 65532}, {1000}));
  EXPECT_FALSE(IsPrivate({S_IFREG | 0440, 1000, 65532}, {65532}));
  EXPECT_FALSE(IsPrivate({S_IFREG | 0460, 0, 65532}, {65532}));
  EXPECT_FALSE(IsPrivate({S_IFREG | 0444, 0, 65532}, {65532}));
  EXPECT_FALSE(IsPrivate({S_IFREG | 0404, 0, 65532}, {65532}));
  EXPECT_TRUE(IsPrivate({S_IFREG | 0600, 1000, 1000}, {}));
}

TEST_F(SecretFileTest, RefusesWhatIsNoFileAbsentOrTooLarge) {
  EXPECT_THAT(ReadSecretFile(folder_ + "/absent"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent")));
  EXPECT_THAT(ReadSecretFile(folder_), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(ReadSecretFile(Write("a", "12345", 0600), 4),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ReadSecretFile(Write("b", "1234", 0600), 4), IsOkAndHolds("1234"));
}

}  // namespace
}  // namespace tam::runtime
