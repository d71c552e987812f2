// A test's side of the fault points: plans faults, and reads which points were passed.
#ifndef TAMARACK_TESTS_FAULTS_FAULT_CONTROL_H_
#define TAMARACK_TESTS_FAULTS_FAULT_CONTROL_H_

#include <string>
#include <vector>

#include "tests/e2e/tam_processes.h"
#include "tests/faults/fault_plan.h"

namespace tam::faults {

// Thread safe.
class FaultControl {
 public:
  // Makes a fresh folder of the test's temporary one. Ends the test process where it cannot.
  FaultControl();

  // The same stack with processes that obey: the program tests/faults/tamd_faulty.
  testing::StackOptions Obeying(testing::StackOptions options) const;

  // From the next pass of `plan.point` on; replaces the plan for that point.
  void Plan(const FaultPlan& plan);
  // Drops all plans, and forgets what was passed and fired.
  void Reset();

  // In the order of their passing.
  std::vector<PointPassed> Passed() const;
  std::vector<PointPassed> Fired() const;
  // Waits at most `timeout` until so many have fired; false when the time came first.
  bool AwaitFired(size_t count, absl::Duration timeout) const;

  const std::string& folder() const { return folder_; }

 private:
  std::string folder_;
};

}  // namespace tam::faults

#endif  // TAMARACK_TESTS_FAULTS_FAULT_CONTROL_H_
