#include "services/gateway/outcome.h"

#include "services/runtime/log.h"

namespace tam::gateway {
namespace {

bool IsOrdinary(Outcome outcome) {
  switch (outcome) {
    case Outcome::kQueryRequestSent:
    case Outcome::kUpdateSent:
    case Outcome::kUpdateResent:
    case Outcome::kNothingToDo:
    case Outcome::kReportRecorded:
    case Outcome::kReportRepeated:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::string_view OutcomeCode(Outcome outcome) {
  static constexpr absl::string_view kCodes[] = {
      "query_request_sent",
      "query_budget_exhausted",
      "limited",
      "dropped_malformed",
      "dropped_unknown_key",
      "dropped_key_not_active",
      "dropped_bad_signature",
      "dropped_wrong_type",
      "dropped_token",
      "dropped_used_challenge",
      "dropped_report_nonce",
      "answered_missing_item",
      "answered_version",
      "answered_challenge",
      "refused_by_attestation",
      "update_sent",
      "update_withheld",
      "update_resent",
      "resend_withheld",
      "nothing_to_do",
      "backed_off",
      "report_recorded",
      "report_repeated",
      "report_unknown_token",
      "error_without_token",
      "error_to_query_recorded",
      "tam_certificate_refused",
      "tam_certificate_expired",
      "flagged",
      "failed",
  };
  static_assert(std::size(kCodes) == static_cast<size_t>(Outcome::kCount));
  return kCodes[static_cast<size_t>(outcome)];
}

void OutcomeLog::Record(const OutcomeEvent& event) {
  counts_[static_cast<size_t>(event.outcome)].fetch_add(1, std::memory_order_relaxed);
  const bool failed = event.outcome == Outcome::kFailed;
  const bool ordinary = IsOrdinary(event.outcome);
  if (!ordinary && !(failed ? failures_ : refusals_).TryTake()) return;
  runtime::Log(ordinary ? runtime::Severity::kDebug
               : failed ? runtime::Severity::kWarning
                        : runtime::Severity::kInfo,
               "teep",
               {{"outcome", OutcomeCode(event.outcome)},
                {"endpoint", event.endpoint},
                {"request_id", event.request_id},
                {"detail", event.detail}});
}

}  // namespace tam::gateway
