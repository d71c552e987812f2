#include "tools/tamctl/server_list.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace tam::tamctl {
namespace {

using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGetTenant[] = "/tam.v1.RegistryService/GetTenant";
constexpr char kGetDomain[] = "/tam.v1.CatalogService/GetDomain";

TEST(ServerListTest, OneServerServesEverything) {
  TAM_ASSERT_OK_AND_ASSIGN(ServerList list, ServerList::Parse("127.0.0.1:9443"));
  EXPECT_THAT(list.Serving(kGetTenant), IsOkAndHolds(ElementsAre("127.0.0.1:9443")));
  EXPECT_THAT(list.Serving(kGetDomain), IsOkAndHolds(ElementsAre("127.0.0.1:9443")));
}

TEST(ServerListTest, NamedServersServeTheirServiceAndTheOthersTheRest) {
  TAM_ASSERT_OK_AND_ASSIGN(ServerList list,
                           ServerList::Parse("registry=a:1,all:9,registry=[::1]:2,other:9"));
  EXPECT_THAT(list.Serving(kGetTenant), IsOkAndHolds(ElementsAre("a:1", "[::1]:2")));
  EXPECT_THAT(list.Serving(kGetDomain), IsOkAndHolds(ElementsAre("all:9", "other:9")));
}

TEST(ServerListTest, SaysWhichServerIsMissing) {
  TAM_ASSERT_OK_AND_ASSIGN(ServerList list, ServerList::Parse("registry=a:1"));
  EXPECT_THAT(list.Serving(kGetDomain),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("catalog=host:port")));
  EXPECT_THAT(list.Serving("/tam.v1.RegistrySessionService/Accept"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(ServerListTest, RefusesWhatIsNoList) {
  for (const char* text : {"", "host", ":1", "host:", "host:0", "host:65536", "a:1,", "gateway=a:1",
                           "=a:1", "registry=", "registry:a=1"}) {
    EXPECT_THAT(ServerList::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace tam::tamctl
