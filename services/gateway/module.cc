#include "services/gateway/module.h"

#include <utility>

#include "absl/time/clock.h"
#include "services/gateway/conversions.h"

namespace tam::gateway {
namespace {

constexpr absl::Duration kFetchTimeout = absl::Seconds(5);
constexpr int kReaders = 4;

}  // namespace

GatewayModule::GatewayModule(const GatewayConfig& config, runtime::Identity self,
                             const Peers::Channels& channels, secret::RandomSource& random,
                             MonotonicClock clock, Background background)
    : config_(config),
      self_(std::move(self)),
      peers_(channels),
      outcomes_(clock),
      // At most one read of each value waits.
      readers_(kReaders, config.endpoints.max_entries + 1),
      keys_([this] { return FetchKeys(); }, OrReaders(background), clock, config.challenge_keys),
      endpoints_([this](const std::string& path) { return FetchEndpoint(path); },
                 OrReaders(background), clock, config.endpoints),
      engine_(config.session, {self_, peers_, keys_, endpoints_, outcomes_, random, clock}) {
  config_.http.count_reply = [this](int status) {
    replies_[static_cast<size_t>(status / 100) % replies_.size()].fetch_add(
        1, std::memory_order_relaxed);
  };
  config_.http.count_dropped = [this](Dropped reason) {
    dropped_[static_cast<size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  };
}

// Nobody waits for a read any more; the one that a slow service holds up is bounded.
GatewayModule::~GatewayModule() {
  server_.reset();
  stopping_ = true;
  readers_.Stop();
}

Background GatewayModule::OrReaders(const Background& background) {
  if (background != nullptr) return background;
  return [this](std::function<void()> task) {
    return readers_.TrySubmit(std::move(task), runtime::WorkerPool::Priority::kContinuing);
  };
}

absl::Status GatewayModule::Start() {
  auto server = HttpServer::Start(config_.http, engine_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

uint16_t GatewayModule::port() const { return server_ == nullptr ? 0 : server_->port(); }

void GatewayModule::Stop(absl::Duration grace) {
  if (server_ != nullptr) server_->Stop(grace);
}

uint64_t GatewayModule::replies(int status_class) const {
  return replies_[static_cast<size_t>(status_class) % replies_.size()];
}

size_t GatewayModule::connections() const {
  return server_ == nullptr ? 0 : server_->connections();
}

runtime::CallContext GatewayModule::FetchContext() const {
  return {self_, absl::Now() + kFetchTimeout, ""};
}

absl::StatusOr<FetchedKeys> GatewayModule::FetchKeys() {
  if (stopping_) return absl::UnavailableError("the gateway is stopping");
  auto response = peers_.GetChallengeKeys(FetchContext());
  if (!response.ok()) return response.status();
  return KeysFrom(*response);
}

absl::StatusOr<Endpoint> GatewayModule::FetchEndpoint(const std::string& path) {
  if (stopping_) return absl::UnavailableError("the gateway is stopping");
  v1::ResolveEndpointRequest request;
  request.set_path(path);
  auto response = peers_.ResolveEndpoint(FetchContext(), request);
  if (!response.ok()) return response.status();
  return EndpointFrom(*response);
}

}  // namespace tam::gateway
