// For tests of what threads share: a clock that only moves when told to, and the threads.
#ifndef TAMARACK_SERVICES_GATEWAY_MANUAL_CLOCK_H_
#define TAMARACK_SERVICES_GATEWAY_MANUAL_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "services/gateway/clock.h"

namespace tam::gateway {

// Thread safe.
class ManualClock {
 public:
  MonotonicClock clock() {
    return [this] { return absl::Milliseconds(ms_.load()); };
  }
  void Advance(absl::Duration by) { ms_ += absl::ToInt64Milliseconds(by); }

 private:
  std::atomic<int64_t> ms_{1'000'000};
};

// Runs `body` in so many threads at once, numbered, and waits for all.
inline void InThreads(int count, const std::function<void(int)>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_MANUAL_CLOCK_H_
