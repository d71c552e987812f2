// What a device does to its Evidence and its SUIT reports before they go to a TAM: reports signed
// by a key of their own (draft -26 section 4.5), both encrypted to the TAM (section 8.2).
#ifndef TAMARACK_TOOLS_TEEPSIM_PROTECTION_H_
#define TAMARACK_TOOLS_TEEPSIM_PROTECTION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "teep/message/message.h"

namespace tam::teepsim {

struct ProtectionOptions {
  // The TAM's key for what is encrypted to it; unset: nothing is.
  std::optional<keys::AgreementPublicKey> tam_key;
  cose::ContentAlgorithm algorithm = cose::ContentAlgorithm::kA128Gcm;
  bool sign_reports = false;
};

// "a128ctr", "a128gcm" or "chacha20"; InvalidArgument for another name.
absl::StatusOr<cose::ContentAlgorithm> ParseContentAlgorithm(std::string_view name);

// FailedPrecondition when the device is to encrypt and the TAM does not list the SUIT COSE profile
// that this makes with Evidence and reports signed by a key of that type: nothing is sent in the
// clear instead.
absl::Status CheckProfileIsListed(const ProtectionOptions& options, keys::KeyType authentication,
                                  const std::vector<teep::SuitCoseProfile>& listed);

// Signed Evidence as it goes into attestation-payload.
absl::StatusOr<std::string> ProtectEvidence(std::string evidence, const ProtectionOptions& options);

// An encoded SUIT_Report as it goes into suit-reports: signed, then encrypted.
absl::StatusOr<std::string> ProtectReport(std::string report, const keys::PrivateKey& report_key,
                                          const ProtectionOptions& options);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_PROTECTION_H_
