// Signing keys and challenge roots, private parts wrapped.

#ifndef TAMARACK_STORAGE_MODEL_SIGNING_H_
#define TAMARACK_STORAGE_MODEL_SIGNING_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

// A certificate chain of a signing key, for peers that trust an authority rather than the key.
struct KeyCertificate {
  TenantId tenant;
  KeyThumbprint key;
  // Set by the store: 0, 1, ... of the key in the order in which they were added.
  int32_t position = 0;
  // DER, the leaf first.
  std::vector<Bytes> chain;
  // When all of the chain is valid, both ends included.
  absl::Time not_before;
  absl::Time not_after;
  // Set by the store.
  absl::Time created;
};

// Chains of one key at a time.
inline constexpr int kMaxKeyCertificates = 4;

// Of a key that signs, or will.
constexpr bool MayBeCertified(SigningKeyState state) {
  return state == SigningKeyState::kActive || state == SigningKeyState::kStandby;
}

// The refusals of SigningStore::AddCertificate, the same in every store.
inline absl::Status SignsNoMore() {
  return absl::FailedPreconditionError("signing-key.state: want active or standby");
}
inline absl::Status TooManyCertificates() {
  return absl::ResourceExhaustedError("key-certificates: want at most 4 of one key, got more");
}

// The secret that challenge epoch keys derive from. Of the platform, not of a tenant.
struct ChallengeRoot {
  ChallengeRootId id;
  Bytes wrapped_secret;
  // Set by the store.
  absl::Time created;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_SIGNING_H_
