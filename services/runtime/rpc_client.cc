#include "services/runtime/rpc_client.h"

#include <algorithm>
#include <utility>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "google/protobuf/message_lite.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "services/runtime/fault_point.h"
#include "services/runtime/request_id.h"

namespace tam::runtime {
namespace {

constexpr absl::Duration kDefaultCallTime = absl::Seconds(30);

absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

class GrpcChannel : public RpcChannel {
 public:
  explicit GrpcChannel(std::shared_ptr<grpc::Channel> channel) : stub_(std::move(channel)) {}

  absl::Status Call(const CallContext& context, absl::string_view method,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    const absl::Time deadline = std::min(context.deadline, absl::Now() + kDefaultCallTime);
    if (deadline <= absl::Now()) {
      return absl::DeadlineExceededError("deadline: passed before the call began");
    }
    grpc::ClientContext call;
    call.set_deadline(absl::ToChronoTime(deadline));
    if (IsRequestId(context.request_id)) {
      call.AddMetadata(kRequestIdMetadata, context.request_id);
    }
    PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kBefore);
    grpc::Status result;
    absl::Notification done;
    stub_.UnaryCall(&call, std::string(method), {}, &request, response, [&](grpc::Status status) {
      result = std::move(status);
      done.Notify();
    });
    done.WaitForNotification();
    PassFaultPoint(FaultPlace::kCall, MethodOfPath(method), FaultMoment::kAfter);
    return FromGrpc(result);
  }

 private:
  grpc::TemplatedGenericStub<google::protobuf::MessageLite, google::protobuf::MessageLite> stub_;
};

}  // namespace

std::unique_ptr<RpcChannel> NewRpcClient(const RpcClientOptions& options) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = options.tls.ca_pem;
  tls.pem_private_key = options.tls.private_key_pem;
  tls.pem_cert_chain = options.tls.certificate_pem;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxRpcMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxRpcMessageBytes);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return std::make_unique<GrpcChannel>(
      grpc::CreateCustomChannel(options.server, grpc::SslCredentials(tls), arguments));
}

}  // namespace tam::runtime
