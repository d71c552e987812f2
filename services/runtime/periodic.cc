#include "services/runtime/periodic.h"

#include <utility>

namespace tam::runtime {

Periodic::Periodic(absl::Duration interval, std::function<void()> task)
    : thread_([this, interval, task = std::move(task)] { Run(interval, task); }) {}

Periodic::~Periodic() {
  {
    std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Periodic::Run(absl::Duration interval, const std::function<void()>& task) {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, absl::ToChronoNanoseconds(interval), [this] { return ends_; })) {
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace tam::runtime
