#include "tests/faults/fault_plan.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace tam::faults {
namespace {
constexpr size_t kPlanFields = 6;
constexpr size_t kPassedFields = 3;
}  // namespace

std::string PlanPath(const std::string& folder, const std::string& point) {
  return absl::StrCat(folder, "/plans/", point);
}

std::string PassedPath(const std::string& folder) { return folder + "/passed"; }
std::string FiredPath(const std::string& folder) { return folder + "/fired"; }

std::string EncodePlan(const FaultPlan& plan) {
  return absl::StrCat(static_cast<int>(plan.action), ",", plan.process, ",", plan.skip, ",",
                      plan.times, ",", plan.other, ",", absl::ToInt64Milliseconds(plan.delay));
}

std::optional<FaultPlan> DecodePlan(const std::string& point, absl::string_view content) {
  const std::vector<absl::string_view> fields = absl::StrSplit(content, ',');
  FaultPlan plan;
  int action = 0;
  int64_t delay_ms = 0;
  if (fields.size() != kPlanFields || !absl::SimpleAtoi(fields[0], &action) ||
      !absl::SimpleAtoi(fields[2], &plan.skip) || !absl::SimpleAtoi(fields[3], &plan.times) ||
      !absl::SimpleAtoi(fields[4], &plan.other) || !absl::SimpleAtoi(fields[5], &delay_ms)) {
    return std::nullopt;
  }
  plan.point = point;
  plan.action = static_cast<FaultAction>(action);
  plan.process = std::string(fields[1]);
  plan.delay = absl::Milliseconds(delay_ms);
  return plan;
}

std::string EncodePassed(const PointPassed& passed) {
  return absl::StrCat(passed.process, " ", passed.point, " ", absl::ToInt64Nanoseconds(passed.at),
                      "\n");
}

std::vector<PointPassed> DecodePassed(absl::string_view content) {
  std::vector<PointPassed> all;
  for (const absl::string_view line : absl::StrSplit(content, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ');
    int64_t at = 0;
    if (fields.size() != kPassedFields || !absl::SimpleAtoi(fields[2], &at)) continue;
    all.push_back({std::string(fields[0]), std::string(fields[1]), absl::Nanoseconds(at)});
  }
  return all;
}

}  // namespace tam::faults
