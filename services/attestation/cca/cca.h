// Arm CCA tokens, verified: a realm (confidential guest) and the platform that vouches for it.
// ATTESTATION.md section 10.
#ifndef TAMARACK_SERVICES_ATTESTATION_CCA_CCA_H_
#define TAMARACK_SERVICES_ATTESTATION_CCA_CCA_H_

#include <optional>
#include <string>

#include "services/attestation/evidence/evidence.h"

namespace tam::attestation {

// Takes:
//   evidence                an EAT collection (tag 399) or a CMW collection (tag 907) of two tokens
//   profile                 "http://arm.com/CCA-SSD/1.0.0": the EAT collection; empty: either
//   certificates            the CPAK's chain, where the platform token's x5chain is empty
//   keys, key_instances     CPAKs that are registered; at most kMaxTriedKeys
//   anchors, crls           of CPAKs with a chain
//   nonce                   the realm's challenge, 64 octets, compared whole
//
// Authentic: the platform token is signed by its CPAK, its challenge is the digest of the realm's
// key as the realm token carries it ("binding"), and the realm token is signed by that key. Refused
// and warned of: lifecycles of the platform (psa/lifecycle.h).
//
// Claims: instance and platform_class are the platform's instance and implementation id in
// hexadecimal; the key is never the device's own, for all realms of a platform share it.
// Measurements: rim, rem0..rem3, personalization, and the platform's components after "platform.".
// Numbers: platform.lifecycle and, of a chain, platform.revocation_checked.
EvidenceVerdict VerifyCca(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject);

// The platform's instance id: to look for its key, and for nothing else, for nothing of it is
// verified. Nullopt where there is none to be read.
std::optional<std::string> UnverifiedCcaInstance(Bytes evidence);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_CCA_CCA_H_
