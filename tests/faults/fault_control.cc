#include "tests/faults/fault_control.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace tam::faults {
namespace {

constexpr char kProgram[] = "tests/faults/tamd_faulty";

}  // namespace

FaultControl::FaultControl() {
  const char* base = getenv("TEST_TMPDIR");
  folder_ = absl::StrCat(base == nullptr ? "/tmp" : base, "/faults.XXXXXX");
  if (mkdtemp(folder_.data()) == nullptr) {
    perror("faults: mkdtemp");
    abort();
  }
  std::filesystem::create_directory(folder_ + "/plans");
}

testing::StackOptions FaultControl::Obeying(testing::StackOptions options) const {
  options.tamd = kProgram;
  options.environment[""].push_back(absl::StrCat(kFolderVariable, "=", folder_));
  return options;
}

// By a rename, so that no process reads half a plan.
void FaultControl::Plan(const FaultPlan& plan) {
  const std::string beside = folder_ + "/plan.new";
  std::ofstream(beside, std::ios::binary) << EncodePlan(plan);
  std::filesystem::rename(beside, PlanPath(folder_, plan.point));
}

// Records are cut, not removed: processes hold them open.
void FaultControl::Reset() {
  for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/plans")) {
    std::error_code used_up_meanwhile;
    std::filesystem::remove(entry.path(), used_up_meanwhile);
  }
  for (const std::string& path : {PassedPath(folder_), FiredPath(folder_)}) {
    std::ofstream(path, std::ios::binary | std::ios::trunc);
  }
}

std::vector<PointPassed> FaultControl::Passed() const {
  return DecodePassed(testing::ContentOf(PassedPath(folder_)));
}

std::vector<PointPassed> FaultControl::Fired() const {
  return DecodePassed(testing::ContentOf(FiredPath(folder_)));
}

bool FaultControl::AwaitFired(size_t count, absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  while (Fired().size() < count) {
    if (absl::Now() > deadline) return false;
    poll(nullptr, 0, 2);
  }
  return true;
}

}  // namespace tam::faults
