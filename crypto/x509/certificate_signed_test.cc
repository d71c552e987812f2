#include <string>

#include "crypto/x509/anchored.h"
#include "crypto/x509/testing/issuer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using testing::CertificateSpec;
using ::testing::HasSubstr;
using testing::Issuer;

constexpr auto kRefused = absl::StatusCode::kUnauthenticated;

Certificate Of(const Issuer& issuer) { return *Certificate::Parse(issuer.der()); }

class CertificateSignedTest : public ::testing::Test {
 protected:
  const CertificateSpec spec_ = {.common_name = "root", .authority = true};
  const Issuer root_ = Issuer::Root(spec_);
  const Issuer leaf_ = root_.Below({.common_name = "leaf", .serial = 0xa34});
};

TEST_F(CertificateSignedTest, SaysItsNumberAndWhatItsKeyMayDo) {
  EXPECT_EQ(Of(leaf_).serial(), "0a34");
  EXPECT_EQ(Of(root_.Below({.common_name = "x", .serial = 0})).serial(), "0");
  EXPECT_TRUE(Of(leaf_).MaySign());
  EXPECT_FALSE(Of(root_).MaySign());
}

TEST_F(CertificateSignedTest, ByTheKeyOfAnAuthorityOfThatName) {
  EXPECT_THAT(Of(leaf_).CheckSignedBy(Of(root_)), IsOk());
  EXPECT_THAT(Of(root_).CheckSignedBy(Of(root_)), IsOk());
  EXPECT_THAT(Of(leaf_).CheckSignedBy(Of(Issuer::Root(spec_))),
              StatusIs(kRefused, HasSubstr("signature: want one by CN=root")));
  EXPECT_THAT(Of(leaf_).CheckSignedBy(Of(root_.Reissued({.common_name = "x", .authority = true}))),
              StatusIs(kRefused, HasSubstr("issuer: want the authority CN=x, got CN=root")));
  EXPECT_THAT(Of(leaf_).CheckSignedBy(Of(root_.Reissued({.common_name = "root"}))),
              StatusIs(kRefused, HasSubstr("issuer")));
}

TEST_F(CertificateSignedTest, EveryFlippedByteIsRefused) {
  for (size_t i = 0; i < leaf_.der().size(); ++i) {
    std::string der = leaf_.der();
    der[i] = static_cast<char>(der[i] ^ 1);
    const auto leaf = Certificate::Parse(der);
    EXPECT_FALSE(leaf.ok() && leaf->CheckSignedBy(Of(root_)).ok()) << i;
  }
}

}  // namespace
}  // namespace tam::x509
