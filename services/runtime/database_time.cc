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
  const absl::StatusOr<Reading> read = Read(deadline);
  if (!read.ok()) return Carried(options_.stale_after, read.status());
  absl::MutexLock lock(&mutex_);
  last_ = *read;
  return read->at + (monotonic_() - read->monotonic);
}

absl::StatusOr<DatabaseTime::Reading> DatabaseTime::Read(storage::CallDeadline deadline) {
  Reading quickest;
  absl::Duration least = absl::InfiniteDuration();
  for (int i = 0; i < kMaxReads && least > kQuickRead; ++i) {
    const absl::Duration begin = monotonic_();
    const absl::StatusOr<absl::Time> at = clock_.Now(deadline);
    if (!at.ok()) return at.status();
    const absl::Duration end = monotonic_();
    if (end - begin >= least) continue;
    least = end - begin;
    quickest = {*at, end};
  }
  return quickest;
}

}  // namespace tam::runtime
