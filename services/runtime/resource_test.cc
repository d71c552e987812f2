#include "services/runtime/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/runtime/resource_name.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kUuid[] = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";

TEST(ResourceNameTest, GivesWhatStandsInTheBraces) {
  EXPECT_THAT(ParseResourceName("name", "tenants/acme/domains/d-1", "tenants/{t}/domains/{n}"),
              IsOkAndHolds(ElementsAre("acme", "d-1")));
  EXPECT_THAT(ParseResourceName("name", std::string("tenants/acme/devices/") + kUuid,
                                "tenants/{t}/devices/{d}"),
              IsOkAndHolds(ElementsAre("acme", kUuid)));
}

TEST(ResourceNameTest, RefusesWhatDoesNotFitAndNamesTheField) {
  for (const char* name : {"", "tenants", "tenants/", "tenants/Acme", "tenants/1a", "tenant/acme",
                           "tenants/acme/", "tenants/a/b", "tenants/a b", "tenants/../x"}) {
    EXPECT_THAT(ParseResourceName("parent", name, "tenants/{t}"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parent: want")))
        << name;
  }
}

TEST(UidOfRequestTest, DependsOnCallerKindAndRequest) {
  auto uid = UidOfRequest("spiffe://a", kUuid, "domain");
  ASSERT_THAT(uid, IsOk());
  EXPECT_EQ(*uid, *UidOfRequest("spiffe://a", kUuid, "domain"));
  EXPECT_NE(*uid, *UidOfRequest("spiffe://b", kUuid, "domain"));
  EXPECT_NE(*uid, *UidOfRequest("spiffe://a", kUuid, "tenant"));
  EXPECT_THAT(UidOfRequest("spiffe://a", "again", "domain"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
}

TEST(EtagTest, IsAVersionAndNothingElse) {
  EXPECT_THAT(VersionOf(EtagOf(17)), IsOkAndHolds(17u));
  EXPECT_THAT(VersionOf(""), IsOkAndHolds(0u));
  for (const char* etag : {"0", "017", "-1", "x", "99999999999999999999"}) {
    EXPECT_THAT(VersionOf(etag), StatusIs(absl::StatusCode::kAborted)) << etag;
  }
}

}  // namespace
}  // namespace tam::runtime
