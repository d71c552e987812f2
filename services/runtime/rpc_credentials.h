#ifndef TAMARACK_SERVICES_RUNTIME_RPC_CREDENTIALS_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_CREDENTIALS_H_

// gRPC's credentials for mutual TLS in which names of hosts mean nothing: who the other side is
// stands in its certificate as a SPIFFE ID.

#include <memory>

#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "services/runtime/server_check.h"
#include "services/runtime/tls_source.h"

namespace tam::runtime {

// For one state of the material. The server's chain must lead to `tls.ca_pem` and be valid now, and
// `check` must be OK; else the handshake fails.
std::shared_ptr<grpc::ChannelCredentials> RpcChannelCredentials(const TlsMaterial& tls,
                                                                ServerCheck check);

// Asks `source` at each handshake, so that new connections are made with what stands there now. A
// client without a certificate of its `ca_pem` fails in the handshake.
std::shared_ptr<grpc::ServerCredentials> RpcServerCredentials(std::shared_ptr<TlsSource> source);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RPC_CREDENTIALS_H_
