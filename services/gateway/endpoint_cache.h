// The gateway's copy of endpoints, by the path of the TAM URI.
#ifndef TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_
#define TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/gateway/challenge.h"
#include "services/gateway/clock.h"
#include "services/gateway/limits.h"
#include "services/gateway/refreshed.h"

namespace tam::gateway {

// What a session needs of an endpoint.
struct Endpoint {
  std::string path;
  std::string tenant_uid;   // 16 bytes
  std::string tenant_name;  // for resource names and logs
  std::string uid;          // 16 bytes
  ChallengeBinding binding;
  bool legacy_numbering = false;
  absl::Duration update_deadline = absl::Hours(24);
  size_t max_message_bytes = 1 << 20;
};

// "/tam/{name}/{name}", names being [a-z][a-z0-9-]{0,62}. Anything else cannot be an endpoint.
bool HasEndpointShape(std::string_view path);

// Thread safe; holds at most `max_entries` endpoints, known and unknown ones together.
class EndpointCache {
 public:
  // Bounds its own time. NotFound: no such endpoint.
  using Fetch = std::function<absl::StatusOr<Endpoint>(const std::string& path)>;

  struct Limits {
    // A deleted endpoint stops working after refresh_after, at the latest after stale_after. That
    // a path is unknown is remembered for min_interval.
    RefreshLimits refresh{absl::Seconds(3), absl::Seconds(10), absl::Seconds(1)};
    size_t max_entries = 4096;
    // Reads for paths that are not held: an attacker may invent any number of them.
    Rate new_paths{50, 200};
  };

  EndpointCache(Fetch fetch, MonotonicClock clock, Limits limits);

  // NotFound: no such endpoint. ResourceExhausted: too many new paths at the moment. Unavailable:
  // cannot be read now.
  absl::StatusOr<std::shared_ptr<const Endpoint>> Get(const std::string& path);
  // The same after one more read, at most once in limits.refresh.min_interval for each path.
  absl::StatusOr<std::shared_ptr<const Endpoint>> Refresh(const std::string& path);

  // By a read that began after `since`, one at a time for each path. Callers bound their number.
  absl::StatusOr<std::shared_ptr<const Endpoint>> RefreshSince(const std::string& path,
                                                               absl::Duration since);

  size_t size() const;

 private:
  using Value = Refreshed<Endpoint>;
  struct Entry {
    std::shared_ptr<Value> value;
    absl::Duration last_use;
  };
  absl::StatusOr<std::shared_ptr<Value>> Find(const std::string& path);
  void MakeRoom();  // with mutex_ held

  const Fetch fetch_;
  const MonotonicClock clock_;
  const Limits limits_;
  TokenBucket new_paths_;
  mutable std::mutex mutex_;  // guards entries_
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_
