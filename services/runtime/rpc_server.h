#ifndef TAMARACK_SERVICES_RUNTIME_RPC_SERVER_H_
#define TAMARACK_SERVICES_RUNTIME_RPC_SERVER_H_

// Serves a dispatcher over gRPC with mutual TLS, beside the standard health service.

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/dispatcher.h"

namespace tam::runtime {

// PEM texts, read from files by main.
struct TlsMaterial {
  // What the other side's chain must end in. Nothing else is trusted.
  std::string ca_pem;
  // Own chain, leaf first, and its private key.
  std::string certificate_pem;
  std::string private_key_pem;
};

// Larger requests and responses are refused by gRPC with ResourceExhausted: an envelope of 1 MiB
// and what goes around it fits.
inline constexpr int kMaxRpcMessageBytes = 2 * 1024 * 1024;

class RpcServer {
 public:
  struct Options {
    // "host:port"; port 0 takes a free one.
    std::string listen;
    TlsMaterial tls;
    std::string trust_domain;
    // Threads on which handlers run, and so the most that wait for the database at once.
    int workers = 16;
    // Calls that may wait for a worker; above it the answer is Unavailable.
    size_t queue = 256;
    // A call without a deadline, or with a later one, gets this.
    absl::Duration max_call_time = absl::Seconds(30);
  };

  // Listens. `dispatcher` must outlive the server and have all its bindings. A client without a
  // certificate of `tls.ca_pem` fails in the handshake; one whose certificate does not hold exactly
  // one SPIFFE ID of the trust domain gets Unauthenticated. InvalidArgument: the address or the TLS
  // material is not usable.
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
