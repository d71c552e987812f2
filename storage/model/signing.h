// Signing keys and challenge roots, private parts wrapped.

#ifndef TAMARACK_STORAGE_MODEL_SIGNING_H_
#define TAMARACK_STORAGE_MODEL_SIGNING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "storage/model/id.h"

namespace tam::storage {

enum class SigningPurpose {
  // TEEP messages of the TAM.
  kTeepMessage,
  // Attestation Results.
  kAttestationResult,
  // Decryption of what devices encrypt for the TAM: an agreement key.
  kTeepDecryption,
  // Evidence of the TAM about itself.
  kTamEvidence,
};

// kRetired: verifies what it signed, signs no more. kDestroyed: the wrapped key is emptied.
// kStandby: made ahead, so that others can learn its public part before it signs.
enum class SigningKeyState { kActive, kRetired, kDestroyed, kStandby };

// Belongs to exactly one tenant.
struct SigningKey {
  TenantId tenant;
  KeyThumbprint thumbprint;
  SigningPurpose purpose = SigningPurpose::kTeepMessage;
  // COSE algorithm number, such as -9 or -19.
  int32_t algorithm = 0;
  // Ciphertext under a key that no database holds.
  Bytes wrapped_private_key;
  // COSE_Key bytes.
  Bytes public_key;
  SigningKeyState state = SigningKeyState::kActive;
  std::optional<absl::Time> not_before;
  std::optional<absl::Time> not_after;
  // Set by the store.
  absl::Time created;
  // Set by the store when it leaves kActive.
  std::optional<absl::Time> retired;
};

// The secret that challenge epoch keys derive from. Of the platform, not of a tenant.
struct ChallengeRoot {
  ChallengeRootId id;
  Bytes wrapped_secret;
  // Set by the store.
  absl::Time created;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_SIGNING_H_
