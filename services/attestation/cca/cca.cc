#include "services/attestation/cca/cca.h"

#include <utility>
#include <variant>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/cca/claims.h"
#include "services/attestation/cca/wrapper.h"
#include "services/attestation/psa/lifecycle.h"

namespace tam::attestation {
namespace {

using cca::PlatformClaims;
using cca::RealmClaims;

constexpr int8_t kKnown = 2;    // instance-identity
constexpr int8_t kGenuine = 2;  // hardware

struct Authentic {
  TokenSigner platform_signer;
  PlatformClaims platform;
  RealmClaims realm;
};

Bytes PayloadOf(const Token& token) { return cbor::AsBytes(token.unverified_payload()); }

std::optional<Finding> CheckInstance(const PlatformClaims& claims, const TokenSigner& signer,
                                     const TrustedInput& trusted) {
  if (!signer.registered) return std::nullopt;
  const auto known = trusted.key_instances.find(signer.key->thumbprint());
  if (known == trusted.key_instances.end() || known->second == claims.instance_id) {
    return std::nullopt;
  }
  return MakeFinding("platform.instance_id", Concat(HexText(known->second), ", whose key signed"),
                     HexText(claims.instance_id));
}

// The realm's claims, once the platform vouches for the key that signed them.
OrFinding<RealmClaims> AuthenticateRealm(const Token& realm, const PlatformClaims& platform) {
  const OrFinding<cca::RealmKey> read = cca::ReadRealmKey(PayloadOf(realm));
  if (const auto* wrong = std::get_if<Finding>(&read)) return *wrong;
  const cca::RealmKey& key = std::get<cca::RealmKey>(read);
  const std::string digest = verify::Digest(key.hash, cbor::AsBytes(key.carried));
  if (digest != platform.challenge) {
    return MakeFinding("binding",
                       Concat("the platform's challenge ", HexText(platform.challenge),
                              " as digest of the realm's key"),
                       HexText(digest));
  }
  if (auto wrong = realm.Verify(key.key); wrong.has_value()) return *std::move(wrong);
  return cca::ReadRealmClaims(PayloadOf(realm));
}

OrFinding<Authentic> Authenticate(const EvidenceInput& input, const TrustedInput& trusted,
                                  const Subject& subject) {
  const OrFinding<cca::Parts> unwrapped = cca::Unwrap(input.evidence, input.profile);
  if (const auto* wrong = std::get_if<Finding>(&unwrapped)) return *wrong;
  const cca::Parts& parts = std::get<cca::Parts>(unwrapped);
  OrFinding<TokenSigner> signer = FindSigner(parts.platform, input, trusted, subject, "platform.");
  if (const auto* wrong = std::get_if<Finding>(&signer)) return *wrong;
  OrFinding<PlatformClaims> platform = cca::ReadPlatformClaims(PayloadOf(parts.platform));
  if (const auto* wrong = std::get_if<Finding>(&platform)) return *wrong;
  Authentic authentic{std::get<TokenSigner>(std::move(signer)),
                      std::get<PlatformClaims>(std::move(platform)), RealmClaims()};
  auto wrong_instance = CheckInstance(authentic.platform, authentic.platform_signer, trusted);
  if (wrong_instance.has_value()) return *std::move(wrong_instance);
  OrFinding<RealmClaims> realm = AuthenticateRealm(parts.realm, authentic.platform);
  if (const auto* wrong = std::get_if<Finding>(&realm)) return *wrong;
  authentic.realm = std::get<RealmClaims>(std::move(realm));
  if (subject.nonce.has_value() && authentic.realm.challenge != *subject.nonce) {
    return MakeFinding("realm.challenge", HexText(*subject.nonce),
                       HexText(authentic.realm.challenge));
  }
  return authentic;
}

void AddRealm(const RealmClaims& realm, EvidenceClaims& out) {
  out.measurements["rim"] = realm.initial;
  for (size_t i = 0; i < realm.extensible.size(); ++i) {
    out.measurements[Concat("rem", i)] = realm.extensible[i];
  }
  out.measurements["personalization"] = realm.personalization;
  out.details["realm.hash_algorithm"] = realm.hash;
  out.details["realm.profile"] = realm.profile.empty() ? "legacy" : realm.profile;
}

EvidenceVerdict Judge(const Authentic& authentic) {
  const PlatformClaims& platform = authentic.platform;
  EvidenceVerdict verdict;
  EvidenceClaims& out = verdict.claims.emplace();
  out.instance = absl::BytesToHexString(platform.instance_id);
  out.platform_class = absl::BytesToHexString(platform.implementation_id);
  if (authentic.platform_signer.registered) {
    out.key = authentic.platform_signer.key->thumbprint();
  }
  AddChain(authentic.platform_signer, "platform.", out);
  verdict.trust.instance_identity = kKnown;
  verdict.trust.hardware = kGenuine;
  psa::JudgeLifecycle("platform.lifecycle", platform.lifecycle, verdict);
  psa::AddComponents("platform.", platform.components, out);
  out.details["platform.profile"] = platform.profile;
  out.details["platform.config"] = absl::BytesToHexString(platform.config);
  if (!platform.verification_service.empty()) {
    out.details["platform.verification_service"] = platform.verification_service;
  }
  AddRealm(authentic.realm, out);
  return verdict;
}

}  // namespace

EvidenceVerdict VerifyCca(const EvidenceInput& input, const TrustedInput& trusted,
                          const Subject& subject) {
  OrFinding<Authentic> authentic = Authenticate(input, trusted, subject);
  if (auto* wrong = std::get_if<Finding>(&authentic)) {
    return EvidenceVerdict::Unauthentic(std::move(*wrong));
  }
  return Judge(std::get<Authentic>(authentic));
}

std::optional<std::string> UnverifiedCcaInstance(Bytes evidence) {
  const OrFinding<cca::Parts> parts = cca::Unwrap(evidence, "");
  if (std::holds_alternative<Finding>(parts)) return std::nullopt;
  const OrFinding<PlatformClaims> claims =
      cca::ReadPlatformClaims(PayloadOf(std::get<cca::Parts>(parts).platform));
  if (std::holds_alternative<Finding>(claims)) return std::nullopt;
  return std::get<PlatformClaims>(claims).instance_id;
}

}  // namespace tam::attestation
