// The hook that a process of tests/faults sets: looks at each point for a plan and carries it out.
#ifndef TAMARACK_TESTS_FAULTS_FAULT_HOOK_H_
#define TAMARACK_TESTS_FAULTS_FAULT_HOOK_H_

#include <string>

namespace tam::faults {

// Sets the hook of this process, which obeys the plans of `folder` under the name `process`. Once,
// before any other thread runs.
void InstallFaultHook(const std::string& folder, const std::string& process);

}  // namespace tam::faults

#endif  // TAMARACK_TESTS_FAULTS_FAULT_HOOK_H_
