#include "tools/teepsim/protection.h"

#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/envelope.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

absl::StatusOr<std::string> EncryptFor(const ProtectionOptions& options, std::string plaintext,
                                       std::string_view use) {
  if (!options.tam_key.has_value()) return plaintext;
  return cose::Encrypt(*options.tam_key, cbor::AsBytes(plaintext), options.algorithm, use,
                       secret::RandomSource::System());
}

}  // namespace

absl::StatusOr<cose::ContentAlgorithm> ParseContentAlgorithm(std::string_view name) {
  if (name == "a128ctr") return cose::ContentAlgorithm::kA128Ctr;
  if (name == "a128gcm") return cose::ContentAlgorithm::kA128Gcm;
  if (name == "chacha20") return cose::ContentAlgorithm::kChaCha20Poly1305;
  return absl::InvalidArgumentError(
      Concat("--encrypt: want a128ctr, a128gcm or chacha20, got ", name));
}

absl::Status CheckProfileIsListed(const ProtectionOptions& options, keys::KeyType authentication,
                                  const std::vector<teep::SuitCoseProfile>& listed) {
  if (!options.tam_key.has_value()) return absl::OkStatus();
  const teep::SuitCoseProfile wanted = {
      .digest = suit::kSha256,
      .authentication = authentication == keys::KeyType::kP256 ? cose::kEsp256 : cose::kEd25519,
      .key_exchange = cose::kEcdhEsA128Kw,
      .encryption = static_cast<int64_t>(options.algorithm)};
  if (std::find(listed.begin(), listed.end(), wanted) != listed.end()) return absl::OkStatus();
  return absl::FailedPreconditionError(Concat("the TAM lists no SUIT COSE profile [", wanted.digest,
                                              ", ", wanted.authentication, ", ",
                                              wanted.key_exchange, ", ", wanted.encryption, "]"));
}

absl::StatusOr<std::string> ProtectEvidence(std::string evidence,
                                            const ProtectionOptions& options) {
  return EncryptFor(options, std::move(evidence), cose::kEatEncryption);
}

absl::StatusOr<std::string> ProtectReport(std::string report, const keys::PrivateKey& report_key,
                                          const ProtectionOptions& options) {
  if (options.sign_reports) {
    TEEPSIM_ASSIGN_OR_RETURN(report, cose::Sign1(report_key, cbor::AsBytes(report)));
  }
  return EncryptFor(options, std::move(report), cose::kSuitReportEncryption);
}

}  // namespace tam::teepsim
