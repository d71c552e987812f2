// PSA attestation tokens, verified: RFC 9783, PSA_IOT_PROFILE_1 and http://arm.com/psa/2.0.0
// (TrustZone: TF-M, and OP-TEE where it emits them). ATTESTATION.md section 5.
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_PSA_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_PSA_H_

#include <optional>
#include <string>

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Takes:
//   evidence                the token: COSE_Sign1, or COSE_Mac0 where a key is shared
//   profile                 the token's own, kLegacyProfile for PSA_IOT_PROFILE_1; empty: any
//   certificates            the IAK's chain, where the token's x5chain is empty
//   keys, key_instances     IAKs (P-256, P-384, P-521) that are registered; at most kMaxTriedKeys
//   mac_keys                symmetric IAKs
//   anchors, crls           of IAKs with a chain
//   nonce                   32, 48 or 64 octets, compared whole
//
// Refused: a lifecycle that is not "secured" (that with debug beside the root of trust is warned
// of), a token that says to have no measurements, and a MAC ("mac"): who can verify one can make
// one.
//
// Claims: instance and platform_class are the instance and the implementation id in hexadecimal;
// the key is the device's, but for a MAC. Measurements are the components' (components.h), numbers
// lifecycle, client_is_secure and, of a chain, revocation_checked.
EvidenceVerdict VerifyPsa(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject);

// The instance id that a token claims: to look for its key, and for nothing else, for nothing of it
// is verified. Nullopt where there is none to be read.
std::optional<std::string> UnverifiedPsaInstance(Bytes evidence);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_PSA_H_
