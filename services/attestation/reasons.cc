#include "services/attestation/reasons.h"

namespace tam::attestation {

void AddReasons(absl::Span<const Finding> findings, v1::AppraiseResponse& response) {
  for (const Finding& finding : findings) {
    v1::Reason& reason = *response.add_reasons();
    reason.set_claim(finding.claim);
    reason.set_expected(finding.expected);
    reason.set_found(finding.found);
  }
}

}  // namespace tam::attestation
