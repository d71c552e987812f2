// The time of a clock elsewhere, carried on by the own monotonic clock between reads.
#ifndef TAMARACK_SERVICES_CARRIED_TIME_CARRIED_TIME_H_
#define TAMARACK_SERVICES_CARRIED_TIME_CARRIED_TIME_H_

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam {

// Time since some fixed moment; never goes back. Injected; must be thread safe.
using MonotonicClock = std::function<absl::Duration()>;

// What one read told: when the answer was here, the other clock stood between `at` and `at + took`.
struct TimeReading {
  absl::Time at;
  absl::Duration monotonic;  // when the answer was here
  absl::Duration took;       // and what age has added to the doubt

  absl::Time CarriedTo(absl::Duration now) const { return at + (now - monotonic); }
};

// A read that took longer tells the time badly: another 40 ms on the way, such as a delayed
// acknowledgement of TCP, and two readers differ by more than a whole TEEP session takes.
inline constexpr absl::Duration kQuickRead = absl::Milliseconds(5);
inline constexpr int kMaxReads = 5;

// Reads until a read was quick, kMaxReads times in all; the quickest counts. The first error is the
// answer: no time is better than one far behind. `Value` has a member `reading`.
template <typename Value>
absl::StatusOr<Value> ReadQuickly(const std::function<absl::StatusOr<Value>()>& read) {
  absl::StatusOr<Value> quickest = read();
  for (int i = 1; i < kMaxReads && quickest.ok() && quickest->reading.took > kQuickRead; ++i) {
    absl::StatusOr<Value> again = read();
    if (!again.ok() || again->reading.took < quickest->reading.took) quickest = std::move(again);
  }
  return quickest;
}

// By how much two clocks may go apart: 200 ppm.
inline constexpr int64_t kDriftOneIn = 5000;

// The reading to go on with after `read`: `read` itself, unless `held`, carried on with what its
// age may have added, is still the more certain of the two, and possible by `read`: else the other
// clock was set. Where all reads are slow, `held` so ages until the next one replaces it. `slack`
// is by how much `read.at` itself may have been behind.
TimeReading Better(const TimeReading& held, const TimeReading& read, absl::Duration slack);

}  // namespace tam

#endif  // TAMARACK_SERVICES_CARRIED_TIME_CARRIED_TIME_H_
