// Who is let in when all workers are busy and the queue fills.
#include "services/runtime/rpc_server.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/tam/v1/audit.pb.h"
#include "services/runtime/dispatcher.h"
#include "services/runtime/identity.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/server_check.h"
#include "services/runtime/test_credentials.h"
#include "services/runtime/tls_source.h"
#include "tests/support/status_matchers.h"

namespace tam::runtime {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr char kTrustDomain[] = "tamarack.example";
constexpr char kServer[] = "spiffe://tamarack.example/service/audit";
constexpr char kGateway[] = "spiffe://tamarack.example/service/gateway";
constexpr char kAuditor[] = "spiffe://tamarack.example/tenant/acme/auditor/ann";
constexpr absl::Duration kPatience = absl::Seconds(30);

class IgnoredDenials : public AuditSink {
 public:
  absl::Status RecordDenial(const Denial&) override { return absl::OkStatus(); }
};

// Holds each call until it is let go.
class SlowAudit {
 public:
  absl::StatusOr<v1::ListEntriesResponse> ListEntries(const CallContext&,
                                                      const v1::ListEntriesRequest&) {
    if (!entered.HasBeenNotified()) entered.Notify();
    go_on.WaitForNotificationWithTimeout(kPatience);
    return v1::ListEntriesResponse();
  }
  absl::Notification entered;
  absl::Notification go_on;
};

// Calls made at the same time by one client, and what came of those that ended.
class Calls {
 public:
  Calls(RpcChannel& channel, int count) {
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, &channel] {
        v1::ListEntriesRequest request;
        request.set_parent("tenants/acme");
        v1::ListEntriesResponse response;
        const CallContext context{*Identity::Parse(kGateway, kTrustDomain), absl::Now() + kPatience,
                                  "request-1"};
        absl::Status status =
            channel.Call(context, "/tam.v1.AuditService/ListEntries", request, &response);
        const std::lock_guard lock(mutex_);
        ended_.push_back(std::move(status));
        changed_.notify_all();
      });
    }
  }
  ~Calls() { Join(); }

  // The first that ended; DeadlineExceeded if none does in time.
  absl::Status AwaitFirst() {
    std::unique_lock lock(mutex_);
    const auto until = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kPatience / 2);
    if (!changed_.wait_until(lock, until, [this] { return !ended_.empty(); })) {
      return absl::DeadlineExceededError("no call ended");
    }
    return ended_.front();
  }

  // How many ended so in all.
  int Count(absl::StatusCode code) {
    Join();
    int count = 0;
    for (const absl::Status& status : ended_) count += status.code() == code ? 1 : 0;
    return count;
  }

 private:
  void Join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::mutex mutex_;  // guards ended_
  std::condition_variable changed_;
  std::vector<absl::Status> ended_;
  std::vector<std::thread> threads_;
};

class RpcServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TAM_ASSERT_OK_AND_ASSIGN(TestAuthority authority, TestAuthority::Create("authority"));
    authority_ = std::make_unique<TestAuthority>(std::move(authority));
    ServiceBinding binding("tam.v1.AuditService");
    binding.Add("ListEntries", handler_, &SlowAudit::ListEntries);
    ASSERT_THAT(dispatcher_.Add(binding), IsOk());
    TAM_ASSERT_OK_AND_ASSIGN(TlsMaterial tls, authority_->Issue({kServer}));
    RpcServer::Options options;
    options.listen = "127.0.0.1:0";
    options.tls = FixedTls(tls);
    options.trust_domain = kTrustDomain;
    options.workers = 1;
    options.queue = 4;
    TAM_ASSERT_OK_AND_ASSIGN(server_, RpcServer::Start(options, dispatcher_));
  }

  std::unique_ptr<RpcChannel> ClientOf(const std::vector<std::string>& uris) {
    auto tls = authority_->Issue(uris);
    EXPECT_THAT(tls, IsOk());
    if (!tls.ok()) return nullptr;
    RpcClientOptions options;
    options.servers = {absl::StrCat("127.0.0.1:", server_->port())};
    options.tls = FixedTls(*tls);
    options.server = IsServer(kServer);
    auto client = NewRpcClient(options);
    EXPECT_THAT(client, IsOk());
    return client.ok() ? *std::move(client) : nullptr;
  }

  IgnoredDenials denials_;
  SlowAudit handler_;
  Dispatcher dispatcher_{denials_};
  std::unique_ptr<TestAuthority> authority_;
  std::unique_ptr<RpcServer> server_;
};

TEST_F(RpcServerTest, PeopleLeaveHalfTheQueueToServices) {
  const auto auditor = ClientOf({kAuditor});
  const auto gateway = ClientOf({kGateway});
  const auto stranger = ClientOf({"spiffe://other.example/service/gateway"});
  ASSERT_TRUE(auditor != nullptr && gateway != nullptr && stranger != nullptr);
  Calls holding(*auditor, 1);
  ASSERT_TRUE(handler_.entered.WaitForNotificationWithTimeout(kPatience));
  Calls people(*auditor, 3);
  EXPECT_THAT(people.AwaitFirst(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("too many calls")));
  // Answered at once, by no worker.
  Calls unknown(*stranger, 1);
  EXPECT_THAT(unknown.AwaitFirst(), StatusIs(absl::StatusCode::kUnauthenticated));
  // One is refused when two have filled the queue behind the two of people.
  Calls services(*gateway, 3);
  EXPECT_THAT(services.AwaitFirst(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("too many calls")));
  handler_.go_on.Notify();
  EXPECT_EQ(holding.Count(absl::StatusCode::kOk), 1);
  EXPECT_EQ(people.Count(absl::StatusCode::kOk), 2);
  // Come to a worker, which says that gateways read no audit log.
  EXPECT_EQ(services.Count(absl::StatusCode::kPermissionDenied), 2);
}

}  // namespace
}  // namespace tam::runtime
