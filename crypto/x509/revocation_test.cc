#include "crypto/x509/revocation.h"

#include <string>

#include "crypto/x509/testing/issuer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using testing::Issuer;

constexpr auto kRefused = absl::StatusCode::kUnauthenticated;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Certificate Of(const Issuer& issuer) { return *Certificate::Parse(issuer.der()); }

class RevocationTest : public ::testing::Test {
 protected:
  const Issuer root_ = Issuer::Root({.common_name = "root", .authority = true});
  const std::string der_ = root_.RevocationList({.serials = {0, 5, 0x1234}});
};

TEST_F(RevocationTest, NamesTheRevoked) {
  const auto list = RevocationList::Parse(der_);
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(list->CheckSignedBy(Of(root_)), IsOk());
  EXPECT_EQ(list->issuer(), "CN=root");
  EXPECT_EQ(list->this_update(), absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(list->next_update(), absl::FromUnixSeconds(1'900'000'000));
  for (const uint64_t serial : {0, 5, 0x1234}) {
    EXPECT_TRUE(list->Revokes(Of(root_.Below({.common_name = "x", .serial = serial})))) << serial;
  }
  for (const uint64_t serial : {1, 0x12, 0x123400}) {
    EXPECT_FALSE(list->Revokes(Of(root_.Below({.common_name = "x", .serial = serial})))) << serial;
  }
  const auto empty = RevocationList::Parse(root_.RevocationList({}));
  ASSERT_THAT(empty, IsOk());
  EXPECT_FALSE(empty->Revokes(Of(root_)));
}

TEST_F(RevocationTest, IsOfOneAuthority) {
  const auto list = RevocationList::Parse(der_);
  ASSERT_THAT(list, IsOk());
  EXPECT_THAT(list->CheckSignedBy(Of(Issuer::Root({.common_name = "root", .authority = true}))),
              StatusIs(kRefused, HasSubstr("signature: want one by CN=root")));
  EXPECT_THAT(list->CheckSignedBy(Of(Issuer::Root({.common_name = "other", .authority = true}))),
              StatusIs(kRefused, HasSubstr("issuer: want CN=other, got CN=root")));
  const Issuer no_lists = root_.Reissued(
      {.common_name = "root", .authority = true, .key_usage = "critical,keyCertSign"});
  EXPECT_THAT(list->CheckSignedBy(Of(no_lists)), StatusIs(kRefused, HasSubstr("issuer")));
}

TEST_F(RevocationTest, RefusesWhatIsNoCompleteList) {
  EXPECT_THAT(RevocationList::Parse(root_.RevocationList({.critical_extension = true})),
              StatusIs(kInvalid, HasSubstr("complete")));
  EXPECT_THAT(RevocationList::Parse(root_.RevocationList({.without_next_update = true})),
              StatusIs(kInvalid, HasSubstr("two times")));
  EXPECT_THAT(RevocationList::Parse(der_ + "x"), StatusIs(kInvalid));
  EXPECT_THAT(RevocationList::Parse(root_.der()), StatusIs(kInvalid));
  EXPECT_THAT(RevocationList::Parse(""), StatusIs(kInvalid));
}

TEST_F(RevocationTest, EveryFlippedByteIsRefused) {
  for (size_t i = 0; i < der_.size(); ++i) {
    std::string der = der_;
    der[i] = static_cast<char>(der[i] ^ 1);
    const auto list = RevocationList::Parse(der);
    EXPECT_FALSE(list.ok() && list->CheckSignedBy(Of(root_)).ok()) << i;
  }
}

}  // namespace
}  // namespace tam::x509
