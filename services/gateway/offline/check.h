// What the gateway would do with one message from a device, without a server (`tamctl check`): its
// own engine runs, over services that are played in this process.
#ifndef TAMARACK_SERVICES_GATEWAY_OFFLINE_CHECK_H_
#define TAMARACK_SERVICES_GATEWAY_OFFLINE_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "teep/message/message.h"

namespace tam::gateway {

struct CheckInput {
  // Agent keys that are registered and active, each that of a device. Stands for the look-up.
  std::vector<keys::PublicKey> agent_keys;
  // Whose Attestation Results are believed.
  std::vector<keys::PublicKey> verifier_keys;
  // Report keys that are registered. Empty: none is known, and a protected report is believed as a
  // bare one; otherwise one by another key is flagged.
  std::vector<keys::PublicKey> report_keys;
  // The TAM's own: open what is encrypted for it.
  std::vector<keys::AgreementKey> decrypt_keys;
  // What the TAM sent, which equality alone recognises: neither MAC, expiry nor guard is asked. At
  // most one of the two; a token stands for that of a QueryRequest and of an Update.
  std::optional<std::string> sent_token;
  std::optional<std::string> sent_challenge;
  uint8_t requested = 0;  // data-item-requested of that QueryRequest, bits 0 to 3
  absl::Time at;          // the instant of the judgement
  // kLegacy: as an endpoint of that profile that takes all that one may take (v1.LegacyOptions); a
  // message without kid is tried with each of at most 16 agent keys.
  teep::WireProfile wire = teep::WireProfile::kDraft26;
};

struct CheckResult {
  enum class Verdict {
    kAccept,
    kEvidence,  // accepted as far as can be said without the device's attestation keys
    kFlagged,   // accepted, though it contradicts itself or breaks a rule
    kDrop,
    kAnswer,  // an Update with `err_code`
  };
  Verdict verdict = Verdict::kDrop;
  uint64_t err_code = 0;  // of kAnswer
  std::string reason;     // of kFlagged, kDrop and kAnswer; never empty there
};

// InvalidArgument: `input` contradicts itself. Internal: the engine failed, which is no verdict.
// Thread safe.
absl::StatusOr<CheckResult> CheckMessage(std::string_view message, const CheckInput& input);

// "accept", "accept:evidence", "accept:flagged: R", "drop: R", "answer: err-code N: R".
std::string ToText(const CheckResult& result);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_OFFLINE_CHECK_H_
