#include "services/runtime/resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kUuid[] = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";

TEST(UidOfRequestTest, DependsOnCallerKindAndRequest) {
  auto uid = UidOfRequest("spiffe://a", kUuid, "domain");
  ASSERT_THAT(uid, IsOk());
  EXPECT_EQ(*uid, *UidOfRequest("spiffe://a", kUuid, "domain"));
  EXPECT_NE(*uid, *UidOfRequest("spiffe://b", kUuid, "domain"));
  EXPECT_NE(*uid, *UidOfRequest("spiffe://a", kUuid, "tenant"));
  EXPECT_THAT(UidOfRequest("spiffe://a", "again", "domain"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
}

TEST(EtagTest, AbortsOnAnotherVersionOnly) {
  const std::string etag = EtagOf("resource");
  EXPECT_EQ(etag.size(), 16u);
  EXPECT_THAT(CheckEtag("", etag), IsOk());
  EXPECT_THAT(CheckEtag(etag, etag), IsOk());
  EXPECT_THAT(CheckEtag(EtagOf("other"), etag), StatusIs(absl::StatusCode::kAborted));
}

}  // namespace
}  // namespace tam::runtime
