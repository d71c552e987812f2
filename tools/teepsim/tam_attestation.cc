#include "tools/teepsim/tam_attestation.h"

#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/eat/eat.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr size_t kChallengeSize = 32;

absl::Status Wrong(std::string_view what) {
  return absl::UnauthenticatedError(Concat("evidence of the TAM: ", what));
}

absl::StatusOr<eat::Claims> VerifiedClaims(std::string_view evidence,
                                           const std::vector<keys::PublicKey>& trusted) {
  const auto token = cose::Message::Parse(cbor::AsBytes(evidence), cose::TagRule::kRequired);
  if (!token.ok()) return Wrong(StdView(token.status().message()));
  absl::Status last = Wrong("want a key that verifies it, got none");
  for (const keys::PublicKey& key : trusted) {
    const auto payload = token->Verify(key, cose::AlgorithmPolicy::Strict());
    if (!payload.ok()) {
      last = Wrong(StdView(payload.status().message()));
      continue;
    }
    auto claims = eat::ParseClaims(payload->bytes());
    if (!claims.ok()) return Wrong(StdView(claims.status().message()));
    return claims;
  }
  return last;
}

bool IsOfOurProfile(const std::optional<std::string>& format) {
  if (!format.has_value()) return false;
  const auto type = eat::ParseMediaType(*format);
  if (!type.ok() || type->essence() != "application/eat+cwt") return false;
  const auto profile = type->parameters.find("eat_profile");
  return profile != type->parameters.end() && profile->second == eat::kEvidenceProfile;
}

}  // namespace

std::string NewTamChallenge() {
  std::string challenge(kChallengeSize, '\0');
  secret::RandomSource::System().Fill(
      absl::MakeSpan(reinterpret_cast<uint8_t*>(challenge.data()), challenge.size()));
  return challenge;
}

teep::Error AskForTamAttestation(const teep::QueryRequest& request, std::string_view challenge) {
  teep::Error error;
  error.token = request.token;
  error.err_code = teep::ErrorCode::kAttestationRequired;
  error.err_msg = "want evidence of the TAM";
  error.supported_freshness_mechanisms = {teep::kFreshnessNonce};
  error.challenge = std::string(challenge);
  return error;
}

absl::Status CheckTamEvidence(const teep::QueryRequest& request,
                              const std::vector<keys::PublicKey>& trusted,
                              std::string_view challenge, const keys::Thumbprint& signer) {
  if (!request.attestation_payload.has_value()) return Wrong("want some, got none");
  if (!IsOfOurProfile(request.attestation_payload_format)) {
    return Wrong(Concat("want the format of ", eat::kEvidenceProfile, ", got ",
                        request.attestation_payload_format.value_or("none")));
  }
  TEEPSIM_ASSIGN_OR_RETURN(const eat::Claims claims,
                           VerifiedClaims(*request.attestation_payload, trusted));
  if (claims.profile != eat::kEvidenceProfile) return Wrong("eat_profile: want ours");
  if (claims.nonces.size() != 1 || claims.nonces[0] != challenge) {
    return Wrong("eat_nonce: want the challenge");
  }
  if (!claims.cnf.has_value() || !claims.cnf->Names(signer)) {
    return Wrong("cnf: want the key that signed the message");
  }
  return absl::OkStatus();
}

}  // namespace tam::teepsim
