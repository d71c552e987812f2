// The Evidence of a simulated device: an EAT of profile urn:tamarack:teep-evidence:1 as CWT, in a
// COSE_Sign1 by the attestation key.
#ifndef TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_
#define TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "tools/teepsim/device_state.h"

namespace tam::teepsim {

// What a tester changes about the Evidence; unset: the truth.
struct EvidenceFaults {
  std::optional<std::string> nonce;
  std::optional<keys::PrivateKey> key;
  // Whole Evidence to send in place of the device's own.
  std::optional<std::string> replay;
  std::map<std::string, std::string> measurements;  // name -> value, added or replaced
};

// `application/eat+cwt; eat_profile="urn:tamarack:teep-evidence:1"`.
std::string EvidenceFormat();

// `nonce` is the challenge; in the Passport model the token.
absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, std::string_view nonce,
                                         const EvidenceFaults& faults);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_
