#ifndef TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_

// Reaches a service in another process: gRPC over mutual TLS.

#include <memory>
#include <string>

#include "services/runtime/rpc.h"
#include "services/runtime/rpc_server.h"

namespace tam::runtime {

struct RpcClientOptions {
  // "host:port".
  std::string server;
  TlsMaterial tls;
  // The name that the server's certificate must have. Empty: the host of `server`.
  std::string server_name;
};

// Connects when first called, and again whenever the connection is lost. A call whose context has
// no deadline gets 30 s. The server's identity is its certificate's name, under `tls.ca_pem`.
std::unique_ptr<RpcChannel> NewRpcClient(const RpcClientOptions& options);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_
