// What a client is told: where its servers are, who they have to be, what may be called twice.

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/runtime/authorization.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/server_check.h"
#include "services/runtime/session_retries.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr char kRegistry[] = "spiffe://tamarack.example/service/registry";

TEST(RpcTargetTest, NamesReplicas) {
  EXPECT_THAT(RpcTarget({"127.0.0.1:1"}), IsOkAndHolds("ipv4:127.0.0.1:1"));
  EXPECT_THAT(RpcTarget({"127.0.0.1:1", "10.0.0.2:65535"}),
              IsOkAndHolds("ipv4:127.0.0.1:1,10.0.0.2:65535"));
  EXPECT_THAT(RpcTarget({"[::1]:1", "[2001:db8::2]:3"}),
              IsOkAndHolds("ipv6:%5B::1%5D:1,%5B2001:db8::2%5D:3"));
  EXPECT_THAT(RpcTarget({"registry.tam.svc:9443"}), IsOkAndHolds("dns:///registry.tam.svc:9443"));
}

TEST(RpcTargetTest, RefusesWhatCannotBeOneTarget) {
  for (const std::vector<std::string>& servers :
       std::vector<std::vector<std::string>>{{},
                                             {""},
                                             {":1"},
                                             {"host"},
                                             {"host:0"},
                                             {"host:65536"},
                                             {"host:port"},
                                             {"[host]:1"},
                                             {"::1:1"},
                                             {"a/b:1"},
                                             {"a,b:1"},
                                             {"a:1", "b:1"},
                                             {"127.0.0.1:1", "b:1"},
                                             {"127.0.0.1:1", "[::1]:1"}}) {
    EXPECT_THAT(RpcTarget(servers), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(ServerCheckTest, TakesOneIdentityAlone) {
  const ServerCheck check = IsServer(kRegistry);
  EXPECT_EQ(ServiceId("tamarack.example", "registry"), kRegistry);
  EXPECT_THAT(check({kRegistry}), IsOk());
  for (const std::vector<std::string>& uris :
       std::vector<std::vector<std::string>>{{},
                                             {kRegistry, kRegistry},
                                             {"spiffe://tamarack.example/service/catalog"},
                                             {"spiffe://other.example/service/registry"},
                                             {std::string(kRegistry) + "/"},
                                             {""}}) {
    EXPECT_THAT(check(uris), StatusIs(absl::StatusCode::kUnauthenticated));
  }
}

TEST(ServerCheckTest, TakesAnyServiceButNoPerson) {
  const ServerCheck check = IsServiceOf("tamarack.example");
  EXPECT_THAT(check({kRegistry}), IsOk());
  EXPECT_THAT(check({"spiffe://tamarack.example/service/audit"}), IsOk());
  for (const char* uri :
       {"spiffe://tamarack.example/admin/root", "spiffe://tamarack.example/tenant/demo/operator/a",
        "spiffe://tamarack.example/service/other", "spiffe://other.example/service/registry"}) {
    EXPECT_THAT(check({uri}), StatusIs(absl::StatusCode::kUnauthenticated)) << uri;
  }
}

// Every call between services may be made again, none that people make; each says why.
TEST(SessionRetriesTest, KnowsTheSessionMethodsAlone) {
  std::vector<std::string> methods;
  for (const RetryableMethod& row : RetryableMethods()) {
    methods.push_back("/" + std::string(row.service) + "/" + std::string(row.method));
    EXPECT_FALSE(row.why.empty()) << methods.back();
  }
  size_t between_services = 0;
  for (const Permission& permission : AllPermissions()) {
    const std::string method(permission.method);
    const bool session = method.find("SessionService/") != std::string::npos;
    between_services += session ? 1 : 0;
    EXPECT_THAT(methods, session ? ::testing::Matcher<std::vector<std::string>>(Contains(method))
                                 : ::testing::Not(Contains(method)));
  }
  EXPECT_EQ(methods.size(), between_services);
}

TEST(SessionRetriesTest, WritesGrpcsServiceConfig) {
  RetryLimits limits;
  limits.attempts = 3;
  limits.tokens = 7;
  const std::string json = SessionServiceConfig(limits);
  for (const char* part :
       {R"("loadBalancingConfig":[{"round_robin":{}}])",
        R"({"service":"tam.v1.RegistrySessionService","method":"Accept"})", R"("maxAttempts":3)",
        R"("initialBackoff":"0.05s")", R"("retryableStatusCodes":["UNAVAILABLE","CANCELLED"])",
        R"("retryThrottling":{"maxTokens":7,"tokenRatio":0.1})"}) {
    EXPECT_THAT(json, HasSubstr(part));
  }
}

}  // namespace
}  // namespace tam::runtime
