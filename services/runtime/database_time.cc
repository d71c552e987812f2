#include "services/runtime/database_time.h"

#include <chrono>

namespace tam::runtime {

MonotonicClock SystemMonotonicClock() {
  return [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); };
}

absl::StatusOr<absl::Time> DatabaseTime::Carried(absl::Duration limit,
                                                 const absl::Status& otherwise) {
  const absl::Duration now = monotonic_();
  absl::MutexLock lock(&mutex_);
  if (!last_.has_value() || now - last_->monotonic >= limit) return otherwise;
  return last_->at + (now - last_->monotonic);
}

absl::StatusOr<absl::Time> DatabaseTime::Now(storage::CallDeadline deadline) {
  const absl::Status none = absl::UnavailableError("database time: not read yet");
  if (auto carried = Carried(options_.refresh_after, none); carried.ok()) return carried;
  const auto read = clock_.Now(deadline);
  if (!read.ok()) return Carried(options_.stale_after, read.status());
  const absl::Duration after = monotonic_();
  absl::MutexLock lock(&mutex_);
  last_ = Reading{*read, after};
  return *read;
}

}  // namespace tam::runtime
