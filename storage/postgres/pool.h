// A bounded pool of anything that is costly to make and used by one thread at a time.

#ifndef TAMARACK_STORAGE_POSTGRES_POOL_H_
#define TAMARACK_STORAGE_POSTGRES_POOL_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::storage::postgres {

// Locks with the standard library's mutex: the distribution's Abseil is not instrumented, so that
// ThreadSanitizer would not see absl::Mutex.
//
// Thread safe. At most `capacity` resources live at once, leased ones included. Must outlive every
// lease.
template <typename T>
class BoundedPool {
 public:
  // Gets the deadline of the caller who waits for it.
  using Factory = std::function<absl::StatusOr<std::unique_ptr<T>>(absl::Time deadline)>;

  // Gives the resource back when destroyed, or makes room for another after Discard.
  class Lease {
   public:
    Lease(BoundedPool* pool, std::unique_ptr<T> resource, uint64_t era, bool reused)
        : pool_(pool), resource_(std::move(resource)), era_(era), reused_(reused) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (resource_ != nullptr || discarded_) pool_->Return(std::move(resource_), era_);
    }

    T& operator*() { return *resource_; }
    T* operator->() { return resource_.get(); }

    // It was made for an earlier lease.
    bool reused() const { return reused_; }

    // The resource is broken: it is replaced when needed.
    void Discard() {
      resource_.reset();
      discarded_ = true;
    }
    // The same for all that were made before now, idle or leased.
    void DiscardAll() {
      Discard();
      pool_->DropIdle();
    }

   private:
    BoundedPool* pool_;
    std::unique_ptr<T> resource_;
    uint64_t era_;
    bool reused_;
    bool discarded_ = false;
  };

  BoundedPool(int capacity, Factory factory) : factory_(std::move(factory)), free_(capacity) {}
  BoundedPool(const BoundedPool&) = delete;
  BoundedPool& operator=(const BoundedPool&) = delete;

  // An idle resource, or a new one while fewer than the capacity live. DeadlineExceeded if neither
  // can be had by `deadline` (this process's wall clock); the factory's error if it fails.
  absl::StatusOr<Lease> Acquire(absl::Time deadline) {
    std::unique_ptr<T> idle;
    uint64_t era = 0;
    {
      std::unique_lock lock(mutex_);
      if (!WaitForFree(lock, deadline)) {
        return absl::DeadlineExceededError(
            "pool: want a free connection by the deadline, got none");
      }
      --free_;
      era = era_;
      if (!idle_.empty()) {
        idle = std::move(idle_.back());
        idle_.pop_back();
      }
    }
    if (idle != nullptr) return Lease(this, std::move(idle), era, /*reused=*/true);
    absl::StatusOr<std::unique_ptr<T>> made = factory_(deadline);
    if (made.ok()) return Lease(this, *std::move(made), era, /*reused=*/false);
    Return(nullptr, era);
    return made.status();
  }

 private:
  bool WaitForFree(std::unique_lock<std::mutex>& lock, absl::Time deadline) {
    const auto has_free = [this] { return free_ > 0; };
    if (deadline == absl::InfiniteFuture()) {
      returned_.wait(lock, has_free);
      return true;
    }
    return returned_.wait_until(lock, absl::ToChronoTime(deadline), has_free);
  }

  void Return(std::unique_ptr<T> resource, uint64_t era) {
    {
      std::lock_guard lock(mutex_);
      ++free_;
      if (resource != nullptr && era == era_) idle_.push_back(std::move(resource));
    }
    returned_.notify_one();
  }

  void DropIdle() {
    std::vector<std::unique_ptr<T>> dropped;
    std::lock_guard lock(mutex_);
    dropped.swap(idle_);
    ++era_;
  }

  const Factory factory_;
  std::condition_variable returned_;
  // Guards what follows.
  std::mutex mutex_;
  int free_;
  // Resources of an era before the last DiscardAll are not kept.
  uint64_t era_ = 0;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_POOL_H_
