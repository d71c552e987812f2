// Limits of fixed size: what they hold does not grow with devices or with attackers.
#ifndef TAMARACK_SERVICES_GATEWAY_LIMITS_H_
#define TAMARACK_SERVICES_GATEWAY_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "services/gateway/clock.h"

namespace tam::gateway {

struct Rate {
  double per_second = 1;
  double burst = 1;  // tokens when full
};

// One token bucket. Starts full. Thread safe.
class TokenBucket {
 public:
  TokenBucket(Rate rate, MonotonicClock clock);
  // Takes one token, or returns false.
  bool TryTake();

 private:
  const Rate rate_;
  const MonotonicClock clock_;
  std::mutex mutex_;  // guards the rest
  double tokens_;
  absl::Duration last_;
};

// A bucket for each key, in a table of fixed size: keys that share a slot (by a hash seeded at
// random) share a bucket. Thread safe.
class BucketTable {
 public:
  // `slots` is rounded up to a power of two.
  BucketTable(size_t slots, Rate rate, MonotonicClock clock, uint64_t seed);
  // Takes one token of the key's bucket, or returns false.
  bool TryTake(std::string_view key);
  // Gives back a token that TryTake took.
  void GiveBack(std::string_view key);
  // True if TryTake would succeed now.
  bool HasToken(std::string_view key);

 private:
  struct Slot {
    float tokens;
    int64_t last_ms;
  };
  static constexpr size_t kStripes = 64;
  size_t IndexOf(std::string_view key) const;
  Slot& Fill(size_t index);

  const Rate rate_;
  const MonotonicClock clock_;
  const uint64_t seed_;
  std::mutex stripes_[kStripes];  // slot i is guarded by stripe i % kStripes
  std::vector<Slot> slots_;
};

// Which keys proved lately that they are registered and active: a fixed table of hashes. Only a
// verified signature enters a key, so a flood cannot push anyone out. Thread safe.
class RecentKeys {
 public:
  RecentKeys(size_t slots, absl::Duration keep, MonotonicClock clock, uint64_t seed);
  void Remember(std::string_view key);
  bool Contains(std::string_view key);

 private:
  struct Slot {
    uint64_t tag = 0;
    int64_t until_ms = 0;
  };
  uint64_t TagOf(std::string_view key) const;

  const absl::Duration keep_;
  const MonotonicClock clock_;
  const uint64_t seed_;
  std::mutex mutex_;  // guards slots_
  std::vector<Slot> slots_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_LIMITS_H_
