#include "services/attestation/eat/verifier.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "services/attestation/eat/claim_checks.h"

namespace tam::attestation {
namespace {

std::string_view View(const keys::Thumbprint& thumbprint) {
  return {reinterpret_cast<const char*>(thumbprint.data()), thumbprint.size()};
}

// Ends an appraisal before anything in the token is believed.
Appraisal Unauthentic(std::string_view claim, std::string_view expected, std::string_view found) {
  Appraisal appraisal;
  appraisal.findings.push_back(MakeFinding(claim, expected, found));
  appraisal.trust = TrustVector::CryptoFailed();
  return appraisal;
}

std::string Text(const absl::Status& status) { return std::string(StdView(status.message())); }

absl::StatusOr<cose::Message> ParseToken(eat::Bytes payload) {
  if (payload.size() > kMaxEvidenceBytes) {
    return absl::InvalidArgumentError(
        Concat("want at most ", kMaxEvidenceBytes, " bytes, got ", payload.size()));
  }
  auto token = cose::Message::Parse(eat::StripCwtTag(payload), cose::TagRule::kRequired);
  if (!token.ok()) return token.status();
  if (token->structure() != cose::Structure::kSign1) {
    return absl::InvalidArgumentError("want COSE_Sign1, got another COSE structure");
  }
  if (!token->unverified_payload().has_value()) {
    return absl::InvalidArgumentError("want a payload, got a detached one");
  }
  return token;
}

std::string Fingerprints(const std::vector<keys::PublicKey>& keys) {
  if (keys.empty()) return "none registered";
  std::vector<std::string> texts;
  for (const keys::PublicKey& key : keys) texts.push_back(keys::ThumbprintHex(key.thumbprint()));
  return absl::StrJoin(texts, " or ");
}

// Verifies by the key that the kid names, or, where the kid is absent or no thumbprint, by any.
// The finding names the key that was wanted and the one that was used.
absl::StatusOr<cose::VerifiedPayload> Authenticate(const cose::Message& token,
                                                   const std::vector<keys::PublicKey>& keys,
                                                   Finding& finding) {
  constexpr size_t kThumbprintSize = 32;
  const std::optional<std::string>& kid = token.signers()[0].kid;
  const bool names_key = kid.has_value() && kid->size() == kThumbprintSize;
  absl::Status failure = absl::UnauthenticatedError("no registered key");
  bool tried = false;
  for (const keys::PublicKey& key : keys) {
    if (names_key && View(key.thumbprint()) != *kid) continue;
    tried = true;
    auto payload = token.Verify(key, cose::AlgorithmPolicy::WithOlderNumbers());
    if (payload.ok()) return payload;
    failure = payload.status();
  }
  const std::string found =
      names_key && !tried ? Concat("signed by key ", HexText(*kid)) : Text(failure);
  finding = MakeFinding("signature", Concat("by key ", Fingerprints(keys)), found);
  return failure;
}

// Parse, authenticate, read claims: what evidence and results have in common. Appends nothing on
// success; otherwise `ended` is the whole answer.
std::optional<eat::Claims> ReadAuthentic(eat::Bytes payload,
                                         const std::vector<keys::PublicKey>& keys,
                                         Appraisal& ended) {
  auto token = ParseToken(payload);
  if (!token.ok()) {
    ended = Unauthentic("attestation-payload", "EAT in COSE_Sign1 (tag 18)", Text(token.status()));
    return std::nullopt;
  }
  Finding finding;
  auto verified = Authenticate(*token, keys, finding);
  if (!verified.ok()) {
    ended = Unauthentic("", "", "");
    ended.findings = {std::move(finding)};
    return std::nullopt;
  }
  auto claims = eat::ParseClaims(verified->bytes());
  if (!claims.ok()) {
    ended = Unauthentic("claims", "a strict EAT claims set", Text(claims.status()));
    return std::nullopt;
  }
  return *std::move(claims);
}

// The eat_profile of the media type when it is one of `profiles`.
absl::StatusOr<std::string> SelectProfile(const std::string& format,
                                          const std::vector<std::string>& profiles) {
  auto media_type = eat::ParseMediaType(format);
  if (!media_type.ok()) return media_type.status();
  const auto profile = media_type->parameters.find("eat_profile");
  if (media_type->essence() == "application/eat+cwt" && media_type->parameters.size() == 1 &&
      profile != media_type->parameters.end()) {
    for (const std::string& accepted : profiles) {
      if (profile->second == accepted) return accepted;
    }
  }
  return absl::InvalidArgumentError(format);
}

}  // namespace

Appraisal AppraiseEvidence(const std::string& format, eat::Bytes payload,
                           const EvidencePolicy& policy, const Expectations& expected) {
  auto profile = SelectProfile(format, policy.profiles);
  if (!profile.ok()) {
    return Unauthentic("attestation-payload-format",
                       Concat("application/eat+cwt; eat_profile=\"",
                              absl::StrJoin(policy.profiles, "\" or \""), "\""),
                       format);
  }
  Appraisal appraisal;
  auto claims = ReadAuthentic(payload, policy.keys, appraisal);
  if (!claims.has_value()) return appraisal;
  ClaimChecker checker(*claims, expected);
  checker.Profile(*profile, Presence::kRequired);
  checker.Times();
  checker.Freshness();
  checker.Binding();
  checker.Identity();
  checker.DebugState();
  if (policy.measurements == MeasurementRule::kReferenceValues) {
    checker.Measurements(policy.reference_values);
  }
  appraisal = std::move(checker).Finish();
  appraisal.claims = *std::move(claims);
  return appraisal;
}

Appraisal AppraiseResult(const std::optional<std::string>& format, eat::Bytes payload,
                         const ResultPolicy& policy, const Expectations& expected) {
  if (policy.profiles.empty()) {
    return Unauthentic("attestation-payload-format", "no result profile is accepted",
                       format.value_or("absent"));
  }
  std::string profile = policy.profiles.front();
  if (format.has_value()) {
    auto selected = SelectProfile(*format, policy.profiles);
    if (!selected.ok()) {
      return Unauthentic("attestation-payload-format", policy.profiles.front(), *format);
    }
    profile = *std::move(selected);
  }
  if (policy.verifiers.empty()) {
    return Unauthentic("verifier", "a verifier whose results the tenant accepts",
                       "none is registered; send evidence");
  }
  Appraisal appraisal;
  auto claims = ReadAuthentic(payload, policy.verifiers, appraisal);
  if (!claims.has_value()) return appraisal;
  ClaimChecker checker(*claims, expected);
  checker.Profile(profile, Presence::kOptional);
  checker.Times();
  checker.Freshness();
  checker.Binding();
  checker.Identity();
  checker.Manifests();
  checker.ResultTrust();
  appraisal = std::move(checker).Finish();
  appraisal.claims = *std::move(claims);
  return appraisal;
}

ClassId ClassOf(const eat::Claims& claims) {
  ClassId out;
  out.hwmodel = claims.hwmodel.value_or("");
  out.oemid = claims.oemid.value_or("");
  uint32_t pen = 0;
  if (claims.oemid_is_pen && absl::SimpleAtoi(out.oemid, &pen)) {
    out.oemid.clear();
    for (int shift = 24; shift >= 0; shift -= 8) {
      out.oemid += static_cast<char>(pen >> shift & 0xff);
    }
  }
  return out;
}

absl::StatusOr<ClassId> ClaimedClass(eat::Bytes payload) {
  auto token = ParseToken(payload);
  if (!token.ok()) return token.status();
  auto claims = eat::ParseClaims(cbor::AsBytes(*token->unverified_payload()));
  if (!claims.ok()) return claims.status();
  return ClassOf(*claims);
}

}  // namespace tam::attestation
