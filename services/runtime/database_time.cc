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
  return last_->CarriedTo(now);
}

absl::StatusOr<absl::Time> DatabaseTime::Now(storage::CallDeadline deadline) {
  const absl::Status none = absl::UnavailableError("database time: not read yet");
  if (auto carried = Carried(options_.refresh_after, none); carried.ok()) return carried;
  const absl::StatusOr<TimeReading> read = Read(deadline);
  if (!read.ok()) return Carried(options_.stale_after, read.status());
  absl::MutexLock lock(&mutex_);
  last_ = last_.has_value() ? Better(*last_, *read, absl::ZeroDuration()) : *read;
  return last_->CarriedTo(monotonic_());
}

absl::StatusOr<TimeReading> DatabaseTime::Read(storage::CallDeadline deadline) {
  struct Value {
    TimeReading reading;
  };
  const absl::StatusOr<Value> value = ReadQuickly<Value>([&]() -> absl::StatusOr<Value> {
    const absl::Duration begin = monotonic_();
    const absl::StatusOr<absl::Time> at = clock_.Now(deadline);
    if (!at.ok()) return at.status();
    const absl::Duration end = monotonic_();
    return Value{{.at = *at, .monotonic = end, .took = end - begin}};
  });
  if (!value.ok()) return value.status();
  return value->reading;
}

}  // namespace tam::runtime
