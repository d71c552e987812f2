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

Supervisor::Supervisor(Stack& stack)
    : stack_(stack),
      database_([this] { Watch([this] { return StartDatabaseIfEnded(); }); }),
      services_([this] { Watch([this] { return StartServicesThatEnded(); }); }) {}

Supervisor::~Supervisor() {
  stop_ = true;
  database_.join();
  services_.join();
}

void Supervisor::Watch(const std::function<bool()>& start_what_ended) {
  while (!stop_) {
    if (start_what_ended()) poll(nullptr, 0, kPollMs);
  }
}

void Supervisor::Note(const absl::Status& started) {
  const std::lock_guard lock(mutex_);
  if (!started.ok()) last_failure_ = started;
}

bool Supervisor::StartDatabaseIfEnded() {
  if (stack_.Running(kPostgres)) return true;
  Note(stack_.StartProcess(kPostgres));
  return false;
}

bool Supervisor::StartServicesThatEnded() {
  const std::vector<std::string>& names = stack_.tam().names();
  if (std::all_of(names.begin(), names.end(),
                  [this](const std::string& name) { return stack_.Running(name); })) {
    return true;
  }
  Note(stack_.StartTamd());
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
