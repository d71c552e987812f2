// The contract of a client, run both ways: in this process, and over gRPC with mutual TLS. And what
// the server makes of certificates.

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/clients/registry_client.h"
#include "services/runtime/dispatcher.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/test_credentials.h"
#include "tests/support/status_matchers.h"

namespace tam::clients {
namespace {

using ::tam::runtime::CallContext;
using ::tam::runtime::Dispatcher;
using ::tam::runtime::Identity;
using ::tam::runtime::RpcServer;
using ::tam::runtime::TestAuthority;
using ::tam::runtime::TlsMaterial;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kDomain[] = "tamarack.example";
constexpr char kGateway[] = "spiffe://tamarack.example/service/gateway";
constexpr char kAdmin[] = "spiffe://tamarack.example/admin/root";

class CountingSink : public runtime::AuditSink {
 public:
  absl::Status RecordDenial(const runtime::Denial&) override {
    ++denials;
    return absl::OkStatus();
  }
  std::atomic<int> denials = 0;
};

class FakeRegistry {
 public:
  absl::StatusOr<v1::ResolveEndpointResponse> ResolveEndpoint(
      const CallContext& context, const v1::ResolveEndpointRequest& request) {
    seen = std::make_unique<CallContext>(context);
    if (request.path() != "/tam/acme/main") return absl::NotFoundError("endpoint: no such path");
    v1::ResolveEndpointResponse response;
    response.set_tenant_id("acme");
    return response;
  }
  absl::StatusOr<v1::LookupResponse> Lookup(const CallContext&, const v1::LookupRequest& request) {
    v1::LookupResponse response;
    response.set_agent_key(request.thumbprint());
    return response;
  }
  absl::StatusOr<v1::AcceptResponse> Accept(const CallContext&, const v1::AcceptRequest&) {
    return absl::InternalError("SELECT secret");
  }
  absl::StatusOr<v1::ReportResponse> Report(const CallContext&, const v1::ReportRequest&) {
    release.WaitForNotification();
    return v1::ReportResponse();
  }
  absl::StatusOr<v1::NoteRefusalResponse> NoteRefusal(const CallContext&,
                                                      const v1::NoteRefusalRequest&) {
    return v1::NoteRefusalResponse();
  }

  std::unique_ptr<CallContext> seen;
  absl::Notification release;
};

// One server for all tests: making credentials takes a while.
class Fixture {
 public:
  static Fixture& Get() {
    static auto& fixture = *new Fixture();
    return fixture;
  }

  absl::Status Start() {
    if (server != nullptr) return absl::OkStatus();
    absl::StatusOr<TestAuthority> made = TestAuthority::Create("authority");
    if (!made.ok()) return made.status();
    authority = std::make_unique<TestAuthority>(*made);
    runtime::ServiceBinding binding("tam.v1.RegistrySessionService");
    binding.Add("ResolveEndpoint", registry, &FakeRegistry::ResolveEndpoint)
        .Add("Lookup", registry, &FakeRegistry::Lookup)
        .Add("Accept", registry, &FakeRegistry::Accept)
        .Add("Report", registry, &FakeRegistry::Report)
        .Add("NoteRefusal", registry, &FakeRegistry::NoteRefusal);
    if (absl::Status added = dispatcher.Add(binding); !added.ok()) return added;
    absl::StatusOr<TlsMaterial> tls =
        authority->Issue({"spiffe://tamarack.example/service/registry"});
    if (!tls.ok()) return tls.status();
    auto started = RpcServer::Start({"127.0.0.1:0", *tls, kDomain, 2, 8}, dispatcher);
    if (!started.ok()) return started.status();
    server = *std::move(started);
    return absl::OkStatus();
  }

  std::unique_ptr<runtime::RpcChannel> Connect(const TlsMaterial& tls) {
    return runtime::NewRpcClient({absl::StrCat("127.0.0.1:", server->port()), tls, "localhost"});
  }
  // A channel whose certificate, of `issuer`, has these URIs.
  absl::StatusOr<std::unique_ptr<runtime::RpcChannel>> ConnectAs(
      const TestAuthority& issuer, const std::vector<std::string>& uris) {
    absl::StatusOr<TlsMaterial> tls = issuer.Issue(uris);
    if (!tls.ok()) return tls.status();
    tls->ca_pem = authority->ca_pem();
    return Connect(*tls);
  }

  CountingSink sink;
  FakeRegistry registry;
  Dispatcher dispatcher{sink};
  std::unique_ptr<TestAuthority> authority;
  std::unique_ptr<RpcServer> server;
};

CallContext Context(absl::Duration timeout = absl::Seconds(20)) {
  return {*Identity::Parse(kGateway, kDomain), absl::Now() + timeout, "request-1"};
}

enum class Way { kDirect, kRemote };

class ClientContract : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override { ASSERT_THAT(fixture_.Start(), IsOk()); }

  absl::StatusOr<std::unique_ptr<runtime::RpcChannel>> ChannelOf(const std::string& spiffe_id) {
    if (GetParam() == Way::kRemote) return fixture_.ConnectAs(*fixture_.authority, {spiffe_id});
    return std::make_unique<runtime::LocalChannel>(fixture_.dispatcher,
                                                   *Identity::Parse(spiffe_id, kDomain));
  }

  Fixture& fixture_ = Fixture::Get();
};

TEST_P(ClientContract, CarriesRequestResponseAndContext) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kGateway));
  auto client = NewRegistrySessionClient(*channel);
  v1::ResolveEndpointRequest request;
  request.set_path("/tam/acme/main");
  const CallContext context = Context();
  TAM_ASSERT_OK_AND_ASSIGN(v1::ResolveEndpointResponse response,
                           client->ResolveEndpoint(context, request));
  EXPECT_EQ(response.tenant_id(), "acme");
  EXPECT_EQ(fixture_.registry.seen->caller.spiffe_id(), kGateway);
  EXPECT_EQ(fixture_.registry.seen->request_id, "request-1");
  EXPECT_LE(absl::AbsDuration(fixture_.registry.seen->deadline - context.deadline),
            absl::Seconds(1));
}

TEST_P(ClientContract, CarriesBytesThatAreNotText) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kGateway));
  v1::LookupRequest request;
  request.set_thumbprint(std::string("\0\xff\x80", 3));
  TAM_ASSERT_OK_AND_ASSIGN(v1::LookupResponse response,
                           NewRegistrySessionClient(*channel)->Lookup(Context(), request));
  EXPECT_EQ(response.agent_key(), request.thumbprint());
}

TEST_P(ClientContract, CarriesTheHandlersStatus) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kGateway));
  EXPECT_THAT(NewRegistrySessionClient(*channel)->ResolveEndpoint(Context(), {}),
              StatusIs(absl::StatusCode::kNotFound, "endpoint: no such path"));
}

TEST_P(ClientContract, ConcealsInternalErrors) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kGateway));
  EXPECT_THAT(NewRegistrySessionClient(*channel)->Accept(Context(), {}),
              StatusIs(absl::StatusCode::kInternal, "internal error, request request-1"));
}

TEST_P(ClientContract, RefusesAnotherRoleAndAudits) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kAdmin));
  const int before = fixture_.sink.denials;
  EXPECT_THAT(NewRegistrySessionClient(*channel)->Lookup(Context(), {}),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(fixture_.sink.denials, before + 1);
}

TEST_P(ClientContract, DoesNotCallAfterTheDeadline) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, ChannelOf(kGateway));
  EXPECT_THAT(NewRegistrySessionClient(*channel)->Lookup(Context(absl::ZeroDuration()), {}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

INSTANTIATE_TEST_SUITE_P(BothWays, ClientContract, ::testing::Values(Way::kDirect, Way::kRemote),
                         [](const auto& way) {
                           return way.param == Way::kDirect ? "Direct" : "Remote";
                         });

class RpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_THAT(fixture_.Start(), IsOk()); }
  absl::Status Lookup(runtime::RpcChannel& channel, absl::Duration timeout = absl::Seconds(5)) {
    return NewRegistrySessionClient(channel)->Lookup(Context(timeout), {}).status();
  }
  Fixture& fixture_ = Fixture::Get();
};

TEST_F(RpcServerTest, RefusesAClientWithoutCertificateInTheHandshake) {
  const int before = fixture_.sink.denials;
  auto channel = fixture_.Connect({fixture_.authority->ca_pem(), "", ""});
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(fixture_.sink.denials, before);
}

TEST_F(RpcServerTest, RefusesACertificateOfAnotherAuthority) {
  TAM_ASSERT_OK_AND_ASSIGN(TestAuthority other, TestAuthority::Create("other"));
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, fixture_.ConnectAs(other, {kGateway}));
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RpcServerTest, ClientRefusesAServerOfAnotherAuthority) {
  TAM_ASSERT_OK_AND_ASSIGN(TestAuthority other, TestAuthority::Create("third"));
  TAM_ASSERT_OK_AND_ASSIGN(TlsMaterial tls, fixture_.authority->Issue({kGateway}));
  tls.ca_pem = other.ca_pem();
  auto channel = fixture_.Connect(tls);
  EXPECT_THAT(Lookup(*channel), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(RpcServerTest, RefusesACertificateWithoutExactlyOneSpiffeId) {
  TAM_ASSERT_OK_AND_ASSIGN(auto none, fixture_.ConnectAs(*fixture_.authority, {}));
  EXPECT_THAT(Lookup(*none), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("got 0")));
  TAM_ASSERT_OK_AND_ASSIGN(auto two, fixture_.ConnectAs(*fixture_.authority, {kGateway, kAdmin}));
  EXPECT_THAT(Lookup(*two), StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("got 2")));
  TAM_ASSERT_OK_AND_ASSIGN(
      auto foreign, fixture_.ConnectAs(*fixture_.authority, {"spiffe://other.example/admin/root"}));
  EXPECT_THAT(Lookup(*foreign), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(RpcServerTest, LimitsRefusalsPerIdentity) {
  TAM_ASSERT_OK_AND_ASSIGN(
      auto channel, fixture_.ConnectAs(*fixture_.authority,
                                       {"spiffe://tamarack.example/tenant/acme/auditor/ann"}));
  absl::Status last;
  for (int i = 0; i < 200 && !absl::IsResourceExhausted(last); ++i) last = Lookup(*channel);
  EXPECT_THAT(last, StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(RpcServerTest, AnswersUnimplementedForAnUnknownMethod) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, fixture_.ConnectAs(*fixture_.authority, {kGateway}));
  v1::LookupResponse response;
  EXPECT_THAT(
      channel->Call(Context(), "/tam.v1.RegistryService/GetTenant", v1::LookupRequest(), &response),
      StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(RpcServerTest, GivesUpAtTheDeadlineWhileTheHandlerBlocks) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, fixture_.ConnectAs(*fixture_.authority, {kGateway}));
  auto client = NewRegistrySessionClient(*channel);
  EXPECT_THAT(client->Report(Context(absl::Milliseconds(300)), {}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  fixture_.registry.release.Notify();
  EXPECT_THAT(client->Report(Context(), {}), IsOk());
}

TEST(RpcServerStartTest, RefusesUnusableTlsMaterial) {
  CountingSink sink;
  Dispatcher dispatcher(sink);
  EXPECT_THAT(RpcServer::Start({"127.0.0.1:0", {"no", "pem", "here"}, kDomain}, dispatcher),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RpcServerStartTest, DrainsAndThenRefuses) {
  Fixture own;
  ASSERT_THAT(own.Start(), IsOk());
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, own.ConnectAs(*own.authority, {kGateway}));
  auto client = NewRegistrySessionClient(*channel);
  EXPECT_THAT(client->Lookup(Context(), {}), IsOk());
  own.server->Drain(absl::Now() + absl::Seconds(5));
  EXPECT_THAT(client->Lookup(Context(absl::Seconds(2)), {}),
              ::testing::AnyOf(StatusIs(absl::StatusCode::kUnavailable),
                               StatusIs(absl::StatusCode::kDeadlineExceeded)));
}

}  // namespace
}  // namespace tam::clients
