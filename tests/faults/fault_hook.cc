#include "tests/faults/fault_hook.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <optional>

#include "absl/time/clock.h"
#include "services/runtime/fault_point.h"
#include "tests/faults/fault_plan.h"
#include "tests/support/process.h"

namespace tam::faults {
namespace {

struct HookState {
  std::string folder;
  std::string process;
  int passed = -1;
  int fired = -1;
};

HookState& State() {
  static HookState& state = *new HookState();
  return state;
}

int OpenRecord(const std::string& path) {
  return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// One write, which no other process's can cut in two.
void Append(int fd, const std::string& line) { (void)!write(fd, line.data(), line.size()); }

std::string Content(int fd) {
  char bytes[512];
  const ssize_t n = pread(fd, bytes, sizeof(bytes), 0);
  return std::string(bytes, n < 0 ? 0 : static_cast<size_t>(n));
}

void Rewrite(int fd, const std::string& content) {
  (void)!ftruncate(fd, 0);
  (void)!pwrite(fd, content.data(), content.size(), 0);
}

// With the plan's file locked: what this pass does, if anything, and what is left of the plan.
std::optional<FaultPlan> TakeTurn(int fd, const std::string& path, const std::string& point) {
  std::optional<FaultPlan> plan = DecodePlan(point, Content(fd));
  if (!plan.has_value()) return std::nullopt;
  if (!plan->process.empty() && plan->process != State().process) return std::nullopt;
  if (plan->skip > 0) {
    --plan->skip;
    Rewrite(fd, EncodePlan(*plan));
    return std::nullopt;
  }
  const FaultPlan now = *plan;
  if (plan->times == 1) {
    // Whoever has it open already reads that it is used up.
    Rewrite(fd, "");
    unlink(path.c_str());
  } else if (plan->times > 1) {
    --plan->times;
    Rewrite(fd, EncodePlan(*plan));
  }
  return now;
}

std::optional<FaultPlan> Claim(const std::string& point) {
  const std::string path = PlanPath(State().folder, point);
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  flock(fd, LOCK_EX);
  std::optional<FaultPlan> plan = TakeTurn(fd, path, point);
  close(fd);
  return plan;
}

void CarryOut(const FaultPlan& plan) {
  switch (plan.action) {
    case FaultAction::kKill:
      kill(getpid(), SIGKILL);
      pause();  // This thread goes no further, whenever the signal comes.
      break;
    case FaultAction::kStop:
      kill(getpid(), SIGSTOP);
      break;
    case FaultAction::kKillOther:
      testing::SignalFamily(plan.other, SIGKILL);
      break;
    case FaultAction::kStopOther:
      testing::SignalFamily(plan.other, SIGSTOP);
      break;
    case FaultAction::kDelay:
      absl::SleepFor(plan.delay);
      break;
  }
}

void OnPoint(const std::string& point) {
  const absl::Duration now = absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  const std::string line = EncodePassed({State().process, point, now});
  Append(State().passed, line);
  const std::optional<FaultPlan> plan = Claim(point);
  if (!plan.has_value()) return;
  Append(State().fired, line);
  CarryOut(*plan);
}

}  // namespace

void InstallFaultHook(const std::string& folder, const std::string& process) {
  State() = {folder, process, OpenRecord(PassedPath(folder)), OpenRecord(FiredPath(folder))};
  runtime::SetFaultHook(OnPoint);
}

}  // namespace tam::faults
