#include "services/runtime/rpc_client.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "services/runtime/fault_point.h"
#include "services/runtime/grpc_log.h"
#include "services/runtime/log.h"
#include "services/runtime/request_id.h"
#include "services/runtime/rpc_credentials.h"
#include "services/runtime/rpc_server.h"

namespace tam::runtime {
namespace {

constexpr absl::Duration kDefaultCallTime = absl::Seconds(30);
// How long one attempt to connect may take, and the longest pause between two.
constexpr absl::Duration kConnectTime = absl::Seconds(2);
constexpr absl::Duration kFirstReconnect = absl::Milliseconds(100);
constexpr absl::Duration kLastReconnect = absl::Seconds(1);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

grpc::ChannelArguments ArgumentsOf(const RpcClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxRpcMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxRpcMessageBytes);
  arguments.SetServiceConfigJSON(SessionServiceConfig(options.retries));
  // What a name's TXT records say must not replace it.
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // A request is kept until its answer begins, to be sent again.
  arguments.SetInt(GRPC_ARG_PER_RPC_RETRY_BUFFER_SIZE, 2 * kMaxRpcMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Millis(kConnectTime));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Millis(kFirstReconnect));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Millis(kLastReconnect));
  // Connections made with other TLS material must never be taken for ours.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Names mean nothing here, but one has to be sent.
  arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
  return arguments;
}

// Connections made with one state of the TLS material.
struct Link {
  Link(std::shared_ptr<grpc::Channel> made, uint64_t of_generation, absl::Time at)
      : channel(std::move(made)), stub(channel), generation(of_generation), since(at) {}

  bool Ready(bool connect) { return channel->GetState(connect) == GRPC_CHANNEL_READY; }

  const std::shared_ptr<grpc::Channel> channel;
  grpc::TemplatedGenericStub<google::protobuf::MessageLite, google::protobuf::MessageLite> stub;
  const uint64_t generation;
  const absl::Time since;
};

// A server that answers in another's place is for people to look at.
ServerCheck Logged(ServerCheck check, const std::string& target) {
  return [check = std::move(check), target](absl::Span<const std::string> uris) {
    absl::Status status = check(uris);
    if (!status.ok()) {
      Log(Severity::kWarning, "rpc.server_refused",
          {{"servers", target}, {"status", status.ToString()}});
    }
    return status;
  };
}

class GrpcChannel : public RpcChannel {
 public:
  GrpcChannel(const RpcClientOptions& options, std::string target)
      : options_(options), target_(std::move(target)), current_(NewLink(options_.tls->Get())) {}

  absl::Status Call(const CallContext& context, absl::string_view method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kBefore);
    absl::Status status = CallInTime(context, method, request, response);
    PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kAfter);
    return status;
  }

 private:
  absl::Status CallInTime(const CallContext& context, absl::string_view method,
                          const google::protobuf::Message& request,
                          google::protobuf::Message* response) {
    const absl::Time deadline = std::min(context.deadline, absl::Now() + kDefaultCallTime);
    if (deadline <= absl::Now()) {
      return absl::DeadlineExceededError("deadline: passed before the call began");
    }
    std::shared_ptr<Link> link = CurrentLink();
    for (;;) {
      const Outcome outcome = CallOn(*link, context, method, deadline, request, response);
      if (!outcome.unanswered || !IsRetryable(method)) return FromGrpc(outcome.status);
      // Nobody could be reached with that material. Where there is newer by now, that may be why:
      // a server that has it already is not trusted by the old.
      std::shared_ptr<Link> newer = CurrentLink();
      if (newer->generation <= link->generation) return FromGrpc(outcome.status);
      link = std::move(newer);
    }
  }

  struct Outcome {
    grpc::Status status;
    // Unavailable, and not because a handler said so.
    bool unanswered = false;
  };

  Outcome CallOn(Link& link, const CallContext& context, absl::string_view method,
                 absl::Time deadline, const google::protobuf::Message& request,
                 google::protobuf::Message* response) const {
    if (!link.Ready(/*connect=*/true)) {
      // Then the call goes out all the same, and its failure says why.
      link.channel->WaitForConnected(
          absl::ToChronoTime(std::min(deadline, absl::Now() + options_.connect_patience)));
    }
    grpc::ClientContext call;
    call.set_deadline(absl::ToChronoTime(deadline));
    if (IsRequestId(context.request_id)) {
      call.AddMetadata(kRequestIdMetadata, context.request_id);
    }
    Outcome outcome;
    absl::Notification done;
    link.stub.UnaryCall(&call, std::string(method), {}, &request, response,
                        [&](grpc::Status status) {
                          outcome.status = std::move(status);
                          done.Notify();
                        });
    done.WaitForNotification();
    outcome.unanswered = outcome.status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                         call.GetServerTrailingMetadata().count(kRetryPushback) == 0;
    return outcome;
  }

  // The link for the next call. New material gets a link of its own beside the present one, which
  // goes on until the new one is connected, so that no call waits for a handshake.
  std::shared_ptr<Link> CurrentLink() {
    const TlsSource::Snapshot tls = options_.tls->Get();
    std::lock_guard lock(mutex_);
    // Another thread may have asked later than this one and be here first.
    if (tls.generation <= current_->generation) return current_;
    if (next_ == nullptr || next_->generation < tls.generation) next_ = NewLink(tls);
    if (next_->Ready(/*connect=*/true) || !current_->Ready(/*connect=*/false) ||
        absl::Now() > next_->since + options_.switch_patience) {
      current_ = std::move(next_);
    }
    return current_;
  }

  std::shared_ptr<Link> NewLink(const TlsSource::Snapshot& tls) const {
    return std::make_shared<Link>(
        grpc::CreateCustomChannel(
            target_, RpcChannelCredentials(*tls.material, Logged(options_.server, target_)),
            ArgumentsOf(options_)),
        tls.generation, absl::Now());
  }

  const RpcClientOptions options_;
  const std::string target_;
  std::mutex mutex_;  // guards what follows
  std::shared_ptr<Link> current_;
  std::shared_ptr<Link> next_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcChannel>> NewRpcClient(const RpcClientOptions& options) {
  absl::StatusOr<std::string> target = RpcTarget(options.servers);
  if (!target.ok()) return target.status();
  TakeOverGrpcLog();
  return std::make_unique<GrpcChannel>(options, *std::move(target));
}

}  // namespace tam::runtime
