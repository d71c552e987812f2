// The contract of every client interface, run both ways: by a direct call in this process, and over
// gRPC with mutual TLS.

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "services/clients/testing/client_methods.h"
#include "services/clients/testing/served.h"
#include "services/runtime/authorization.h"
#include "tests/support/status_matchers.h"

namespace tam::clients::testing {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;

enum class Way { kDirect, kRemote };

class ClientContract : public ::testing::TestWithParam<std::tuple<Way, size_t>> {
 protected:
  static void SetUpTestSuite() {
    if (served_ != nullptr) return;
    auto served = Served::Start();
    ASSERT_THAT(served, IsOk());
    served_ = served->release();
  }

  void SetUp() override {
    ASSERT_NE(served_, nullptr);
    services().SetAct(nullptr);
    services().SetPadding(0);
  }

  static FakeServices& services() { return served_->services(); }
  static Way way() { return std::get<0>(GetParam()); }
  static const ClientMethod& method() { return ClientMethods()[std::get<1>(GetParam())]; }

  // Connected once for each way and identity.
  static runtime::RpcChannel& ChannelAs(const std::string& uri) {
    static auto& channels =
        *new std::map<std::pair<Way, std::string>, std::unique_ptr<runtime::RpcChannel>>();
    std::unique_ptr<runtime::RpcChannel>& channel = channels[{way(), uri}];
    if (channel == nullptr) {
      channel = way() == Way::kRemote ? served_->Remote({uri}) : served_->Direct(uri);
    }
    return *channel;
  }

  static absl::StatusOr<Outcome> Call(const runtime::CallContext& context = Context(),
                                      size_t padding = 0) {
    return method().call(ChannelAs(Service(method().caller)), context, padding);
  }

  static Served* served_;
};

Served* ClientContract::served_ = nullptr;

TEST_P(ClientContract, CarriesRequestAndResponse) {
  TAM_ASSERT_OK_AND_ASSIGN(Outcome outcome, Call());
  EXPECT_EQ(outcome.echo, outcome.sent);
}

TEST_P(ClientContract, TellsTheHandlerCallerDeadlineAndRequestId) {
  const runtime::CallContext context = Context(absl::Seconds(7));
  ASSERT_THAT(Call(context), IsOk());
  ASSERT_TRUE(services().last().has_value());
  EXPECT_EQ(services().last()->caller.spiffe_id(), Service(method().caller));
  EXPECT_EQ(services().last()->request_id, "request-1");
  EXPECT_LE(absl::AbsDuration(services().last()->deadline - context.deadline), absl::Seconds(1));
}

// What came first is handed on; so is the time that is left.
TEST_P(ClientContract, HandsOnWhatIsLeftOfTheTime) {
  runtime::RpcChannel& channel = ChannelAs(Service(method().caller));
  absl::Time inner;
  bool outer = true;
  services().SetAct([&](const runtime::CallContext& context) {
    if (!std::exchange(outer, false)) {
      inner = context.deadline;
      return absl::OkStatus();
    }
    return method().call(channel, context, 0).status();
  });
  const runtime::CallContext context = Context(absl::Seconds(5));
  ASSERT_THAT(Call(context), IsOk());
  EXPECT_LE(inner, context.deadline + absl::Milliseconds(100));
  EXPECT_GE(inner, context.deadline - absl::Seconds(2));
}

TEST_P(ClientContract, CarriesEveryStatusOnce) {
  for (int code = 1; code <= 16; ++code) {
    const auto sent = static_cast<absl::StatusCode>(code);
    const bool concealed =
        sent == absl::StatusCode::kInternal || sent == absl::StatusCode::kUnknown;
    services().SetAct([&](const runtime::CallContext&) {
      return absl::Status(sent, "field: want \xc3\xa4, got 100%");
    });
    const int before = services().calls();
    EXPECT_THAT(Call(), StatusIs(concealed ? absl::StatusCode::kInternal : sent,
                                 concealed ? "internal error, request request-1"
                                           : "field: want \xc3\xa4, got 100%"))
        << code;
    EXPECT_EQ(services().calls(), before + 1) << code;
  }
}

TEST_P(ClientContract, RefusesAnotherRoleAndAudits) {
  const std::string other = method().caller == "gateway" ? "attestation" : "gateway";
  for (const std::string& uri :
       {Service(other), Service("registry"), std::string("spiffe://tamarack.example/admin/root")}) {
    const int denials = services().denials();
    const int calls = services().calls();
    EXPECT_THAT(method().call(ChannelAs(uri), Context(), 0),
                StatusIs(absl::StatusCode::kPermissionDenied));
    EXPECT_EQ(services().denials(), denials + 1);
    EXPECT_EQ(services().calls(), calls);
  }
}

TEST_P(ClientContract, DoesNotCallAfterTheDeadline) {
  const int before = services().calls();
  EXPECT_THAT(Call(Context(absl::ZeroDuration())), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(services().calls(), before);
}

TEST_P(ClientContract, BoundsRequestsAndResponses) {
  constexpr size_t kMost = runtime::kMaxRpcMessageBytes;
  ASSERT_THAT(Call(Context(), kMost - 4096), IsOk());
  const int before = services().calls();
  EXPECT_THAT(Call(Context(), kMost + 1), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(services().calls(), before);
  services().SetPadding(kMost - 4096);
  ASSERT_THAT(Call(), IsOk());
  services().SetPadding(kMost + 1);
  EXPECT_THAT(Call(), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(ClientContract, KeepsConcurrentCallsApart) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 25;
  std::atomic<int> good = 0;
  const int before = services().calls();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kCalls; ++i) {
        // Each of another size, so that no answer fits another call.
        const auto outcome = Call(Context(), static_cast<size_t>(1 + thread * kCalls + i));
        if (outcome.ok() && outcome->echo == outcome->sent) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kCalls);
  EXPECT_EQ(services().calls(), before + kThreads * kCalls);
}

TEST_P(ClientContract, AnswersUnimplementedForAnUnknownMethod) {
  v1::LookupResponse response;
  for (const std::string& path :
       {method().path + "2", std::string("/tam.v1.RegistryService/GetTenant")}) {
    EXPECT_THAT(ChannelAs(Service("gateway")).Call(Context(), path, v1::LookupRequest(), &response),
                StatusIs(absl::StatusCode::kUnimplemented));
  }
}

std::string NameOf(const ::testing::TestParamInfo<std::tuple<Way, size_t>>& info) {
  return absl::StrCat(std::get<0>(info.param) == Way::kDirect ? "Direct" : "Remote", "_",
                      ClientMethods()[std::get<1>(info.param)].name);
}

INSTANTIATE_TEST_SUITE_P(BothWays, ClientContract,
                         ::testing::Combine(::testing::Values(Way::kDirect, Way::kRemote),
                                            ::testing::Range<size_t>(0, ClientMethods().size())),
                         NameOf);

// The suite knows every call that one service makes to another.
TEST(ClientMethodsTest, AreAllThatTheTableLetsServicesCall) {
  size_t listed = 0;
  for (const runtime::Permission& permission : runtime::AllPermissions()) {
    const std::string path(permission.method);
    if (path.find("SessionService/") == std::string::npos) continue;
    ++listed;
    EXPECT_THAT(ClientMethods(), ::testing::Contains(::testing::Field(&ClientMethod::path, path)));
  }
  EXPECT_EQ(ClientMethods().size(), listed);
}

}  // namespace
}  // namespace tam::clients::testing
