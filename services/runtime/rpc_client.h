#ifndef TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_

// Reaches a service in other processes: gRPC over mutual TLS, to all its replicas in turn.

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/rpc.h"
#include "services/runtime/server_check.h"
#include "services/runtime/session_retries.h"
#include "services/runtime/tls_source.h"

namespace tam::runtime {

struct RpcClientOptions {
  // "host:port" of each replica: numeric addresses of one family, or one name whose addresses are
  // the replicas.
  std::vector<std::string> servers;
  std::shared_ptr<TlsSource> tls;
  // Whom a server has to be.
  ServerCheck server;
  RetryLimits retries;
  // A connection on which nothing came for so long is asked for a sign of life, and given up when
  // there is none for `keepalive_timeout`: its calls end as Unavailable and go to another replica.
  // Not shorter than RpcServer::Options::min_client_ping.
  absl::Duration keepalive = absl::Seconds(2);
  absl::Duration keepalive_timeout = absl::Seconds(2);
  // The longest that a call waits for a connection to any replica, within its deadline.
  absl::Duration connect_patience = absl::Seconds(2);
  // New TLS material is used when a connection with it stands, or after so long.
  absl::Duration switch_patience = absl::Seconds(10);
};

// Connects when first called, and again whenever a connection is lost. A call whose context has no
// deadline gets 30 s. Calls that RetryableMethods names are made again when a replica is lost.
// InvalidArgument: the servers are not as said above.
absl::StatusOr<std::unique_ptr<RpcChannel>> NewRpcClient(const RpcClientOptions& options);

// gRPC's name of the servers: "ipv4:1.2.3.4:5,6.7.8.9:1", "ipv6:...", "dns:///name:port".
absl::StatusOr<std::string> RpcTarget(const std::vector<std::string>& servers);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RPC_CLIENT_H_
