#ifndef TAMARACK_SERVICES_RUNTIME_RPC_SERVER_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_SERVER_H_

// Serves a dispatcher over gRPC with mutual TLS, beside the standard health service.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/dispatcher.h"
#include "services/runtime/tls_source.h"

namespace tam::runtime {

class RpcServer {
 public:
  struct Options {
    // "host:port"; port 0 takes a free one.
    std::string listen;
    // Asked at each handshake.
    std::shared_ptr<TlsSource> tls;
    std::string trust_domain;
    // Threads on which handlers run, and so the most that wait for the database at once.
    int workers = 16;
    // Calls that may wait for a worker; above it the answer is Unavailable. Those of people may
    // fill half of it, those of services all.
    size_t queue = 256;
    // Calls under way on one connection; a client holds back what is more.
    int calls_per_connection = 256;
    // Bytes that all connections may hold; beyond it gRPC reads slower, then refuses connections.
    size_t memory = size_t{256} * 1024 * 1024;
    // A call without a deadline, or with a later one, gets this.
    absl::Duration max_call_time = absl::Seconds(30);
    // Clients that ask for signs of life more often than this are cut off.
    absl::Duration min_client_ping = absl::Seconds(1);
    // As in RpcClientOptions, for clients that vanish.
    absl::Duration keepalive = absl::Seconds(10);
    absl::Duration keepalive_timeout = absl::Seconds(5);
    // After about so long a connection is ended without harm to its calls, so that clients look for
    // new replicas, and nobody stays on an old certificate.
    absl::Duration max_connection_age = absl::Minutes(5);
  };

  // Listens. `dispatcher` must outlive the server and have all its bindings. A client without a
  // certificate of the `ca_pem` of `tls` fails in the handshake; one whose certificate does not
  // hold exactly one SPIFFE ID of the trust domain, or is of an authority that was withdrawn since,
  // gets Unauthenticated; without a SPIFFE ID before its request is read. A handler's Unavailable
  // says that asking again at once is no use; the server's own (too many calls wait, or it drains)
  // does not. InvalidArgument: the address or the TLS material is not usable.
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Options& options,
                                                          Dispatcher& dispatcher);
  virtual ~RpcServer() = default;

  // The port listened on.
  virtual int port() const = 0;
  // Answers NOT_SERVING to health checks, takes no new call, and waits for the present ones until
  // `deadline`, when it cancels them. Returns when none is left. Once.
  virtual void Drain(absl::Time deadline) = 0;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RPC_SERVER_H_
