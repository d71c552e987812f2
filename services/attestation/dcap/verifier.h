// Intel SGX quotes (version 3; versions 4 and 5 of TEE type SGX) and Intel TDX quotes (versions 4
// and 5), as ATTESTATION.md section 6 has them. Pure: no clock, no network; thread safe.
//
// Collateral by name, in TrustedInput or beside the evidence: "tcb_info" and "qe_identity" (JSON as
// Intel signs it), "tcb_info_issuer_chain" and "qe_identity_issuer_chain" (PEM), "pck_crl" and
// "root_ca_crl" (DER), and "pck_chain" (PEM) for quotes that bear a clear PPID in its stead. What
// is missing leaves authentic evidence, whose TCB is unknown, refused by default.
//
// Nonce: the 64 octets of report data, all of them.
//
// No byte of a quote or of collateral can be changed without refusal. What can be added without it:
// zeros at the end of a version 4 quote (guests hand over whole buffers), and one NUL or the last
// line end of the PEM chain; quote bytes are therefore no key against replays.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFIER_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFIER_H_

#include <string>

#include "absl/status/statusor.h"
#include "services/attestation/dcap/platform.h"
#include "services/attestation/dcap/platform_cache.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Every time from the start: nine signatures, where all collateral is there.
EvidenceVerdict VerifySgx(const EvidenceInput& evidence, const TrustedInput& trusted,
                          const Subject& subject);
EvidenceVerdict VerifyTdx(const EvidenceInput& evidence, const TrustedInput& trusted,
                          const Subject& subject);

// The warm path: one signature for a platform that `cache` holds. The same verdicts.
EvidenceVerdict VerifySgx(const EvidenceInput& evidence, const dcap::Trust& trust,
                          const Subject& subject, dcap::PlatformCache& cache);
EvidenceVerdict VerifyTdx(const EvidenceInput& evidence, const dcap::Trust& trust,
                          const Subject& subject, dcap::PlatformCache& cache);

namespace dcap {

// Whose collateral a quote needs, from what it says of itself: to look it up by, and for nothing
// else, for none of it is verified.
struct CollateralKey {
  std::string fmspc;  // 12 hexadecimal digits in lower case
  std::string ca;     // "processor", "platform"
  Tee tee = Tee::kSgx;
};
// InvalidArgument or Unauthenticated when it cannot be read.
absl::StatusOr<CollateralKey> UnverifiedCollateralKey(const EvidenceInput& evidence);

}  // namespace dcap
}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFIER_H_
