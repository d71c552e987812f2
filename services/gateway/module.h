// The gateway as one module of tamd: caches, engine and HTTP server, wired.
#ifndef TAMARACK_SERVICES_GATEWAY_MODULE_H_
#define TAMARACK_SERVICES_GATEWAY_MODULE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "crypto/secret/secret.h"
#include "services/gateway/clock.h"
#include "services/gateway/endpoint_cache.h"
#include "services/gateway/epoch_keys.h"
#include "services/gateway/http_server.h"
#include "services/gateway/outcome.h"
#include "services/gateway/peers.h"
#include "services/gateway/session.h"
#include "services/runtime/identity.h"
#include "services/runtime/worker_pool.h"

namespace tam::gateway {

struct GatewayConfig {
  HttpServerConfig http;  // count_reply and count_dropped are the module's own
  SessionConfig session;
  EndpointCache::Limits endpoints;
  RefreshLimits challenge_keys = EpochKeyCache::DefaultLimits();
};

// Thread safe.
class GatewayModule {
 public:
  // `self`: spiffe://…/service/gateway. The channels and `random` must outlive the module. Nothing
  // is called before the first request. `background` is where the caches read; null: in threads of
  // the module's own.
  GatewayModule(const GatewayConfig& config, runtime::Identity self,
                const Peers::Channels& channels,
                secret::RandomSource& random = secret::RandomSource::System(),
                MonotonicClock clock = SystemMonotonicClock(), Background background = nullptr);
  ~GatewayModule();

  // Listens and serves. Once. Errors of HttpServer::Start.
  absl::Status Start();
  // Of the listener; 0 before Start.
  uint16_t port() const;
  // Stops accepting and lets what has begun finish for at most `grace`. Once.
  void Stop(absl::Duration grace);

  // For metrics.
  const OutcomeLog& outcomes() const { return outcomes_; }
  // Replies by class: 2 for 2xx, ... 5 for 5xx.
  uint64_t replies(int status_class) const;
  // Connections that were let go without an answer.
  uint64_t dropped(Dropped reason) const { return dropped_[static_cast<size_t>(reason)]; }
  size_t connections() const;

  TeepProtocol& protocol() { return engine_; }

 private:
  Background OrReaders(const Background& background);
  absl::StatusOr<FetchedKeys> FetchKeys();
  absl::StatusOr<Endpoint> FetchEndpoint(const std::string& path);
  runtime::CallContext FetchContext() const;

  GatewayConfig config_;
  const runtime::Identity self_;
  Peers peers_;
  OutcomeLog outcomes_;
  std::atomic<bool> stopping_{false};
  runtime::WorkerPool readers_;
  EpochKeyCache keys_;
  EndpointCache endpoints_;
  SessionEngine engine_;
  std::array<std::atomic<uint64_t>, 6> replies_{};
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Dropped::kCount)> dropped_{};
  std::unique_ptr<HttpServer> server_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_MODULE_H_
