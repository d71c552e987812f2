// A token bucket: how many QueryRequests are signed a second.
#ifndef TAMARACK_SERVICES_SIGNING_BUDGET_H_
#define TAMARACK_SERVICES_SIGNING_BUDGET_H_

#include <algorithm>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/runtime/database_time.h"

namespace tam::signing {

// Thread safe. Full at first: one second's worth.
class Budget {
 public:
  // `per_second` 0 or less: without limit.
  Budget(double per_second, runtime::MonotonicClock monotonic)
      : per_second_(per_second), monotonic_(std::move(monotonic)), left_(per_second) {}

  // True when one more may be spent now.
  bool Spend() {
    if (per_second_ <= 0) return true;
    const absl::Duration now = monotonic_();
    absl::MutexLock lock(&mutex_);
    if (now > last_) {
      const double refill = absl::ToDoubleSeconds(now - last_) * per_second_;
      left_ = std::min(std::max(per_second_, 1.0), left_ + refill);
      last_ = now;
    }
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  const double per_second_;
  const runtime::MonotonicClock monotonic_;
  absl::Mutex mutex_;
  double left_ ABSL_GUARDED_BY(mutex_);
  absl::Duration last_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_BUDGET_H_
