#include "storage/postgres/backoff.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"

namespace tam::storage::postgres {
namespace {

class Backoff {
 public:
  Backoff(const BackoffLimits& limits, MonotonicClock clock)
      : limits_(limits), clock_(std::move(clock)) {}

  // OK: try. Otherwise Unavailable.
  absl::Status MayTry() {
    std::lock_guard lock(mutex_);
    if (clock_() >= not_before_) return absl::OkStatus();
    return ConnectionLost(absl::StrCat("not tried again yet after: ", failure_.message()));
  }

  // Several that began before the first of them failed count as one; one that its caller's deadline
  // ended counts as none, because it was no burden.
  void Note(const absl::Status& result, absl::Duration began) {
    std::lock_guard lock(mutex_);
    if (result.ok()) {
      pause_ = absl::ZeroDuration();
      not_before_ = -absl::InfiniteDuration();
      return;
    }
    if (absl::IsDeadlineExceeded(result) || began < not_before_) return;
    failure_ = result;
    pause_ = std::min(std::max(pause_ * 2, limits_.first), limits_.most);
    not_before_ = clock_() + pause_;
  }

  absl::Duration now() const { return clock_(); }

 private:
  const BackoffLimits limits_;
  const MonotonicClock clock_;
  std::mutex mutex_;  // guards what follows
  absl::Status failure_;
  absl::Duration pause_;
  absl::Duration not_before_ = -absl::InfiniteDuration();
};

}  // namespace

MonotonicClock SystemMonotonicClock() {
  return [] { return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()); };
}

ConnectionFactory WithBackoff(ConnectionFactory factory, const BackoffLimits& limits,
                              MonotonicClock clock) {
  auto backoff = std::make_shared<Backoff>(limits, std::move(clock));
  return [factory = std::move(factory),
          backoff](absl::Time deadline) -> absl::StatusOr<std::unique_ptr<Connection>> {
    if (absl::Status paused = backoff->MayTry(); !paused.ok()) return paused;
    const absl::Duration began = backoff->now();
    absl::StatusOr<std::unique_ptr<Connection>> made = factory(deadline);
    backoff->Note(made.status(), began);
    return made;
  };
}

}  // namespace tam::storage::postgres
