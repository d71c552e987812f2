// The lifecycle of a PSA root of trust and of an Arm CCA platform: RFC 9783 section 4.3.1. The high
// octet counts; the low one is the maker's.
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_LIFECYCLE_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_LIFECYCLE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::psa {

// "0x3003 (secured)".
std::string LifecycleText(uint16_t lifecycle);

// Only "secured" (0x30) affirms the configuration. Debug beside the root of trust (0x40) is warned
// of; every other state is refused, the root of trust's own debug (0x50) among them. Both debug
// states set `debug`. `verdict` has claims; `name` is the claim's.
void JudgeLifecycle(std::string_view name, uint16_t lifecycle, EvidenceVerdict& verdict);

}  // namespace tam::attestation::psa

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_LIFECYCLE_H_
