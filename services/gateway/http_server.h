// HTTP/1.1 for devices, over TLS or plain TCP, behind which TeepProtocol answers.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_SERVER_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/gateway/admission.h"
#include "services/gateway/clock.h"
#include "services/gateway/dropped.h"
#include "services/gateway/http_binding.h"
#include "services/gateway/tls_certificate.h"

namespace tam::gateway {

struct HttpServerConfig {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  uint16_t port = 0;                  // 0: any free one
  // Empty: plain HTTP, for loopback and behind a proxy.
  TlsCertificate::Files tls;
  // How often those files are looked at.
  absl::Duration certificate_poll = absl::Seconds(10);

  int io_threads = 2;         // reading and writing, handshakes too
  int workers = 16;           // sessions at a time
  size_t queue_limit = 2048;  // requests that wait for a worker, half of them empty POSTs; then 503
  // How long a message and an empty POST wait for a worker, so that new sessions give way to those
  // that have begun; then 503, and the engine is not asked.
  absl::Duration message_patience = absl::Seconds(8);
  absl::Duration query_patience = absl::Seconds(2);
  MonotonicClock clock = SystemMonotonicClock();  // of that wait
  // Beyond the limit of all connections, the source that has the most open loses the one on which
  // the server waits longest for the peer. Where there is none, and beyond the other limits: 503
  // and close; a TLS connection is closed without.
  AdmissionLimits admission;
  size_t max_header_bytes = 8 << 10;  // beyond: 431
  size_t max_body_bytes = 1 << 20;    // beyond: 413
  // Then the connection ends, so that load spreads and a new certificate gets about.
  size_t max_requests_per_connection = 1000;

  // Each is of the whole step, however it trickles; beyond, the connection is closed.
  absl::Duration handshake_timeout = absl::Seconds(10);
  absl::Duration header_timeout = absl::Seconds(10);
  absl::Duration body_timeout = absl::Seconds(30);
  absl::Duration write_timeout = absl::Seconds(30);  // and what min_write_bytes_per_second adds
  size_t min_write_bytes_per_second = 4 << 10;
  absl::Duration idle_timeout = absl::Seconds(60);  // between a reply and the next request

  // Called by any thread; may be empty. The status of every reply; why a connection was let go
  // without an answer.
  std::function<void(int status)> count_reply;
  std::function<void(Dropped reason)> count_dropped;
};

// Requests of one connection are answered one at a time and in order, pipelined ones too. Thread
// safe.
class HttpServer {
 public:
  // Listens and serves at once. `protocol` is called from the workers, many at a time, and must
  // outlive the server; where it throws, the answer is 500. InvalidArgument: malformed address.
  // Unavailable: cannot listen there. Errors of TlsCertificate::Load.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerConfig& config,
                                                           TeepProtocol& protocol);
  ~HttpServer();  // as Stop without grace

  uint16_t port() const;
  size_t connections() const;
  // Octets of bodies, of requests and replies.
  size_t held_bytes() const;

  // Stops accepting, closes idle connections, lets requests that have begun finish for at most
  // `grace`, then closes the rest. Once; returns when no thread is left.
  void Stop(absl::Duration grace);

 private:
  class Core;
  explicit HttpServer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_SERVER_H_
