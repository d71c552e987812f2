// Why an attestation key is believed to be a TPM's. Within this room.
#ifndef TAMARACK_SERVICES_ATTESTATION_TPM_KEY_TRUST_H_
#define TAMARACK_SERVICES_ATTESTATION_TPM_KEY_TRUST_H_

#include <optional>
#include <variant>

#include "crypto/verify/verify.h"
#include "services/attestation/evidence/evidence.h"

namespace tam::attestation::tpm {

struct KeyTrust {
  bool registered = false;
  bool certified = false;
  bool revocation_checked = false;
  absl::Time until = absl::InfiniteFuture();  // of the certificates
  // Of a hardware report that vouches for the key.
  std::optional<EvidenceVerdict> hardware;
  // Of a report that does not, for a key that is trusted otherwise.
  std::optional<Finding> doubt;
};

// Or why it is not.
std::variant<KeyTrust, Finding> TrustKey(const verify::Key& key, const EvidenceInput& input,
                                         const TrustedInput& trusted, absl::Time at);

}  // namespace tam::attestation::tpm

#endif  // TAMARACK_SERVICES_ATTESTATION_TPM_KEY_TRUST_H_
