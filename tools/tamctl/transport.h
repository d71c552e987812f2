// How tamctl calls the admin API: one unary call at a time. The gRPC headers stay in one file
// behind it, and tests answer calls in process.
#ifndef TAMARACK_TOOLS_TAMCTL_TRANSPORT_H_
#define TAMARACK_TOOLS_TAMCTL_TRANSPORT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

namespace tam::tamctl {

struct ConnectionOptions {
  // "host:port", or "NAME=host:port,..." (server_list.h)
  std::string server;
  // The server must be one of its services, by the SPIFFE ID in its certificate.
  std::string trust_domain;
  std::string cert_file;  // PEM, ours; empty with key_file: none, which the server refuses
  std::string key_file;   // PEM, ours
  std::string ca_file;    // PEM, the server's issuer
  absl::Duration timeout = absl::Seconds(30);
};

class Transport {
 public:
  virtual ~Transport() = default;
  // `method` is "/tam.v1.RegistryService/GetTenant". The code and message of the server's status,
  // or Unavailable and DeadlineExceeded of the channel's own. Of several replicas the first that
  // can be connected to gets the call; once sent, it is not made again.
  virtual absl::Status Call(const std::string& method, const google::protobuf::Message& request,
                            google::protobuf::Message* response) = 0;
};

// Mutual TLS. InvalidArgument when the servers or a credential cannot be read; the connection
// itself is made with the first call.
absl::StatusOr<std::unique_ptr<Transport>> ConnectGrpc(const ConnectionOptions& options);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_TRANSPORT_H_
