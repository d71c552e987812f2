// What an authentic quote says, and what a policy without exceptions finds wrong with it. Within
// this room.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_CLAIMS_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_CLAIMS_H_

#include "services/attestation/dcap/platform.h"
#include "services/attestation/dcap/quote.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::dcap {

// Of a quote all of whose signatures and bindings are right.
EvidenceVerdict Judge(const Quote& quote, const VerifiedPlatform& platform);

}  // namespace tam::attestation::dcap

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_CLAIMS_H_
