// AMD SEV-SNP attestation reports, verified: ATTESTATION.md section 7.
#ifndef TAMARACK_SERVICES_ATTESTATION_SNP_SNP_H_
#define TAMARACK_SERVICES_ATTESTATION_SNP_SNP_H_

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Takes:
//   evidence                the report, 1184 bytes, versions 2, 3 and 5
//   certificates            VCEK or VLEK, then ASK or ASVK, and the ARK where it is wanted; where
//                           there are none, collateral "vcek" (or "vlek") and "ask" (or "asvk") of
//                           TrustedInput, DER
//   anchors                 ARKs (or ASKs); crls: of those that issue
//   nonce                   the whole of report data, 64 bytes
//
// Authentic: the chain holds at `at`, the product of the certificates is the report's, the signer
// named in the report is the kind of certificate, the report's TCB and chip are the certificate's,
// and the signature is the certificate's. Refused: debug, VMPL 0xffffffff (made by the host), bit
// 17 of the policy clear, a TCB that is reported above the one that runs. Warned: a migration agent
// allowed, bits of the policy that are unknown.
//
// Claims: instance is the chip id in hexadecimal, empty where it is masked or where a VLEK signed;
// the key is never the device's own, for all guests of a host share it. Measurements: measurement,
// host_data, id_key_digest, author_key_digest. Numbers: guest_svn, vmpl, policy.*, platform.*, and
// the parts of each TCB ("reported_tcb.microcode"), of which minima are a policy's business.
EvidenceVerdict VerifySnp(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_SNP_SNP_H_
