// One value that is read from elsewhere and kept for a while.
#ifndef TAMARACK_SERVICES_GATEWAY_REFRESHED_H_
#define TAMARACK_SERVICES_GATEWAY_REFRESHED_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/gateway/clock.h"

namespace tam::gateway {

struct RefreshLimits {
  absl::Duration refresh_after;                    // older than this: read again
  absl::Duration stale_after;                      // older than this: never handed out
  absl::Duration min_interval = absl::Seconds(1);  // between the starts of two reads
  // The same where a caller needs a value that is newer than a given moment.
  absl::Duration min_forced_interval = absl::Milliseconds(100);
};

// Runs a task in another thread, soon; false where it cannot be taken now. Thread safe.
using Background = std::function<bool(std::function<void()> task)>;

// Thread safe. At most one read is under way at a time, in the background: a caller waits for it
// only where no good value is held, or for a newer one than is held, and never beyond its deadline
// (this process's wall clock; DeadlineExceeded). Owned by a shared_ptr, so that a read outlives it.
template <typename T>
class Refreshed : public std::enable_shared_from_this<Refreshed<T>> {
 public:
  // Bounds its own time; what it uses must live until the background has ended.
  using Fetch = std::function<absl::StatusOr<T>()>;
  using Result = absl::StatusOr<std::shared_ptr<const T>>;

  Refreshed(Fetch fetch, Background background, MonotonicClock clock, RefreshLimits limits)
      : fetch_(std::move(fetch)),
        background_(std::move(background)),
        clock_(std::move(clock)),
        limits_(limits) {}

  // The value, at most stale_after old; where it is older than refresh_after, a new one is read
  // meanwhile. A failed read leaves the old value until it is stale, except NotFound, which ends it
  // at once. Errors: that of the last read.
  Result Get(absl::Time deadline) {
    std::unique_lock lock(mutex_);
    if (!Fresh() && !reading_ && clock_() - last_start_ >= limits_.min_interval) Start(lock);
    const uint64_t next = finished_ + 1;
    while (!Good() && reading_ && finished_ < next) {
      if (!WaitUntil(deadline, lock)) return Late();
    }
    if (Good()) return value_;
    if (!failure_.ok()) return failure_;
    return absl::UnavailableError("no value yet");
  }

  // By a read that began after `since`, by the clock; reads unless there was one. Never answers by
  // an older value: errors are those of that read.
  Result GetReadAfter(absl::Duration since, absl::Time deadline) {
    std::unique_lock lock(mutex_);
    const uint64_t wanted = last_start_ > since ? started_ : started_ + 1;
    while (finished_ < wanted) {
      const absl::Duration pause = last_start_ + limits_.min_forced_interval - clock_();
      if (!reading_ && pause <= absl::ZeroDuration()) {
        Start(lock);
        continue;
      }
      const absl::Time until = reading_ ? deadline : std::min(deadline, absl::Now() + pause);
      if (!WaitUntil(until, lock) && absl::Now() >= deadline) return Late();
    }
    if (!failure_.ok()) return failure_;
    if (Good()) return value_;
    return absl::UnavailableError("the value took too long to come");
  }

  // When the present value was read, by the clock; InfinitePast when there is none.
  absl::Duration read_at() const {
    std::lock_guard lock(mutex_);
    return value_ == nullptr ? -absl::InfiniteDuration() : read_at_;
  }

 private:
  static absl::Status Late() {
    return absl::DeadlineExceededError("the value was not read by the deadline");
  }

  // Gives the lock up meanwhile. False at the deadline; may return earlier than anything happens.
  bool WaitUntil(absl::Time deadline, std::unique_lock<std::mutex>& lock) {
    const absl::Time now = absl::Now();
    if (now >= deadline) return false;
    changed_.wait_until(lock, absl::ToChronoTime(std::min(deadline, now + absl::Hours(1))));
    return absl::Now() < deadline;
  }

  void Start(std::unique_lock<std::mutex>& lock) {
    reading_ = true;
    ++started_;
    last_start_ = clock_();
    lock.unlock();
    const bool taken = background_([self = this->shared_from_this()] { self->Read(); });
    lock.lock();
    if (!taken) Finish(absl::UnavailableError("too many reads are waiting"));
  }

  void Read() {
    absl::StatusOr<T> got = fetch_();
    std::lock_guard lock(mutex_);
    Finish(std::move(got));
  }

  // With the lock held.
  void Finish(absl::StatusOr<T> got) {
    reading_ = false;
    finished_ = started_;
    if (got.ok()) {
      value_ = std::make_shared<const T>(*std::move(got));
      read_at_ = last_start_;
      failure_ = absl::OkStatus();
    } else {
      failure_ = got.status();
      if (absl::IsNotFound(failure_)) value_ = nullptr;
    }
    changed_.notify_all();
  }

  absl::Duration Age() const { return clock_() - read_at_; }
  bool Good() const { return value_ != nullptr && Age() <= limits_.stale_after; }
  bool Fresh() const { return value_ != nullptr && Age() <= limits_.refresh_after; }

  const Fetch fetch_;
  const Background background_;
  const MonotonicClock clock_;
  const RefreshLimits limits_;
  // Guards all below. std::mutex, because the distribution's Abseil is not built for TSan.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const T> value_;
  absl::Duration read_at_ = -absl::InfiniteDuration();
  absl::Duration last_start_ = -absl::InfiniteDuration();
  absl::Status failure_;
  bool reading_ = false;
  uint64_t started_ = 0;   // reads
  uint64_t finished_ = 0;  // the last read that has ended
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_REFRESHED_H_
