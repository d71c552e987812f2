// Evidence that is right in every claim, to be spoilt by tests.
#ifndef TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_CLAIMS_H_
#define TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_CLAIMS_H_

#include <optional>
#include <string>

#include "crypto/keys/key.h"
#include "teep/eat/eat.h"

namespace tam::attestation {

inline constexpr char kEvidenceFormat[] =
    "application/eat+cwt; eat_profile=\"urn:tamarack:teep-evidence:1\"";

// Of a device whose agent has this key: for a challenge, without times, "tee-os" measured as 32
// times 'g'.
inline eat::Claims EvidenceClaims(const keys::PublicKey& agent, const std::string& challenge) {
  eat::Claims claims;
  claims.cnf = eat::Confirmation{agent, std::nullopt, std::nullopt};
  claims.nonces = {challenge};
  claims.ueid = "\x01" + std::string(16, 'u');
  claims.oemid = "oem";
  claims.hwmodel = "model";
  claims.hwversion = "1.0";
  claims.oemboot = true;
  claims.dbgstat = 3;
  claims.profile = eat::kEvidenceProfile;
  claims.measurements = {eat::EncodeMeasurements({{"tee-os", std::string(32, 'g')}})};
  return claims;
}

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_CLAIMS_H_
