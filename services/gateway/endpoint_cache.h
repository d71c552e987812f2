// The gateway's copy of endpoints, by the path of the TAM URI.
#ifndef TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_
#define TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "services/gateway/challenge.h"
#include "services/gateway/clock.h"
#include "services/gateway/limits.h"
#include "services/gateway/refreshed.h"
#include "teep/message/message.h"

namespace tam::gateway {

// What an endpoint of the legacy profile takes beyond draft-26 (v1.LegacyOptions).
struct LegacyOptions {
  bool older_algorithms = false;
  bool untagged = false;
  bool keys_without_kid = false;
  // By which key QueryRequests are signed, as COSE_Sign1. Unset: COSE_Sign by both.
  std::optional<keys::KeyType> sign1;
  // Tried on a message that names no key.
  std::vector<keys::PublicKey> agent_keys;
  // There are more than may be tried, and none is.
  bool too_many_agent_keys = false;
};

// What a session needs of an endpoint.
struct Endpoint {
  std::string path;
  std::string tenant_uid;   // 16 bytes
  std::string tenant_name;  // for resource names and logs
  std::string uid;          // 16 bytes
  ChallengeBinding binding;
  teep::WireProfile profile = teep::WireProfile::kDraft26;
  LegacyOptions legacy;
  // See v1.Endpoint.
  bool passport = false;
  bool timestamps = false;
  bool return_results = false;
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
    RefreshLimits refresh{absl::Seconds(3), absl::Seconds(10)};
    size_t max_entries = 4096;
    // Reads for paths that are not held: an attacker may invent any number of them.
    Rate new_paths{50, 200};
  };

  // `fetch` is called in the background, one at a time for each path.
  EndpointCache(Fetch fetch, Background background, MonotonicClock clock, Limits limits);

  // NotFound: no such endpoint. ResourceExhausted: too many new paths at the moment. Unavailable,
  // DeadlineExceeded: cannot be read now.
  absl::StatusOr<std::shared_ptr<const Endpoint>> Get(const std::string& path, absl::Time deadline);
  // The same by a read that began after `since`, by the clock. Callers bound their number.
  absl::StatusOr<std::shared_ptr<const Endpoint>> GetReadAfter(const std::string& path,
                                                               absl::Duration since,
                                                               absl::Time deadline);

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
  const Background background_;
  const MonotonicClock clock_;
  const Limits limits_;
  TokenBucket new_paths_;
  mutable std::mutex mutex_;  // guards entries_
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_ENDPOINT_CACHE_H_
