#include "tests/e2e/supervisor.h"

#include <poll.h>

#include <algorithm>
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

void Supervisor::Watch() {
  while (!stop_) {
    if (StartWhatEnded()) poll(nullptr, 0, kPollMs);
  }
}

bool Supervisor::StartWhatEnded() {
  const bool database = stack_.Running(kPostgres);
  const std::vector<std::string>& names = stack_.tam().names();
  if (database && std::all_of(names.begin(), names.end(),
                              [this](const std::string& name) { return stack_.Running(name); })) {
    return true;
  }
  absl::Status started = database ? absl::OkStatus() : stack_.StartProcess(kPostgres);
  if (started.ok()) started = stack_.StartTamd();
  const std::lock_guard lock(mutex_);
  if (!started.ok()) last_failure_ = started;
  return false;
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
