#include "services/runtime/identity.h"

#include <string>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kDomain[] = "tamarack.example";

TEST(IdentityTest, ReadsEachKind) {
  TAM_ASSERT_OK_AND_ASSIGN(
      Identity person,
      Identity::Parse("spiffe://tamarack.example/tenant/acme/developer/jo", kDomain));
  EXPECT_EQ(person.role(), Role::kDeveloper);
  EXPECT_EQ(person.tenant(), "acme");
  EXPECT_EQ(person.name(), "jo");
  EXPECT_TRUE(person.BelongsToTenant());

  TAM_ASSERT_OK_AND_ASSIGN(Identity admin,
                           Identity::Parse("spiffe://tamarack.example/admin/root", kDomain));
  EXPECT_EQ(admin.role(), Role::kAdmin);
  EXPECT_FALSE(admin.BelongsToTenant());

  TAM_ASSERT_OK_AND_ASSIGN(Identity service,
                           Identity::Parse("spiffe://tamarack.example/service/gateway", kDomain));
  EXPECT_EQ(service.role(), Role::kGatewayService);
  EXPECT_EQ(service.spiffe_id(), "spiffe://tamarack.example/service/gateway");
}

TEST(IdentityTest, RefusesEverythingElse) {
  for (const char* uri : {
           "",
           "spiffe://other.example/admin/root",
           "spiffe://tamarack.example.evil/admin/root",
           "https://tamarack.example/admin/root",
           "spiffe://tamarack.example/admin",
           "spiffe://tamarack.example/admin/",
           "spiffe://tamarack.example/admin/root/",
           "spiffe://tamarack.example//admin/root",
           "spiffe://tamarack.example/admin/root?x=1",
           "spiffe://tamarack.example/admin/Root",
           "spiffe://tamarack.example/admin/%72oot",
           "spiffe://tamarack.example/service/billing",
           "spiffe://tamarack.example/tenant/acme/owner/jo",
           "spiffe://tamarack.example/tenant/acme/operator",
           "spiffe://tamarack.example/tenant/../operator/jo",
           "spiffe://tamarack.example/tenant/acme/operator/jo/x",
       }) {
    EXPECT_THAT(Identity::Parse(uri, kDomain), StatusIs(absl::StatusCode::kUnauthenticated)) << uri;
  }
  const std::string with_nul("spiffe://tamarack.example/admin/root\0x", 38);
  EXPECT_THAT(Identity::Parse(with_nul, kDomain), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST(IdentityTest, WantsExactlyOneUri) {
  const std::string uri = "spiffe://tamarack.example/admin/root";
  EXPECT_THAT(Identity::FromCertificate({uri}, kDomain), ::tam::testing::IsOk());
  EXPECT_THAT(Identity::FromCertificate({}, kDomain),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("got 0")));
  EXPECT_THAT(Identity::FromCertificate({uri, uri}, kDomain),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("got 2")));
}

}  // namespace
}  // namespace tam::runtime
