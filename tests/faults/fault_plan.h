// What a test tells the processes of a TAM to do at fault points (services/runtime/fault_point.h),
// and what they tell it, as files of one folder that all of them share:
//
//   plans/POINT   what is to happen at that point; gone when it is used up
//   passed        a line "PROCESS POINT NANOSECONDS" for each point passed
//   fired         the same for each plan carried out, written before it is
//
// Files outlive a process that is killed at the very next instruction, and need no thread.
#ifndef TAMARACK_TESTS_FAULTS_FAULT_PLAN_H_
#define TAMARACK_TESTS_FAULTS_FAULT_PLAN_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tam::faults {

// Environment of a process: the folder; and its name, which tests/e2e gives to each.
inline constexpr char kFolderVariable[] = "TAM_FAULT_FOLDER";
inline constexpr char kNameVariable[] = "TAM_PROCESS_NAME";

enum class FaultAction {
  kKill,       // SIGKILL to the process that passes the point
  kStop,       // SIGSTOP to it
  kKillOther,  // SIGKILL to process `other` and its children; goes on when none of them runs
  kStopOther,  // SIGSTOP to them
  kDelay,      // waits for `delay`
};

struct FaultPlan {
  std::string point;
  FaultAction action = FaultAction::kKill;
  // Who carries it out: the process of that name; empty: whichever passes.
  std::string process = "";
  // So many passes go by first; then it happens `times` times (0: each time).
  int skip = 0;
  int times = 1;
  pid_t other = -1;
  absl::Duration delay = absl::ZeroDuration();
};

// A point, the process that passed it, and when: by the monotonic clock of this machine.
struct PointPassed {
  std::string process;
  std::string point;
  absl::Duration at;
  bool operator==(const PointPassed&) const = default;
};

std::string PlanPath(const std::string& folder, const std::string& point);
std::string PassedPath(const std::string& folder);
std::string FiredPath(const std::string& folder);

// The content of a plan's file.
std::string EncodePlan(const FaultPlan& plan);
// nullopt: it is none, or used up.
std::optional<FaultPlan> DecodePlan(const std::string& point, absl::string_view content);

std::string EncodePassed(const PointPassed& passed);
std::vector<PointPassed> DecodePassed(absl::string_view content);

}  // namespace tam::faults

#endif  // TAMARACK_TESTS_FAULTS_FAULT_PLAN_H_
