#include "storage/postgres/watchdog.h"

#include "absl/time/clock.h"

namespace tam::storage::postgres {

Watchdog::Watchdog() : thread_([this] { Run(); }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Watchdog::Watch::Watch(Watchdog& watchdog, absl::Time deadline, std::function<void()> cut)
    : watchdog_(watchdog), deadline_(deadline), id_(watchdog.Add(deadline, std::move(cut))) {}

bool Watchdog::Watch::End() {
  if (!ended_) was_cut_ = !watchdog_.Remove({deadline_, id_});
  ended_ = true;
  return was_cut_;
}

uint64_t Watchdog::Add(absl::Time deadline, std::function<void()> cut) {
  std::unique_lock lock(mutex_);
  const uint64_t id = ++last_id_;
  const auto added = watched_.emplace(Key(deadline, id), std::move(cut)).first;
  const bool nearest = added == watched_.begin();
  lock.unlock();
  if (nearest) changed_.notify_one();
  return id;
}

bool Watchdog::Remove(const Key& key) {
  std::lock_guard lock(mutex_);
  return watched_.erase(key) == 1;
}

void Watchdog::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (watched_.empty() || watched_.begin()->first.first == absl::InfiniteFuture()) {
      changed_.wait(lock);
      continue;
    }
    const auto first = watched_.begin();
    if (const absl::Time deadline = first->first.first; absl::Now() < deadline) {
      changed_.wait_until(lock, absl::ToChronoTime(deadline));
      continue;
    }
    // With the lock held, so that End waits for it.
    first->second();
    watched_.erase(first);
  }
}

}  // namespace tam::storage::postgres
