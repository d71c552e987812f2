// TPM 2.0 quotes, verified: ATTESTATION.md section 8.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_TPM_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_TPM_H_

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Takes:
//   evidence       TPMS_ATTEST
//   signature      TPMT_SIGNATURE, or the bare RSA value (Azure)
//   public_area    of the attestation key (AK): TPMT_PUBLIC or SubjectPublicKeyInfo; empty: that of
//                  the first of `certificates`
//   certificates   of the AK and of those above; or, where collateral "hcl_report" is there, of the
//                  processor (VCEK, ASK)
//   pcrs           each value that is selected; others are passed over, for nothing says that they
//                  are the device's
//   event_log      optional, crypto-agile
//   collateral     "hcl_report": an Azure vTPM's AK vouched for by a SEV-SNP report
//   keys, key_infos, anchors, crls of TrustedInput
//   nonce          the whole of the qualifying data
//
// Authentic: the quote is a TPM's (magic, type), signed by the AK with its own scheme and SHA-2;
// the AK is restricted, as far as its public area is given; the digest is that of the PCR values;
// and the AK is registered, or certified to an anchor for a TPM's use, or in the report of a
// processor that is authentic itself. Refused: qualifying data of less than 8 bytes, no PCR, PCRs
// in SHA-1 alone, an event log that does not lead to the quoted PCRs, a hardware report that does
// not vouch for an AK that is registered, and whatever VerifySnp refuses of one that does. Warned:
// a clock that is not safe.
//
// Claims: instance is the AK's thumbprint in hexadecimal. Measurements: "pcr.sha256.7", and with a
// hardware report "snp.measurement", .... Numbers: clock, reset_count, restart_count,
// firmware_version, "secure_boot" by an event log that holds.
EvidenceVerdict VerifyTpm(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_TPM_H_
