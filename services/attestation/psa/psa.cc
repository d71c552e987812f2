#include "services/attestation/psa/psa.h"

#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/evidence/token.h"
#include "services/attestation/psa/claims.h"
#include "services/attestation/psa/lifecycle.h"

namespace tam::attestation {
namespace {

using psa::Claims;

constexpr int8_t kKnown = 2;          // instance-identity
constexpr int8_t kGenuine = 2;        // hardware
constexpr int8_t kUnrecognised = 33;  // executables

// Is it the answer to this challenge, about the device whose key signed?
std::optional<Finding> CheckBinding(const Claims& claims, const TokenSigner& signer,
                                    const TrustedInput& trusted, const Subject& subject) {
  if (subject.nonce.has_value() && claims.nonce != *subject.nonce) {
    return MakeFinding("nonce", HexText(*subject.nonce), HexText(claims.nonce));
  }
  if (!signer.key.has_value() || !signer.registered) return std::nullopt;
  const auto known = trusted.key_instances.find(signer.key->thumbprint());
  if (known == trusted.key_instances.end() || known->second == claims.instance_id) {
    return std::nullopt;
  }
  return MakeFinding("instance_id", Concat(HexText(known->second), ", whose key signed"),
                     HexText(claims.instance_id));
}

void AddDetails(const Claims& claims, EvidenceClaims& out) {
  out.numbers["client_is_secure"] = claims.client_id > 0 ? 1 : 0;
  out.details["client_id"] = Concat(claims.client_id);
  out.details["profile"] = claims.profile;
  const std::pair<const char*, std::string> optional[] = {
      {"boot_seed", absl::BytesToHexString(claims.boot_seed)},
      {"certification_reference", claims.certification_reference},
      {"verification_service", claims.verification_service}};
  for (const auto& [name, value] : optional) {
    if (!value.empty()) out.details[name] = value;
  }
}

EvidenceVerdict Judge(const Claims& claims, const TokenSigner& signer) {
  EvidenceVerdict verdict;
  EvidenceClaims& out = verdict.claims.emplace();
  out.instance = absl::BytesToHexString(claims.instance_id);
  out.platform_class = absl::BytesToHexString(claims.implementation_id);
  out.key_is_the_devices = signer.key.has_value();
  if (signer.registered) out.key = signer.key->thumbprint();
  AddChain(signer, "", out);
  verdict.trust.instance_identity = kKnown;
  verdict.trust.hardware = kGenuine;
  psa::JudgeLifecycle("lifecycle", claims.lifecycle, verdict);
  psa::AddComponents("", claims.components, out);
  AddDetails(claims, out);
  if (claims.no_measurements) {
    verdict.trust.executables = kUnrecognised;
    verdict.refused.push_back(MakeFinding("software_components", "measurements", "none are made"));
  }
  if (!signer.key.has_value()) {
    verdict.refused.push_back(
        MakeFinding("mac", "a signature (COSE_Sign1)", "COSE_Mac0 by a shared key"));
  }
  return verdict;
}

}  // namespace

EvidenceVerdict VerifyPsa(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject) {
  OrFinding<Token> token = Token::Parse(input.evidence, "");
  if (auto* wrong = std::get_if<Finding>(&token)) {
    return EvidenceVerdict::Unauthentic(std::move(*wrong));
  }
  const Token& parsed = std::get<Token>(token);
  OrFinding<TokenSigner> found = FindSigner(parsed, input, trusted, subject, "");
  if (auto* wrong = std::get_if<Finding>(&found)) {
    return EvidenceVerdict::Unauthentic(std::move(*wrong));
  }
  const TokenSigner& signer = std::get<TokenSigner>(found);
  OrFinding<Claims> read =
      psa::ReadClaims(cbor::AsBytes(parsed.unverified_payload()), input.profile);
  if (auto* wrong = std::get_if<Finding>(&read)) {
    return EvidenceVerdict::Unauthentic(std::move(*wrong));
  }
  const Claims& claims = std::get<Claims>(read);
  if (auto wrong = CheckBinding(claims, signer, trusted, subject); wrong.has_value()) {
    return EvidenceVerdict::Unauthentic(*std::move(wrong));
  }
  return Judge(claims, signer);
}

std::optional<std::string> UnverifiedPsaInstance(Bytes evidence) {
  const OrFinding<Token> token = Token::Parse(evidence, "");
  if (std::holds_alternative<Finding>(token)) return std::nullopt;
  const OrFinding<Claims> claims =
      psa::ReadClaims(cbor::AsBytes(std::get<Token>(token).unverified_payload()), "");
  if (std::holds_alternative<Finding>(claims)) return std::nullopt;
  return std::get<Claims>(claims).instance_id;
}

}  // namespace tam::attestation
