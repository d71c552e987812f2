// The findings of an appraisal as the reasons that a response gives.
#ifndef TAMARACK_SERVICES_ATTESTATION_REASONS_H_
#define TAMARACK_SERVICES_ATTESTATION_REASONS_H_

#include "absl/types/span.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation {

// One reason a finding, in their order, after those that are there.
void AddReasons(absl::Span<const Finding> findings, v1::AppraiseResponse& response);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_REASONS_H_
