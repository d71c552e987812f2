// The gateway's copy of the challenge keys and of the database's time.
#ifndef TAMARACK_SERVICES_GATEWAY_EPOCH_KEYS_H_
#define TAMARACK_SERVICES_GATEWAY_EPOCH_KEYS_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/carried_time/carried_time.h"
#include "services/gateway/challenge.h"
#include "services/gateway/clock.h"
#include "services/gateway/refreshed.h"

namespace tam::gateway {

// What one read of the signing service brought.
struct FetchedKeys {
  EpochKeys keys;
  absl::Time database_time;  // when it answered, by the database's clock
};

// Thread safe. Time is the database's, carried on by the monotonic clock from the end of the last
// read: behind the database by at most the way of the answer, ahead only where its clock was set
// back. A gateway that is behind gives out challenges that are older than those of another, and a
// device that has used one of the latter is not heard: so slow reads are made again (ReadQuickly)
// and do not put the time back.
class EpochKeyCache {
 public:
  using Fetch = std::function<absl::StatusOr<FetchedKeys>()>;

  // By how much the signing service's own copy of the time may be behind.
  static constexpr absl::Duration kSlack = absl::Seconds(1);
  static constexpr RefreshLimits DefaultLimits() { return {absl::Minutes(1), absl::Minutes(10)}; }

  // `fetch` bounds its own time; it is called in the background, one at a time.
  EpochKeyCache(Fetch fetch, Background background, MonotonicClock clock,
                RefreshLimits limits = DefaultLimits());

  class Reading {
   public:
    const EpochKeys& keys() const { return held_->keys; }
    absl::Time now() const { return now_; }

   private:
    friend class EpochKeyCache;
    struct Held {
      EpochKeys keys;
      TimeReading reading;  // of the database's clock
    };
    Reading(std::shared_ptr<const Held> held, absl::Time now) : held_(std::move(held)), now_(now) {}
    std::shared_ptr<const Held> held_;
    absl::Time now_;
  };

  // Keys and the time now. Unavailable when they are older than limits.stale_after and cannot be
  // read by the deadline: a gateway without fresh time answers 503.
  absl::StatusOr<Reading> Get(absl::Time deadline);
  // By a read that began after `since`, by the clock, or Unavailable. Callers bound their number.
  absl::StatusOr<Reading> GetReadAfter(absl::Duration since, absl::Time deadline);

 private:
  using Held = Reading::Held;
  absl::StatusOr<Held> Read();
  absl::StatusOr<Held> ReadOnce() const;
  absl::StatusOr<Reading> Answer(absl::StatusOr<std::shared_ptr<const Held>> held) const;

  const Fetch fetch_;
  const MonotonicClock clock_;
  std::optional<TimeReading> last_;  // of Read alone, which is called one at a time
  const std::shared_ptr<Refreshed<Held>> held_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_EPOCH_KEYS_H_
