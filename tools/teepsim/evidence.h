// The Evidence of a simulated device: an EAT of profile urn:tamarack:teep-evidence:1 as CWT, in a
// COSE_Sign1 by the attestation key; and the Attestation Result that a Verifier would make of it.
#ifndef TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_
#define TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
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

// What makes it fresh (draft -26 section 9): a nonce, or who it is for and when it was made.
struct Freshness {
  std::optional<std::string> nonce =
      std::nullopt;  // the challenge; for the Passport model the token
  std::optional<std::string> audience = std::nullopt;
  std::optional<absl::Time> issued_at = std::nullopt;  // whole seconds of it
};

absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, const Freshness& freshness,
                                         const EvidenceFaults& faults);
absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, std::string_view nonce,
                                         const EvidenceFaults& faults);

// A result of the TEEP profile (section 5), signed by the Verifier's key; `token` is its nonce. Its
// media type is the one that goes without saying.
absl::StatusOr<std::string> MakeAttestationResult(const DeviceState& state, std::string_view token,
                                                  const keys::PrivateKey& verifier);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_EVIDENCE_H_
