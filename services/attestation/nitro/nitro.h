// Attestation documents of AWS Nitro Enclaves, verified: ATTESTATION.md section 9.
#ifndef TAMARACK_SERVICES_ATTESTATION_NITRO_NITRO_H_
#define TAMARACK_SERVICES_ATTESTATION_NITRO_NITRO_H_

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Takes:
//   evidence    the document, which bears its chain
//   anchors     the root of AWS; crls of those that issue
//   nonce       the whole of the document's nonce
//
// Authentic: the chain holds at `at` (the leaf lives for three hours, so that is when the document
// came), its root is an anchor, the leaf's key is P-384 and signed with ES384. Refused: a debug
// enclave (PCR 0, 1 and 2 all zero), one without these PCRs, a document from the future.
//
// Claims: instance is the module id, of one enclave while it runs; the key is that enclave's, and
// not kept. Measurements "pcr0" ... . Numbers: "timestamp" (milliseconds). Details: "public_key"
// and "user_data" in hexadecimal, whole: the first is where an agent's COSE_Key is bound.
EvidenceVerdict VerifyNitro(const EvidenceInput& input, const TrustedInput& trusted,
                            const Subject& subject);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_NITRO_NITRO_H_
