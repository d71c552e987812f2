// HTTP/1.1 for devices: plain TCP with keep-alive, behind which TeepProtocol answers.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_SERVER_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/gateway/http_binding.h"

namespace tam::gateway {

struct HttpServerConfig {
  std::string address = "127.0.0.1";  // numeric, IPv4 or IPv6
  uint16_t port = 0;                  // 0: any free one
  int io_threads = 1;                 // reading and writing
  int workers = 16;                   // sessions at a time
  size_t queue_limit = 256;           // requests that wait for a worker; beyond: 503
  size_t max_connections = 10'000;    // beyond: 503 and close
  size_t max_header_bytes = 8 << 10;  // beyond: 431
  size_t max_body_bytes = 1 << 20;    // beyond: 413
  // From the end of the last reply (or the connection) to the end of the next header.
  absl::Duration header_timeout = absl::Seconds(30);
  absl::Duration body_timeout = absl::Seconds(30);
  absl::Duration write_timeout = absl::Seconds(30);
  // Called with the status of every reply, by any thread. May be empty.
  std::function<void(int status)> count_reply;
};

// Requests of one connection are answered one at a time and in order, pipelined ones too. Thread
// safe.
class HttpServer {
 public:
  // Listens and serves at once. `protocol` is called from the workers, many at a time, and must
  // outlive the server. InvalidArgument: malformed address. Unavailable: cannot listen there.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerConfig& config,
                                                           TeepProtocol& protocol);
  ~HttpServer();  // as Stop without grace

  uint16_t port() const;
  size_t connections() const;

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
