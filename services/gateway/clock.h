// The clock that caches and limits measure by.
#ifndef TAMARACK_SERVICES_GATEWAY_CLOCK_H_
#define TAMARACK_SERVICES_GATEWAY_CLOCK_H_

#include <chrono>

#include "absl/time/time.h"
#include "services/carried_time/carried_time.h"

namespace tam::gateway {

using ::tam::MonotonicClock;

inline MonotonicClock SystemMonotonicClock() {
  return [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); };
}

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_CLOCK_H_
