#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "crypto/text/text.h"
#include "google/protobuf/message.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "services/runtime/rpc_credentials.h"
#include "services/runtime/server_check.h"
#include "tools/tamctl/server_list.h"
#include "tools/tamctl/transport.h"

namespace tam::tamctl {
namespace {

constexpr int kMaxMessageBytes = 16 << 20;

absl::StatusOr<std::string> ReadPem(const std::string& path, std::string_view flag) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.str().empty()) {
    return absl::InvalidArgumentError(Concat("--", flag, ": cannot read ", path));
  }
  return text.str();
}

// How long one replica may take to be connected to before the next one is tried.
constexpr absl::Duration kConnectTime = absl::Seconds(5);

// False: it failed, or `deadline` passed.
bool Connect(grpc::Channel& channel, absl::Time deadline) {
  while (true) {
    const grpc_connectivity_state state = channel.GetState(/*try_to_connect=*/true);
    if (state == GRPC_CHANNEL_READY) return true;
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || state == GRPC_CHANNEL_SHUTDOWN) return false;
    if (!channel.WaitForStateChange(state, absl::ToChronoTime(deadline))) return false;
  }
}

class GrpcTransport : public Transport {
 public:
  GrpcTransport(ServerList servers, std::shared_ptr<grpc::ChannelCredentials> credentials,
                const ConnectionOptions& options)
      : servers_(std::move(servers)),
        credentials_(std::move(credentials)),
        timeout_(options.timeout),
        has_certificate_(!options.cert_file.empty()) {}

  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    const absl::Time deadline = absl::Now() + timeout_;
    absl::StatusOr<std::vector<std::string>> replicas = servers_.Serving(method);
    if (!replicas.ok()) return replicas.status();
    std::shared_ptr<grpc::Channel> channel;
    for (const std::string& replica : *replicas) {
      channel = ChannelTo(replica);
      if (Connect(*channel, std::min(deadline, absl::Now() + kConnectTime))) break;
    }
    // Where none could be connected to, the last one's failure says why.
    return CallOn(channel, method, request, response, deadline);
  }

 private:
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& server) {
    std::shared_ptr<grpc::Channel>& channel = channels_[server];
    if (channel != nullptr) return channel;
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
    arguments.SetMaxSendMessageSize(kMaxMessageBytes);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
                     static_cast<int>(absl::ToInt64Milliseconds(kConnectTime)));
    channel = grpc::CreateCustomChannel(server, credentials_, arguments);
    return channel;
  }

  absl::Status CallOn(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                      const google::protobuf::Message& request, google::protobuf::Message* response,
                      absl::Time deadline) const {
    std::string bytes;
    if (!request.SerializeToString(&bytes)) return absl::InternalError("cannot encode the request");
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer out(&slice, 1);
    grpc::ByteBuffer in;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(deadline));
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel);
    auto call = stub.PrepareUnaryCall(&context, method, out, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(&in, &status, &status);
    void* tag = nullptr;
    bool ok = false;
    if (!queue.Next(&tag, &ok)) return absl::InternalError("the call did not end");
    if (!status.ok()) {
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message() + Hint(status.error_code()));
    }
    return Decode(&in, response);
  }

  // A refused handshake says little by itself.
  std::string Hint(grpc::StatusCode code) const {
    if (has_certificate_ || code != grpc::StatusCode::UNAVAILABLE) return "";
    return " (no client certificate was given: --cert and --key)";
  }

  static absl::Status Decode(grpc::ByteBuffer* in, google::protobuf::Message* response) {
    grpc::Slice whole;
    if (!in->DumpToSingleSlice(&whole).ok() ||
        !response->ParseFromArray(whole.begin(), static_cast<int>(whole.size()))) {
      return absl::InternalError("cannot decode the answer");
    }
    return absl::OkStatus();
  }

  const ServerList servers_;
  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const absl::Duration timeout_;
  const bool has_certificate_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> ConnectGrpc(const ConnectionOptions& options) {
  absl::StatusOr<ServerList> servers = ServerList::Parse(options.server);
  if (!servers.ok()) return servers.status();
  runtime::TlsMaterial tls;
  for (const auto& [path, flag, pem] :
       {std::tuple<const std::string&, std::string_view, std::string*>(options.ca_file, "ca",
                                                                       &tls.ca_pem),
        {options.key_file, "key", &tls.private_key_pem},
        {options.cert_file, "cert", &tls.certificate_pem}}) {
    if (path.empty()) continue;
    auto text = ReadPem(path, flag);
    if (!text.ok()) return text.status();
    *pem = *std::move(text);
  }
  return std::make_unique<GrpcTransport>(
      *std::move(servers),
      runtime::RpcChannelCredentials(tls, runtime::IsServiceOf(options.trust_domain)), options);
}

}  // namespace tam::tamctl
