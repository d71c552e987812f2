// A status "claim: want X, got Y", as everything here says it, as a finding.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_FAULT_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_FAULT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "services/attestation/eat/appraisal.h"

namespace tam::attestation::dcap {

// `prefix` goes before the claim. A status of another form becomes what was found, of `prefix`.
Finding FindingOf(std::string_view prefix, const absl::Status& status);

// "claim: want X, got Y", Unauthenticated.
absl::Status Fault(std::string_view claim, std::string_view want, std::string_view got);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_FAULT_H_
