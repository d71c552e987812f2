// What became of each request, in codes that logs and metrics share (TEEP.md T-63).
#ifndef TAMARACK_SERVICES_GATEWAY_OUTCOME_H_
#define TAMARACK_SERVICES_GATEWAY_OUTCOME_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "services/gateway/clock.h"
#include "services/gateway/limits.h"

namespace tam::gateway {

enum class Outcome {
  kQueryRequestSent,
  kQueryBudgetExhausted,
  kLimited,
  kDroppedMalformed,
  kDroppedUnknownKey,
  kDroppedKeyNotActive,
  kDroppedBadSignature,
  kDroppedWrongType,
  kDroppedToken,
  kDroppedUsedChallenge,
  kDroppedReportNonce,
  kAnsweredMissingItem,
  kAnsweredVersion,
  kAnsweredChallenge,
  kRefusedByAttestation,
  kUpdateSent,
  kUpdateWithheld,
  kUpdateResent,
  kResendWithheld,
  kNothingToDo,
  kBackedOff,
  kReportRecorded,
  kReportRepeated,
  kReportUnknownToken,
  kErrorWithoutToken,
  kErrorToQueryRecorded,
  // A device did not take our certificate, or found it expired; comes before the final outcome, and
  // is for the operator: tamctl key certificate.
  kTamCertificateRefused,
  kTamCertificateExpired,
  kFlagged,  // accepted, though the device breaks a rule; comes before the final outcome
  kFailed,
  kCount,  // not an outcome
};

// "update_sent": the log code, and the metric's label.
absl::string_view OutcomeCode(Outcome outcome);

// Nothing here is a secret, a token or evidence.
struct OutcomeEvent {
  Outcome outcome;
  absl::string_view endpoint;    // path
  absl::string_view request_id;  // the same in every service
  absl::string_view detail;      // reason, claim or digest; may be empty
};

class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  // Thread safe, never blocks for long.
  virtual void Record(const OutcomeEvent& event) = 0;
};

// Counts every event; logs refusals at info and failures as warnings, at most so many lines a
// second each, that what devices do wrong never hides what fails of ours; and the rest at debug.
class OutcomeLog : public OutcomeSink {
 public:
  explicit OutcomeLog(MonotonicClock clock)
      : refusals_({50, 200}, clock), failures_({10, 50}, std::move(clock)) {}
  void Record(const OutcomeEvent& event) override;
  // For a metric with the label OutcomeCode.
  uint64_t count(Outcome outcome) const { return counts_[static_cast<size_t>(outcome)]; }

 private:
  TokenBucket refusals_;
  TokenBucket failures_;
  std::array<std::atomic<uint64_t>, static_cast<size_t>(Outcome::kCount)> counts_{};
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_OUTCOME_H_
