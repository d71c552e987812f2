// The database's time, carried on by the monotonic clock between reads, so that a decision about
// time costs no round trip.
#ifndef TAMARACK_SERVICES_RUNTIME_DATABASE_TIME_H_
#define TAMARACK_SERVICES_RUNTIME_DATABASE_TIME_H_

#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/carried_time/carried_time.h"
#include "storage/audit_store.h"
#include "storage/model/call.h"

namespace tam::runtime {

using ::tam::MonotonicClock;
MonotonicClock SystemMonotonicClock();

// Thread safe. Never ahead of the database; behind by at most the way of its answer, as ReadQuickly
// says; a slow read does not put the time back.
class DatabaseTime {
 public:
  struct Options {
    absl::Duration refresh_after = absl::Seconds(10);
    absl::Duration stale_after = absl::Minutes(5);
  };
  // `clock` must outlive this.
  DatabaseTime(storage::DatabaseClock& clock, MonotonicClock monotonic)
      : DatabaseTime(clock, std::move(monotonic), Options()) {}
  DatabaseTime(storage::DatabaseClock& clock, MonotonicClock monotonic, const Options& options)
      : clock_(clock), monotonic_(std::move(monotonic)), options_(options) {}

  // Reads the database when the last reading is older than refresh_after; where that fails, carries
  // the last reading on until stale_after. Unavailable.
  absl::StatusOr<absl::Time> Now(storage::CallDeadline deadline);

 private:
  absl::StatusOr<TimeReading> Read(storage::CallDeadline deadline);
  absl::StatusOr<absl::Time> Carried(absl::Duration limit, const absl::Status& otherwise);

  storage::DatabaseClock& clock_;
  const MonotonicClock monotonic_;
  const Options options_;
  absl::Mutex mutex_;
  std::optional<TimeReading> last_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_DATABASE_TIME_H_
