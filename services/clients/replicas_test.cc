// Several replicas of one service: killed, stopped, replaced, dead, while calls go on.

#include <poll.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "services/clients/testing/client_methods.h"
#include "services/clients/testing/load.h"
#include "services/clients/testing/served.h"
#include "services/runtime/rpc_credentials.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"

namespace tam::clients::testing {
namespace {

using ::tam::testing::Background;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A replica as a process of its own.
class Replica {
 public:
  explicit Replica(const std::string& name)
      : name_(name), base_(absl::StrCat(::testing::TempDir(), "/replica-", name)) {}

  // On the port that it had before, if any.
  absl::Status Start() {
    const runtime::TlsFiles::Paths tls = {base_ + ".ca", base_ + ".pem", base_ + ".key"};
    absl::Status issued = OurAuthority().IssueTo(tls, {Service("registry")});
    if (!issued.ok()) return issued;
    std::remove((base_ + ".ready").c_str());
    const std::string port = address_.empty() ? "0" : address_.substr(address_.rfind(':') + 1);
    auto started = Background::Start({"services/clients/replica", port, tls.ca, tls.certificate,
                                      tls.key, base_ + ".ready", name_},
                                     base_ + ".log");
    if (!started.ok()) return started.status();
    process_ = *std::move(started);
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    while ((address_ = ReadAll(base_ + ".ready")).empty()) {
      if (absl::Now() > deadline || !process_->Running()) {
        return absl::DeadlineExceededError(absl::StrCat("replica: ", ReadAll(base_ + ".log")));
      }
      poll(nullptr, 0, 10);
    }
    return absl::OkStatus();
  }

  void Signal(int signal) { ::kill(process_->pid(), signal); }
  int Stop(int signal) { return process_->Stop(signal); }
  const std::string& address() const { return address_; }

 private:
  const std::string name_;
  const std::string base_;
  std::string address_;
  std::optional<Background> process_;
};

class ReplicasTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(one_.Start(), IsOk());
    ASSERT_THAT(two_.Start(), IsOk());
    auto client = runtime::NewRpcClient(ClientOf({one_.address(), two_.address()}));
    ASSERT_THAT(client, IsOk());
    channel_ = *std::move(client);
  }

  Replica one_{"one"};
  Replica two_{"two"};
  std::unique_ptr<runtime::RpcChannel> channel_;
};

TEST_F(ReplicasTest, ShareTheCalls) {
  Load load(*channel_, 2);
  EXPECT_TRUE(load.AwaitMore(10, "one"));
  EXPECT_TRUE(load.AwaitMore(10, "two"));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
}

TEST_F(ReplicasTest, NoCallFailsWhenOneIsKilledAndComesBack) {
  Load load(*channel_, 4);
  ASSERT_TRUE(load.AwaitMore(10, "one"));
  for (int round = 0; round < 2; ++round) {
    one_.Stop(SIGKILL);
    EXPECT_TRUE(load.AwaitMore(40, "two"));
    ASSERT_THAT(one_.Start(), IsOk());
    EXPECT_TRUE(load.AwaitMore(10, "one")) << "the new one is not found";
  }
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
  RecordProperty("calls", load.done());
}

TEST_F(ReplicasTest, NoCallFailsWhenOneDrains) {
  Load load(*channel_, 4);
  ASSERT_TRUE(load.AwaitMore(10, "one"));
  EXPECT_EQ(one_.Stop(SIGTERM), 0);
  EXPECT_TRUE(load.AwaitMore(40, "two"));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
}

// It keeps its connections and says nothing: keepalive (2 s, and 2 s more) finds it out, and what
// it held is asked of the other.
TEST_F(ReplicasTest, NoCallFailsWhenOneHangs) {
  Load load(*channel_, 4);
  ASSERT_TRUE(load.AwaitMore(10, "one"));
  one_.Signal(SIGSTOP);
  EXPECT_TRUE(load.AwaitMore(300, "two"));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
  EXPECT_LT(load.slowest(), absl::Seconds(7));
  one_.Signal(SIGCONT);
}

TEST_F(ReplicasTest, FailsAtOnceWhenNoneIsLeftAndRecovers) {
  const ClientMethod& method = ClientMethods().front();
  ASSERT_THAT(method.call(*channel_, Context(), 0), IsOk());
  one_.Stop(SIGKILL);
  two_.Stop(SIGKILL);
  const absl::Time begin = absl::Now();
  EXPECT_THAT(method.call(*channel_, Context(absl::Seconds(20)), 0),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(8));
  // Shorter than the patience: the deadline goes first.
  EXPECT_THAT(method.call(*channel_, Context(absl::Milliseconds(200)), 0),
              StatusIs(::testing::AnyOf(absl::StatusCode::kDeadlineExceeded,
                                        absl::StatusCode::kUnavailable)));
  ASSERT_THAT(two_.Start(), IsOk());
  // The first call finds it: it waits for the connection.
  EXPECT_THAT(method.call(*channel_, Context(), 0), IsOk());
}

// Always Unavailable, as a proxy before a dead service is; counts what reaches it.
class DeadBackend : private grpc::CallbackGenericService {
 public:
  DeadBackend() {
    grpc::ServerBuilder builder;
    credentials_ =
        runtime::RpcServerCredentials(runtime::FixedTls(CertificateOf({Service("registry")})));
    builder.AddListeningPort("127.0.0.1:0", credentials_, &port_);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 100);
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
  }
  ~DeadBackend() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }
  int attempts() const { return attempts_; }

 private:
  class Refusal : public grpc::ServerGenericBidiReactor {
   public:
    Refusal() { Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "dead")); }
    void OnDone() override { delete this; }
  };
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    ++attempts_;
    return new Refusal();
  }

  std::atomic<int> attempts_ = 0;
  int port_ = 0;
  std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
};

class RetryBudgetTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<runtime::RpcChannel>> Client(int tokens) {
    runtime::RpcClientOptions options = ClientOf({dead_.address()});
    options.retries.first_backoff = absl::Milliseconds(1);
    options.retries.last_backoff = absl::Milliseconds(2);
    options.retries.tokens = tokens;
    return runtime::NewRpcClient(options);
  }
  DeadBackend dead_;
};

TEST_F(RetryBudgetTest, OneCallIsTriedFourTimes) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client(100));
  EXPECT_THAT(ClientMethods().front().call(*channel, Context(), 0),
              StatusIs(absl::StatusCode::kUnavailable, "dead"));
  EXPECT_EQ(dead_.attempts(), 4);
}

// Half of the tokens is what may be spent on trying again.
TEST_F(RetryBudgetTest, ADeadBackendIsNotHammered) {
  constexpr int kCalls = 300;
  constexpr int kTokens = 20;
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client(kTokens));
  for (int i = 0; i < kCalls; ++i) {
    EXPECT_THAT(ClientMethods().front().call(*channel, Context(), 0),
                StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_GE(dead_.attempts(), kCalls);
  EXPECT_LE(dead_.attempts(), kCalls + kTokens / 2);
}

TEST_F(RetryBudgetTest, CallsOfPeopleAreNeverTriedAgain) {
  TAM_ASSERT_OK_AND_ASSIGN(auto channel, Client(100));
  v1::LookupResponse response;
  EXPECT_THAT(channel->Call(Context(), "/tam.v1.RegistryService/CreateTenant", v1::LookupRequest(),
                            &response),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(dead_.attempts(), 1);
}

}  // namespace
}  // namespace tam::clients::testing
