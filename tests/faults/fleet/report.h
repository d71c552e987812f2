// What a fault did, for faults.json. `tools/faults` collects what the tests write here.
#ifndef TAMARACK_TESTS_FAULTS_FLEET_REPORT_H_
#define TAMARACK_TESTS_FAULTS_FLEET_REPORT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/faults/fleet/fleet.h"

namespace tam::testing {

struct FaultResult {
  std::string name;
  // The fault points at which it struck in one session (services/runtime/fault_point.h); empty: it
  // did not strike at points. Faults of one name may differ in them.
  std::vector<std::string> points = {};
  int64_t runs = 1;
  // Completed sessions before the fault, while it lasted, and after it.
  int64_t sessions_before = 0;
  int64_t sessions_during = 0;
  int64_t sessions_after = 0;
  // What devices saw from the fault's beginning on, by kind; repeating the message mended each,
  // unless the device gave the session up.
  std::map<std::string, int64_t> device_errors = {};
  int64_t sessions_given_up = 0;
  // From the fault's beginning to the end of the first completed session that began after it, and
  // to the first second in which devices completed 90 % of what they did in a second before it.
  // Unset: it did not happen.
  std::optional<absl::Duration> to_first_session = std::nullopt;
  std::optional<absl::Duration> to_full_rate = std::nullopt;
  int64_t ledger_differences = 0;
};

// Of several runs of one fault: sums, and the longest times; unset where one run has none.
FaultResult Merge(const FaultResult& a, const FaultResult& b);

// The JSON object of one fault; the names of its members are the field's, times in seconds.
std::string ToJson(const FaultResult& result);

// Writes it into a file of its own, by name and first point, in the folder that TAM_FAULTS_REPORT
// names; does nothing where that is unset. Internal when the file cannot be written.
absl::Status SaveFaultResult(const FaultResult& result);

// The minutes that tools/faults grants each scenario (TAM_FAULTS_MINUTES); zero: the short form.
absl::Duration LongForm();

// The two times, from completed sessions and the moments when the fault began and ended. The rate
// before is that of the sessions that ended in [measured_from, fault_begin).
struct FaultTimes {
  absl::Duration measured_from;
  absl::Duration fault_begin;
  absl::Duration fault_end;
};
void AddRecovery(const std::vector<Completion>& completions, const FaultTimes& times,
                 FaultResult& result);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_FLEET_REPORT_H_
