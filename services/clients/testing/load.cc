#include "services/clients/testing/load.h"

#include <poll.h>

#include <algorithm>

#include "absl/time/clock.h"
#include "services/clients/testing/client_methods.h"
#include "services/clients/testing/served.h"

namespace tam::clients::testing {

Load::Load(runtime::RpcChannel& channel, int threads, absl::Duration timeout) : channel_(channel) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, i, timeout] { Run(i, timeout); });
  }
}

Load::~Load() { Stop(); }

void Load::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Load::Run(int thread, absl::Duration timeout) {
  constexpr size_t kRegistryMethods = 5;
  for (size_t i = static_cast<size_t>(thread); !stop_; ++i) {
    const absl::Time begin = absl::Now();
    const auto outcome = ClientMethods()[i % kRegistryMethods].call(channel_, Context(timeout), 0);
    std::lock_guard lock(mutex_);
    slowest_ = std::max(slowest_, absl::Now() - begin);
    if (outcome.ok()) {
      ++by_name_[outcome->name];
      ++done_;
    } else {
      if (failed_++ == 0) first_failure_ = outcome.status();
    }
  }
}

int Load::Count(const std::string& from) const {
  if (from.empty()) return done_;
  std::lock_guard lock(mutex_);
  const auto found = by_name_.find(from);
  return found == by_name_.end() ? 0 : found->second;
}

bool Load::AwaitMore(int calls, const std::string& from) {
  const int want = Count(from) + calls;
  const absl::Time deadline = absl::Now() + absl::Seconds(100);
  while (Count(from) < want) {
    if (absl::Now() > deadline) return false;
    poll(nullptr, 0, 5);
  }
  return true;
}

absl::Status Load::first_failure() const {
  std::lock_guard lock(mutex_);
  return first_failure_;
}

absl::Duration Load::slowest() const {
  std::lock_guard lock(mutex_);
  return slowest_;
}

}  // namespace tam::clients::testing
