// The clock that caches and limits measure by.
#ifndef TAMARACK_SERVICES_GATEWAY_CLOCK_H_
#define TAMARACK_SERVICES_GATEWAY_CLOCK_H_

#include <chrono>
#include <functional>

#include "absl/time/time.h"

namespace tam::gateway {

// Time since some fixed moment; never goes back. Injected; must be thread safe.
using MonotonicClock = std::function<absl::Duration()>;

inline MonotonicClock SystemMonotonicClock() {
  return [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); };
}

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_CLOCK_H_
