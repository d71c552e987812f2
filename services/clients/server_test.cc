// What a server makes of certificates, waits and ends; and what a client makes of servers.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/clients/registry_client.h"
#include "services/clients/testing/served.h"
#include "tests/support/status_matchers.h"

namespace tam::clients::testing {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr char kAdmin[] = "spiffe://tamarack.example/admin/root";

absl::Status Lookup(runtime::RpcChannel& channel, absl::Duration timeout = absl::Seconds(5)) {
  return NewRegistrySessionClient(channel)->Lookup(Context(timeout), {}).status();
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto served = Served::Start();
    ASSERT_THAT(served, IsOk());
    served_ = *std::move(served);
  }

  // A client as which nothing but `change` differs from the gateway's.
  absl::StatusOr<std::unique_ptr<runtime::RpcChannel>> Client(
      const std::function<void(runtime::RpcClientOptions&)>& change) {
    runtime::RpcClientOptions options = ClientOf({served_->address()});
    options.connect_patience = absl::Milliseconds(500);
    change(options);
    return runtime::NewRpcClient(options);
  }

  std::unique_ptr<Served> served_;
};

TEST_F(ServerTest, RefusesAClientWithoutCertificateInTheHandshake) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client([](runtime::RpcClientOptions& options) {
                             options.tls = runtime::FixedTls({OurAuthority().ca_pem(), "", ""});
                           }));
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(served_->services().denials(), 0);
}

TEST_F(ServerTest, RefusesACertificateOfAnotherAuthority) {
  TAM_ASSERT_OK_AND_ASSIGN(auto other, runtime::TestAuthority::Create("other"));
  TAM_ASSERT_OK_AND_ASSIGN(runtime::TlsMaterial tls, other.Issue({Service("gateway")}));
  tls.ca_pem = OurAuthority().ca_pem();
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client([&](runtime::RpcClientOptions& options) {
                             options.tls = runtime::FixedTls(tls);
                           }));
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(served_->services().calls(), 0);
}

TEST_F(ServerTest, RefusesACertificateWithoutExactlyOneSpiffeId) {
  for (const auto& [uris, reason] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{}, "got 0"},
           {{Service("gateway"), kAdmin}, "got 2"},
           {{"spiffe://other.example/service/gateway"}, "trust domain"},
           {{"spiffe://tamarack.example/service/other"}, "SPIFFE ID of"}}) {
    EXPECT_THAT(Lookup(*served_->Remote(uris)),
                StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr(reason)));
  }
  EXPECT_EQ(served_->services().calls(), 0);
}

TEST_F(ServerTest, ClientRefusesAServerOfAnotherAuthority) {
  TAM_ASSERT_OK_AND_ASSIGN(auto other, runtime::TestAuthority::Create("third"));
  runtime::TlsMaterial tls = CertificateOf({Service("gateway")});
  tls.ca_pem = other.ca_pem();
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client([&](runtime::RpcClientOptions& options) {
                             options.tls = runtime::FixedTls(tls);
                           }));
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(served_->services().calls(), 0);
}

// Right authority, right host, another service.
TEST_F(ServerTest, ClientRefusesAnotherServiceInTheServersPlace) {
  for (const std::string& uri : {Service("catalog"), std::string(kAdmin),
                                 std::string("spiffe://other.example/service/registry")}) {
    TAM_ASSERT_OK_AND_ASSIGN(auto impostor, Served::Start([&](runtime::RpcServer::Options& o) {
                               o.tls = runtime::FixedTls(CertificateOf({uri}));
                             }));
    TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client([&](runtime::RpcClientOptions& options) {
                               options.servers = {impostor->address()};
                             }));
    EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(uri)));
    EXPECT_EQ(impostor->services().calls(), 0);
  }
}

// The certificate below is for localhost and 127.0.0.1; what it is called by does not matter.
TEST_F(ServerTest, ClientIgnoresNamesOfHosts) {
  const std::string port = served_->address().substr(served_->address().rfind(':'));
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client([&](runtime::RpcClientOptions& options) {
                             options.servers = {"127.0.0.1" + port};
                           }));
  EXPECT_THAT(Lookup(*channel), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(auto by_name, Client([&](runtime::RpcClientOptions& options) {
                             options.servers = {"localhost" + port};
                           }));
  EXPECT_THAT(Lookup(*by_name), IsOk());
}

TEST_F(ServerTest, GivesUpAtTheDeadlineWhileTheHandlerBlocks) {
  absl::Notification release;
  served_->services().SetAct([&](const runtime::CallContext&) {
    release.WaitForNotification();
    return absl::OkStatus();
  });
  auto channel = served_->Remote({Service("gateway")});
  EXPECT_THAT(Lookup(*channel, absl::Milliseconds(300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  release.Notify();
  EXPECT_THAT(Lookup(*channel), IsOk());
}

// A call that its caller gave up while it waited is not begun.
TEST_F(ServerTest, DoesNotBeginWhatWasGivenUp) {
  TAM_ASSERT_OK_AND_ASSIGN(auto narrow, Served::Start([](runtime::RpcServer::Options& options) {
                             options.workers = 1;
                           }));
  absl::Notification begun;
  absl::Notification release;
  narrow->services().SetAct([&](const runtime::CallContext&) {
    if (!begun.HasBeenNotified()) begun.Notify();
    release.WaitForNotification();
    return absl::OkStatus();
  });
  auto channel = narrow->Remote({Service("gateway")});
  std::thread first([&] { EXPECT_THAT(Lookup(*channel), IsOk()); });
  begun.WaitForNotification();
  EXPECT_THAT(Lookup(*channel, absl::Milliseconds(300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  release.Notify();
  first.join();
  EXPECT_THAT(Lookup(*channel), IsOk());
  EXPECT_EQ(narrow->services().calls(), 2);
}

TEST_F(ServerTest, LimitsTheTimeOfCallsThatSetNone) {
  auto channel = served_->Remote({Service("gateway")});
  ASSERT_THAT(Lookup(*channel, absl::InfiniteDuration()), IsOk());
  EXPECT_LE(served_->services().last()->deadline, absl::Now() + absl::Seconds(30));
}

TEST_F(ServerTest, DrainsAndThenRefuses) {
  auto channel = served_->Remote({Service("gateway")});
  absl::Notification begun;
  served_->services().SetAct([&](const runtime::CallContext&) {
    begun.Notify();
    return absl::OkStatus();
  });
  std::thread last([&] { EXPECT_THAT(Lookup(*channel), IsOk()); });
  begun.WaitForNotification();
  served_->server().Drain(absl::Now() + absl::Seconds(5));
  last.join();
  EXPECT_THAT(Lookup(*channel, absl::Seconds(2)),
              AnyOf(StatusIs(absl::StatusCode::kUnavailable),
                    StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

TEST(RefusalsTest, AreLimitedPerIdentity) {
  FakeServices services;
  runtime::Dispatcher dispatcher(services);
  ASSERT_THAT(services.AddTo(dispatcher), IsOk());
  runtime::LocalChannel channel(dispatcher,
                                IdentityOf("spiffe://tamarack.example/tenant/acme/auditor/ann"));
  absl::Status last;
  for (int i = 0; i < 200 && !absl::IsResourceExhausted(last); ++i) last = Lookup(channel);
  EXPECT_THAT(last, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ServerStartTest, RefusesUnusableTlsMaterial) {
  EXPECT_THAT(Served::Start([](runtime::RpcServer::Options& options) {
                options.tls = runtime::FixedTls({"no", "pem", "here"});
              }),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Served::Start([](runtime::RpcServer::Options& o) { o.listen = "999.0.0.1:0"; }),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tam::clients::testing
