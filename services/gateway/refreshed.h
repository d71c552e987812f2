// One value that is read from elsewhere and kept for a while.
#ifndef TAMARACK_SERVICES_GATEWAY_REFRESHED_H_
#define TAMARACK_SERVICES_GATEWAY_REFRESHED_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/gateway/clock.h"

namespace tam::gateway {

struct RefreshLimits {
  absl::Duration refresh_after;                    // older than this: read again
  absl::Duration stale_after;                      // older than this: never handed out
  absl::Duration min_interval = absl::Seconds(1);  // between the starts of two reads
};

// Thread safe. At most one read is under way at a time; it runs in the thread of the caller that
// needs it, outside the lock. While a value is good, others are not held up by a read.
template <typename T>
class Refreshed {
 public:
  using Fetch = std::function<absl::StatusOr<T>()>;

  Refreshed(MonotonicClock clock, RefreshLimits limits)
      : clock_(std::move(clock)), limits_(limits) {}

  // The value, at most stale_after old; reads it by `fetch` where it is older than refresh_after.
  // A failed read leaves the old value until it is stale, except NotFound, which ends it at once.
  // Errors: that of the last read.
  absl::StatusOr<std::shared_ptr<const T>> Get(const Fetch& fetch) {
    return Serve(fetch, /*force=*/false);
  }

  // Reads again, unless a read began within min_interval, and answers as Get does. For callers
  // that have reason to think the value is old.
  absl::StatusOr<std::shared_ptr<const T>> Refresh(const Fetch& fetch) {
    return Serve(fetch, /*force=*/true);
  }

  // The value of a read that began after `since`; reads unless there was one. Errors: that of the
  // read. For callers that must not decide by an older value and bound their number themselves.
  absl::StatusOr<std::shared_ptr<const T>> RefreshSince(const Fetch& fetch, absl::Duration since) {
    std::unique_lock lock(mutex_);
    while (reading_) done_.wait(lock);
    if (last_start_ <= since) Read(fetch, lock);
    if (!failure_.ok()) return failure_;
    if (Good()) return value_;
    return absl::UnavailableError("no value yet");
  }

  // When the present value was read, by the clock; InfinitePast when there is none.
  absl::Duration read_at() const {
    std::lock_guard lock(mutex_);
    return value_ == nullptr ? -absl::InfiniteDuration() : read_at_;
  }

 private:
  absl::StatusOr<std::shared_ptr<const T>> Serve(const Fetch& fetch, bool force) {
    std::unique_lock lock(mutex_);
    const uint64_t round = round_;
    // Waits where there is nothing good to give, or where the caller asked for a new read that
    // another one is doing.
    while (reading_ && round == round_ && (force || !Good())) done_.wait(lock);
    const bool another_read = round != round_;
    const bool due = force ? !another_read : !Fresh();
    if (due && !reading_ && clock_() - last_start_ >= limits_.min_interval) Read(fetch, lock);
    if (Good()) return value_;
    if (!failure_.ok()) return failure_;
    return absl::UnavailableError("no value yet");
  }

  void Read(const Fetch& fetch, std::unique_lock<std::mutex>& lock) {
    reading_ = true;
    last_start_ = clock_();
    lock.unlock();
    absl::StatusOr<T> got = fetch();
    lock.lock();
    reading_ = false;
    ++round_;
    if (got.ok()) {
      value_ = std::make_shared<const T>(*std::move(got));
      read_at_ = last_start_;
      failure_ = absl::OkStatus();
    } else {
      failure_ = got.status();
      if (absl::IsNotFound(failure_)) value_ = nullptr;
    }
    done_.notify_all();
  }

  absl::Duration Age() const { return clock_() - read_at_; }
  bool Good() const { return value_ != nullptr && Age() <= limits_.stale_after; }
  bool Fresh() const { return value_ != nullptr && Age() <= limits_.refresh_after; }

  // Guards all below. std::mutex, because the distribution's Abseil is not
  // built for TSan.
  const MonotonicClock clock_;
  const RefreshLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::shared_ptr<const T> value_;
  absl::Duration read_at_ = -absl::InfiniteDuration();
  absl::Duration last_start_ = -absl::InfiniteDuration();
  absl::Status failure_;
  bool reading_ = false;
  uint64_t round_ = 0;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_REFRESHED_H_
