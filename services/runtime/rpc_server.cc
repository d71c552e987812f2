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
#include "services/runtime/request_id.h"
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

// One unary call: read the request, run it on a worker, write the answer. gRPC's own threads only
// move bytes.
class UnaryCall : public grpc::ServerGenericBidiReactor {
 public:
  UnaryCall(grpc::GenericCallbackServerContext* context, const RpcServer::Options& options,
            Dispatcher& dispatcher, WorkerPool& workers)
      : context_(context), options_(options), dispatcher_(dispatcher), workers_(workers) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "request: want one, got none"));
      return;
    }
    if (!workers_.TrySubmit([this] { Answer(); }, WorkerPool::Priority::kContinuing)) {
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "server: too many calls are waiting"));
    }
  }

  void OnDone() override { delete this; }

 private:
  void Answer() {
    absl::StatusOr<std::string> answer = Run();
    if (!answer.ok()) {
      Finish(ToGrpc(answer.status()));
      return;
    }
    const grpc::Slice slice(*answer);
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  absl::StatusOr<std::string> Run() {
    if (context_->IsCancelled()) return absl::CancelledError("caller: gone");
    absl::StatusOr<Identity> caller =
        Identity::FromCertificate(UriNames(*context_->auth_context()), options_.trust_domain);
    if (!caller.ok()) return caller.status();
    grpc::Slice slice;
    if (!request_.DumpToSingleSlice(&slice).ok()) {
      return absl::InvalidArgumentError("request: cannot be read");
    }
    const absl::Time deadline =
        std::min(absl::FromChrono(context_->deadline()), absl::Now() + options_.max_call_time);
    const absl::string_view request(reinterpret_cast<const char*>(slice.begin()), slice.size());
    return dispatcher_.RunBytes(CallContext{*std::move(caller), deadline, RequestId()},
                                context_->method(), request);
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
  Dispatcher& dispatcher_;
  WorkerPool& workers_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

class GrpcServer : public RpcServer, private grpc::CallbackGenericService {
 public:
  GrpcServer(const Options& options, Dispatcher& dispatcher)
      : options_(options), dispatcher_(dispatcher), workers_(options.workers, options.queue) {}
  ~GrpcServer() override { Drain(absl::InfinitePast()); }

  absl::Status Listen() {
    grpc::SslServerCredentialsOptions tls(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    tls.pem_root_certs = options_.tls.ca_pem;
    tls.pem_key_cert_pairs.push_back({options_.tls.private_key_pem, options_.tls.certificate_pem});
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(options_.listen, grpc::SslServerCredentials(tls), &port_);
    builder.SetMaxReceiveMessageSize(kMaxRpcMessageBytes);
    builder.SetMaxSendMessageSize(kMaxRpcMessageBytes);
    // Two processes on one port would split the calls between them.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
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
    return new UnaryCall(context, options_, dispatcher_, workers_);
  }

  const Options options_;
  Dispatcher& dispatcher_;
  WorkerPool workers_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RpcServer>> RpcServer::Start(const Options& options,
                                                            Dispatcher& dispatcher) {
  auto server = std::make_unique<GrpcServer>(options, dispatcher);
  if (absl::Status listening = server->Listen(); !listening.ok()) return listening;
  return server;
}

}  // namespace tam::runtime
