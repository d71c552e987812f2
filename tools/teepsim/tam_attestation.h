// What a TAM says about itself to a device that requires it (draft -26 section 7.2.1).
#ifndef TAMARACK_TOOLS_TEEPSIM_TAM_ATTESTATION_H_
#define TAMARACK_TOOLS_TEEPSIM_TAM_ATTESTATION_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "crypto/keys/key.h"
#include "teep/message/message.h"

namespace tam::teepsim {

// A fresh challenge for the TAM.
std::string NewTamChallenge();

// ERR_ATTESTATION_REQUIRED with nonces as the freshness mechanism and that challenge.
teep::Error AskForTamAttestation(const teep::QueryRequest& request, std::string_view challenge);

// OK when the request bears Evidence of our profile, signed by one of `trusted`, with the challenge
// as its nonce, that names the key which signed the request (`signer`). Unauthenticated says what
// is wrong.
absl::Status CheckTamEvidence(const teep::QueryRequest& request,
                              const std::vector<keys::PublicKey>& trusted,
                              std::string_view challenge, const keys::Thumbprint& signer);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_TAM_ATTESTATION_H_
