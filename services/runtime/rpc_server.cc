#include "services/runtime/rpc_server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/resource_quota.h"
#include "services/runtime/grpc_log.h"
#include "services/runtime/peer_trust.h"
#include "services/runtime/request_id.h"
#include "services/runtime/rpc_credentials.h"
#include "services/runtime/session_retries.h"
#include "services/runtime/worker_pool.h"

namespace tam::runtime {
namespace {

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.raw_code()),
                      std::string(status.message()));
}

// Everything in the certificate that could be an identity: all its URI names.
std::vector<std::string> UriNames(const grpc::AuthContext& auth) {
  std::vector<std::string> uris;
  if (!auth.IsPeerAuthenticated()) return uris;
  for (const grpc::string_ref& uri : auth.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
    uris.emplace_back(uri.data(), uri.size());
  }
  return uris;
}

// The peer's chain, leaf first. OpenSSL leaves the leaf out of a client's chain.
std::string ChainPem(const grpc::AuthContext& auth) {
  std::string chain;
  for (const char* property :
       {GRPC_X509_PEM_CERT_PROPERTY_NAME, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME}) {
    for (const grpc::string_ref& pem : auth.FindPropertyValues(property)) {
      chain.append(pem.data(), pem.size());
    }
  }
  return chain;
}

constexpr absl::Duration kHandshakeTime = absl::Seconds(10);

int Millis(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(duration));
}

// One unary call: know the caller, read the request, run it on a worker, write the answer. gRPC's
// own threads only do the first and move bytes.
class UnaryCall : public grpc::ServerGenericBidiReactor {
 public:
  UnaryCall(grpc::GenericCallbackServerContext* context, const RpcServer::Options& options,
            PeerTrust& trust, Dispatcher& dispatcher, WorkerPool& workers)
      : context_(context),
        options_(options),
        trust_(trust),
        dispatcher_(dispatcher),
        workers_(workers),
        auth_(context->auth_context()),
        caller_(Identity::FromCertificate(UriNames(*auth_), options.trust_domain)) {
    // Nothing is held in memory for somebody unknown.
    if (!caller_.ok()) {
      Finish(ToGrpc(caller_.status()));
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "request: want one, got none"));
      return;
    }
    // People may fill half of the queue: the sessions of devices go on beside them.
    const auto priority =
        caller_->IsService() ? WorkerPool::Priority::kContinuing : WorkerPool::Priority::kNew;
    if (!workers_.TrySubmit([this] { Answer(); }, priority)) {
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "server: too many calls are waiting"));
    }
  }

  void OnDone() override { delete this; }

 private:
  void Answer() {
    absl::StatusOr<std::string> answer = Run();
    if (!answer.ok()) {
      // These would be tried again; ours are answers.
      if (absl::IsUnavailable(answer.status()) || absl::IsCancelled(answer.status())) {
        context_->AddTrailingMetadata(kRetryPushback, "-1");
      }
      Finish(ToGrpc(answer.status()));
      return;
    }
    const grpc::Slice slice(*answer);
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  absl::StatusOr<std::string> Run() {
    if (context_->IsCancelled()) return absl::CancelledError("caller: gone");
    absl::Status trusted = trust_.Check([this] { return ChainPem(*auth_); });
    if (!trusted.ok()) return trusted;
    grpc::Slice slice;
    if (!request_.DumpToSingleSlice(&slice).ok()) {
      return absl::InvalidArgumentError("request: cannot be read");
    }
    const absl::Time deadline =
        std::min(absl::FromChrono(context_->deadline()), absl::Now() + options_.max_call_time);
    const absl::string_view request(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return dispatcher_.RunBytes(CallContext{*caller_, deadline, RequestId()}, context_->method(),
                                request);
  }

  std::string RequestId() const {
    const auto found = context_->client_metadata().find(kRequestIdMetadata);
    if (found != context_->client_metadata().end()) {
      const absl::string_view id(found->second.data(), found->second.size());
      if (IsRequestId(id)) return std::string(id);
    }
    return NewRequestId();
  }

  grpc::GenericCallbackServerContext* const context_;
  const RpcServer::Options& options_;
  PeerTrust& trust_;
  Dispatcher& dispatcher_;
  WorkerPool& workers_;
  const std::shared_ptr<const grpc::AuthContext> auth_;
  const absl::StatusOr<Identity> caller_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class GrpcServer : public RpcServer, private grpc::CallbackGenericService {
 public:
  GrpcServer(const Options& options, Dispatcher& dispatcher)
      : options_(options),
        trust_(options.tls),
        dispatcher_(dispatcher),
        workers_(options.workers, options.queue),
        credentials_(RpcServerCredentials(options.tls)) {}
  ~GrpcServer() override { Drain(absl::InfinitePast()); }

  absl::Status Listen() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options_.listen, credentials_, &port_);
    builder.SetMaxReceiveMessageSize(kMaxRpcMessageBytes);
    builder.SetMaxSendMessageSize(kMaxRpcMessageBytes);
    // Two processes on one port would split the calls between them.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    LimitConnections(builder);
    builder.SetResourceQuota(grpc::ResourceQuota("calls").Resize(options_.memory));
    builder.RegisterCallbackGenericService(this);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port_ == 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("listen: cannot serve on ", options_.listen, " with this TLS material"));
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }

  void Drain(absl::Time deadline) override {
    if (server_ == nullptr) return;
    if (server_->GetHealthCheckService() != nullptr) {
      server_->GetHealthCheckService()->SetServingStatus(false);
    }
    server_->Shutdown(absl::ToChronoTime(std::max(deadline, absl::UnixEpoch())));
    server_->Wait();
    workers_.Stop();
    server_.reset();
  }

 private:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new UnaryCall(context, options_, trust_, dispatcher_, workers_);
  }

  void LimitConnections(grpc::ServerBuilder& builder) const {
    for (const auto& [name, limit] :
         {std::pair{GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                    options_.min_client_ping},
          {GRPC_ARG_KEEPALIVE_TIME_MS, options_.keepalive},
          {GRPC_ARG_KEEPALIVE_TIMEOUT_MS, options_.keepalive_timeout},
          {GRPC_ARG_MAX_CONNECTION_AGE_MS, options_.max_connection_age},
          {GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, options_.max_call_time},
          {GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTime}}) {
      builder.AddChannelArgument(name, Millis(limit));
    }
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options_.calls_per_connection);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  }

  const Options options_;
  PeerTrust trust_;
  Dispatcher& dispatcher_;
  WorkerPool workers_;
  // gRPC calls into it as long as the server stands.
  const std::shared_ptr<grpc::ServerCredentials> credentials_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const Options& options,
                                                            Dispatcher& dispatcher) {
  TakeOverGrpcLog();
  auto server = std::make_unique<GrpcServer>(options, dispatcher);
  if (absl::Status listening = server->Listen(); !listening.ok()) return listening;
  return server;
}

}  // namespace tam::runtime
