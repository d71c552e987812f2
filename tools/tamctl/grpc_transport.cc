#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "crypto/text/text.h"
#include "google/protobuf/message.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
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

bool IsLoopbackAddress(const std::string& server) {
  return absl::StartsWith(server, "127.") || absl::StartsWith(server, "[::1]");
}

class GrpcTransport : public Transport {
 public:
  GrpcTransport(std::shared_ptr<grpc::Channel> channel, absl::Duration timeout,
                bool has_certificate)
      : stub_(channel), timeout_(timeout), has_certificate_(has_certificate) {}

  absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    std::string bytes;
    if (!request.SerializeToString(&bytes)) return absl::InternalError("cannot encode the request");
    const grpc::Slice slice(bytes);
    grpc::ByteBuffer out(&slice, 1);
    grpc::ByteBuffer in;
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    grpc::CompletionQueue queue;
    auto call = stub_.PrepareUnaryCall(&context, method, out, &queue);
    call->StartCall();
    grpc::Status status;
    call->Finish(&in, &status, this);
    void* tag = nullptr;
    bool ok = false;
    if (!queue.Next(&tag, &ok)) return absl::InternalError("the call did not end");
    if (!status.ok()) {
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                          status.error_message() + Hint(status.error_code()));
    }
    return Decode(&in, response);
  }

 private:
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

  grpc::GenericStub stub_;
  const absl::Duration timeout_;
  const bool has_certificate_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Transport>> ConnectGrpc(const ConnectionOptions& options) {
  grpc::SslCredentialsOptions ssl;
  for (const auto& [path, flag, pem] :
       {std::tuple<const std::string&, std::string_view, std::string*>(options.ca_file, "ca",
                                                                       &ssl.pem_root_certs),
        {options.key_file, "key", &ssl.pem_private_key},
        {options.cert_file, "cert", &ssl.pem_cert_chain}}) {
    if (path.empty()) continue;
    auto text = ReadPem(path, flag);
    if (!text.ok()) return text.status();
    *pem = *std::move(text);
  }
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  std::string name = options.server_name;
  if (name.empty() && IsLoopbackAddress(options.server)) name = "localhost";
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
  return std::make_unique<GrpcTransport>(
      grpc::CreateCustomChannel(options.server, grpc::SslCredentials(ssl), arguments),
      options.timeout, !options.cert_file.empty());
}

}  // namespace tam::tamctl
