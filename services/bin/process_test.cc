// tamd from its configuration on: a private PostgreSQL, real credentials, real listeners.

#include "services/bin/process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "google/protobuf/empty.pb.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/audit.pb.h"
#include "proto/tam/v1/registry.pb.h"
#include "services/runtime/fault_point.h"
#include "services/runtime/files.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/server_check.h"
#include "services/runtime/test_credentials.h"
#include "services/runtime/tls_source.h"
#include "storage/postgres/pqxx_connection.h"
#include "storage/postgres/schema.h"
#include "tests/support/postgres.h"
#include "tests/support/status_matchers.h"

namespace tam::bin {
namespace {

using ::tam::runtime::TestAuthority;
using ::tam::runtime::TlsMaterial;
using ::tam::testing::IsOk;
using ::tam::testing::PrivatePostgres;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kDomain[] = "tamarack.example";
constexpr char kAdmin[] = "spiffe://tamarack.example/admin/root";
constexpr char kOperator[] = "spiffe://tamarack.example/tenant/demo/operator/ann";

// An empty POST to a TAM URI; the whole reply, or what failed.
std::string PostEmpty(const std::string& address, const std::string& path) {
  const size_t colon = address.rfind(':');
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port)) return "no port";
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::string reply = "no connection";
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) {
    const std::string request =
        absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: tam\r\nAccept: application/teep+cbor\r\n",
                     "Content-Length: 0\r\nConnection: close\r\n\r\n");
    reply.clear();
    if (write(fd, request.data(), request.size()) < 0) reply = "no write";
    char buffer[4096];
    for (ssize_t got; (got = read(fd, buffer, sizeof(buffer))) > 0;) reply.append(buffer, got);
  }
  close(fd);
  return reply;
}

class ProcessTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto authority = TestAuthority::Create("authority");
    ASSERT_THAT(authority, IsOk());
    authority_ = new TestAuthority(*authority);
  }

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/process-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    TAM_ASSERT_OK_AND_ASSIGN(PrivatePostgres * postgres, PrivatePostgres::Get());
    postgres_ = postgres;
    database_ =
        absl::StrCat("tamd_", ::testing::UnitTest::GetInstance()->random_seed(), "_", ++databases_);
    ASSERT_THAT(postgres_->CreateDatabase(database_), IsOk());
    WriteDsns([](const std::string& role) { return absl::StrCat("tam_", role); });
    WriteSecret(folder_ + "/kek", std::string(32, 'k'));
  }

  // Readable by its owner alone.
  void WriteSecret(const std::string& path, const std::string& content) {
    ASSERT_THAT(runtime::ReplaceFile(path, content), IsOk());
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  }

  void WriteDsns(const std::function<std::string(const std::string& role)>& user) {
    for (const char* role : {"registry", "attestation", "catalog", "signing", "audit"}) {
      WriteSecret(absl::StrCat(folder_, "/", role, ".dsn"),
                  postgres_->Dsn(database_, user(role)) + "\n");
    }
  }

  void Migrate() {
    TAM_ASSERT_OK_AND_ASSIGN(auto connection,
                             storage::postgres::ConnectPqxx(postgres_->Dsn(database_)));
    ASSERT_THAT(storage::postgres::Migrate(*connection), IsOk());
  }

  void WriteTls(const std::string& service) {
    const std::string base = absl::StrCat(folder_, "/", service);
    ASSERT_THAT(authority_->IssueTo({base + ".ca", base + ".pem", base + ".key"},
                                    {runtime::ServiceId(kDomain, service)}),
                IsOk());
  }

  // Of a process with these modules, whose certificate is that of `service`.
  Config ConfigOf(const std::string& modules, const std::string& service) {
    Config config;
    config.modules = *ParseModules(modules);
    config.database_dir = folder_;
    config.database_connections = 4;
    config.kek_file = folder_ + "/kek";
    config.trust_domain = kDomain;
    WriteTls(service);
    config.tls_ca_file = absl::StrCat(folder_, "/", service, ".ca");
    config.tls_cert_file = absl::StrCat(folder_, "/", service, ".pem");
    config.tls_key_file = absl::StrCat(folder_, "/", service, ".key");
    config.admin_listen = "127.0.0.1:0";
    config.http_listen = "127.0.0.1:0";
    config.drain_timeout = absl::Seconds(5);
    return config;
  }

  template <typename Response>
  absl::StatusOr<Response> Call(const Process& process, const std::string& who,
                                const std::string& method,
                                const google::protobuf::Message& request) {
    TlsMaterial tls{authority_->ca_pem(), "", ""};
    if (!who.empty()) tls = *authority_->Issue({who});
    runtime::RpcClientOptions options;
    options.servers = {process.admin_address()};
    options.tls = runtime::FixedTls(tls);
    options.server = runtime::IsServiceOf(kDomain);
    auto channel = runtime::NewRpcClient(options);
    if (!channel.ok()) return channel.status();
    Response response;
    const runtime::CallContext context{*runtime::Identity::Parse(kAdmin, kDomain),
                                       absl::Now() + absl::Seconds(20), ""};
    absl::Status status = (*channel)->Call(context, method, request, &response);
    if (!status.ok()) return status;
    return response;
  }

  void MakeEndpoint(const Process& process) {
    v1::CreateTenantRequest tenant;
    tenant.mutable_tenant()->set_name("tenants/demo");
    ASSERT_THAT(Call<v1::CreateTenantResponse>(process, kAdmin,
                                               "/tam.v1.RegistryService/CreateTenant", tenant),
                IsOk());
    v1::CreateEndpointRequest endpoint;
    endpoint.set_parent("tenants/demo");
    endpoint.set_endpoint_id("main");
    endpoint.mutable_endpoint()->set_attestation_required(true);
    ASSERT_THAT(Call<v1::CreateEndpointResponse>(
                    process, kOperator, "/tam.v1.RegistryService/CreateEndpoint", endpoint),
                IsOk());
  }

  std::string AuditRows() {
    return *postgres_->Query(database_, "SELECT count(*) FROM audit.entries");
  }

  static TestAuthority* authority_;
  static int databases_;
  PrivatePostgres* postgres_ = nullptr;
  std::string folder_;
  std::string database_;
};

TestAuthority* ProcessTest::authority_ = nullptr;
int ProcessTest::databases_ = 0;

TEST_F(ProcessTest, ServesPeopleAndDevicesInOneProcess) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(auto process, Process::Start(ConfigOf("all", "gateway")));
  MakeEndpoint(*process);
  EXPECT_THAT(PostEmpty(process->http_address(), "/tam/demo/main"), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(PostEmpty(process->http_address(), "/tam/demo/absent"), StartsWith("HTTP/1.1 404"));
}

TEST_F(ProcessTest, ServesTheSameFromTwoProcesses) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(
      auto services,
      Process::Start(ConfigOf("signing,registry,catalog,attestation,audit", "registry")));
  EXPECT_THAT(services->http_address(), IsEmpty());
  MakeEndpoint(*services);
  Config config = ConfigOf("gateway", "gateway");
  for (Module module :
       {Module::kSigning, Module::kRegistry, Module::kCatalog, Module::kAttestation}) {
    config.peers[module] = {Module::kRegistry, {services->admin_address()}};
  }
  TAM_ASSERT_OK_AND_ASSIGN(auto gateway, Process::Start(config));
  EXPECT_THAT(PostEmpty(gateway->http_address(), "/tam/demo/main"), StartsWith("HTTP/1.1 200"));
}

// A process that presents another service than the one that is looked for is not it.
TEST_F(ProcessTest, DoesNotTakeAnotherServiceForItsPeer) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(
      auto services,
      Process::Start(ConfigOf("signing,registry,catalog,attestation,audit", "catalog")));
  MakeEndpoint(*services);
  Config config = ConfigOf("gateway", "gateway");
  for (Module module :
       {Module::kSigning, Module::kRegistry, Module::kCatalog, Module::kAttestation}) {
    config.peers[module] = {Module::kCatalog, {services->admin_address()}};
  }
  config.peers[Module::kRegistry].identity = Module::kRegistry;
  TAM_ASSERT_OK_AND_ASSIGN(auto gateway, Process::Start(config));
  EXPECT_THAT(PostEmpty(gateway->http_address(), "/tam/demo/main"), StartsWith("HTTP/1.1 503"));
}

// Each module has its own certificate; the listener presents the first one.
TEST_F(ProcessTest, ReadsACertificateForEachOfItsModules) {
  Migrate();
  Config config = ConfigOf("attestation,gateway", "gateway");
  WriteTls("attestation");
  config.tls_dir = folder_;
  config.tls_cert_file.clear();
  config.tls_key_file.clear();
  TAM_ASSERT_OK_AND_ASSIGN(auto services,
                           Process::Start(ConfigOf("signing,registry,catalog", "signing")));
  for (Module module : {Module::kSigning, Module::kRegistry, Module::kCatalog}) {
    config.peers[module] = {Module::kSigning, {services->admin_address()}};
  }
  MakeEndpoint(*services);
  TAM_ASSERT_OK_AND_ASSIGN(auto both, Process::Start(config));
  EXPECT_THAT(PostEmpty(both->http_address(), "/tam/demo/main"), StartsWith("HTTP/1.1 200"));
  ASSERT_EQ(std::remove((folder_ + "/gateway.pem").c_str()), 0);
  EXPECT_THAT(Process::Start(config),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("gateway.pem")));
}

TEST_F(ProcessTest, AnswersHealthChecksOverMutualTls) {
  Config config = ConfigOf("gateway", "gateway");
  for (Module module :
       {Module::kSigning, Module::kRegistry, Module::kCatalog, Module::kAttestation}) {
    config.peers[module] = {module, {"127.0.0.1:1"}};
  }
  TAM_ASSERT_OK_AND_ASSIGN(auto gateway, Process::Start(config));
  // HealthCheckRequest with the field `service` empty is the empty message, as this one is.
  TAM_ASSERT_OK_AND_ASSIGN(
      auto response, Call<google::protobuf::Empty>(*gateway, kAdmin, "/grpc.health.v1.Health/Check",
                                                   google::protobuf::Empty()));
  // Field 1, `status`, is 1: SERVING.
  EXPECT_EQ(response.SerializeAsString(), "\x08\x01");
  EXPECT_THAT(Call<google::protobuf::Empty>(*gateway, "", "/grpc.health.v1.Health/Check",
                                            google::protobuf::Empty()),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Call<v1::ListTenantsResponse>(*gateway, kAdmin, "/tam.v1.RegistryService/ListTenants",
                                            v1::ListTenantsRequest()),
              StatusIs(absl::StatusCode::kUnimplemented));
}

TEST_F(ProcessTest, AuditsRefusalsButNotFailedHandshakes) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(auto process, Process::Start(ConfigOf("all", "gateway")));
  MakeEndpoint(*process);
  const std::string before = AuditRows();
  v1::ListTenantsRequest list;
  EXPECT_THAT(
      Call<v1::ListTenantsResponse>(*process, "", "/tam.v1.RegistryService/ListTenants", list),
      StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(AuditRows(), before);
  EXPECT_THAT(Call<v1::ListTenantsResponse>(*process, kOperator,
                                            "/tam.v1.RegistryService/ListTenants", list),
              StatusIs(absl::StatusCode::kPermissionDenied));
  v1::ListEntriesRequest entries;
  entries.set_parent("tenants/demo");
  TAM_ASSERT_OK_AND_ASSIGN(
      auto response,
      Call<v1::ListEntriesResponse>(*process, "spiffe://tamarack.example/tenant/demo/auditor/eve",
                                    "/tam.v1.AuditService/ListEntries", entries));
  ASSERT_THAT(response.entries(), Not(IsEmpty()));
  EXPECT_EQ(response.entries(0).action(), "rpc.denied");
  EXPECT_EQ(response.entries(0).actor(), kOperator);
  EXPECT_THAT(response.entries(0).detail(), HasSubstr("/tam.v1.RegistryService/ListTenants"));
}

// A hook is a plain function: what it saw stands here.
std::mutex passed_mutex;
std::vector<std::string>* passed = nullptr;

void NotePassed(const std::string& point) {
  std::lock_guard lock(passed_mutex);
  passed->push_back(point);
}

TEST_F(ProcessTest, PassesThePointsOfStatementsUnderTheMethodThatRunsThem) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(auto process, Process::Start(ConfigOf("all", "gateway")));
  MakeEndpoint(*process);
  std::vector<std::string> points;
  passed = &points;
  runtime::SetFaultHook(NotePassed);
  EXPECT_THAT(PostEmpty(process->http_address(), "/tam/demo/main"), StartsWith("HTTP/1.1 200"));
  process.reset();
  runtime::SetFaultHook(nullptr);
  for (const char* method : {"ResolveEndpoint", "GetChallengeKeys", "SignQueryRequest"}) {
    std::vector<std::string> own;
    for (const std::string& point : points) {
      if (absl::StrContains(point, absl::StrCat(".", method, "."))) own.push_back(point);
    }
    ASSERT_GE(own.size(), 6u) << method;
    EXPECT_EQ(own[0], absl::StrCat("call.", method, ".before"));
    EXPECT_EQ(own[1], absl::StrCat("serve.", method, ".before"));
    EXPECT_EQ(own[2], absl::StrCat("statement.", method, ".before"));
    EXPECT_EQ(own[3], absl::StrCat("statement.", method, ".after"));
    EXPECT_EQ(own[own.size() - 2], absl::StrCat("serve.", method, ".after"));
    EXPECT_EQ(own.back(), absl::StrCat("call.", method, ".after"));
  }
}

TEST_F(ProcessTest, StopsServingWhenDrained) {
  Migrate();
  TAM_ASSERT_OK_AND_ASSIGN(auto process, Process::Start(ConfigOf("all", "gateway")));
  const std::string http = process->http_address();
  process->Drain();
  EXPECT_EQ(PostEmpty(http, "/tam/demo/main"), "no connection");
}

TEST_F(ProcessTest, RefusesAnUnknownSchema) {
  // Before any migration there are no roles of ours.
  WriteDsns([](const std::string&) { return "postgres"; });
  EXPECT_THAT(Process::Start(ConfigOf("all", "gateway")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(".dsn")));
}

TEST_F(ProcessTest, RefusesSecretsThatOthersCanRead) {
  Migrate();
  const Config config = ConfigOf("all", "gateway");
  for (const std::string& file :
       {config.kek_file, config.tls_key_file, folder_ + "/registry.dsn", folder_ + "/audit.dsn"}) {
    ASSERT_EQ(chmod(file.c_str(), 0644), 0);
    EXPECT_THAT(Process::Start(config),
                StatusIs(absl::StatusCode::kFailedPrecondition,
                         ::testing::AllOf(HasSubstr(file), HasSubstr("others cannot open"))));
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  }
  EXPECT_THAT(Process::Start(config), IsOk());
}

TEST_F(ProcessTest, NamesWhatIsMissing) {
  Config no_peer = ConfigOf("gateway", "gateway");
  EXPECT_THAT(Process::Start(no_peer),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--peers: want registry")));
  Config no_key = ConfigOf("gateway", "gateway");
  no_key.tls_key_file = folder_ + "/absent.key";
  EXPECT_THAT(Process::Start(no_key),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent.key")));
  Config no_dsn = ConfigOf("audit", "audit");
  no_dsn.database_dir = folder_ + "/absent";
  EXPECT_THAT(Process::Start(no_dsn),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("absent/audit.dsn")));
}

}  // namespace
}  // namespace tam::bin
