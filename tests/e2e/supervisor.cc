#include "tests/e2e/supervisor.h"

#include <poll.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tam::testing {

namespace {
constexpr int kPollMs = 5;
}  // namespace

Supervisor::Supervisor(Stack& stack) : stack_(stack), thread_([this] { Watch(); }) {}

Supervisor::~Supervisor() {
  stop_ = true;
  thread_.join();
}

std::map<std::string, int> Supervisor::restarts() const {
  const std::lock_guard lock(mutex_);
  return restarts_;
}

void Supervisor::Watch() {
  while (!stop_) {
    if (StartWhatEnded()) poll(nullptr, 0, kPollMs);
  }
}

bool Supervisor::StartWhatEnded() {
  std::vector<std::string> names = {kPostgres};
  names.insert(names.end(), stack_.tam().names().begin(), stack_.tam().names().end());
  bool all_ran = true;
  for (const std::string& name : names) {
    if (stack_.Running(name)) continue;
    all_ran = false;
    const absl::Status started = stack_.StartProcess(name);
    const std::lock_guard lock(mutex_);
    if (started.ok()) {
      ++restarts_[name];
    } else {
      last_failure_ = started;
    }
  }
  return all_ran;
}

absl::Status Supervisor::AwaitAllRunning(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  const auto all_run = [this] {
    if (!stack_.Running(kPostgres)) return false;
    for (const std::string& name : stack_.tam().names()) {
      if (!stack_.Running(name)) return false;
    }
    return true;
  };
  while (!all_run()) {
    if (absl::Now() > deadline) {
      const std::lock_guard lock(mutex_);
      return absl::DeadlineExceededError(
          absl::StrCat("supervisor: not everything runs; last: ", last_failure_.ToString()));
    }
    poll(nullptr, 0, kPollMs);
  }
  return absl::OkStatus();
}

}  // namespace tam::testing
