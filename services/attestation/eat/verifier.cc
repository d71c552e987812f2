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

// The kid, where it may be a thumbprint.
std::optional<std::string> NamedKey(const cose::Message& token) {
  constexpr size_t kThumbprintSize = 32;
  const std::optional<std::string>& kid = token.signers()[0].kid;
  return kid.has_value() && kid->size() == kThumbprintSize ? kid : std::nullopt;
}

// Verifies by the key that the kid names, or, where the kid is absent or no thumbprint, by any.
// The finding names the key that was wanted and the one that was used.
absl::StatusOr<cose::VerifiedPayload> Verify(const cose::Message& token,
                                             const std::vector<keys::PublicKey>& keys,
                                             Finding& finding) {
  const std::optional<std::string> kid = NamedKey(token);
  absl::Status failure = absl::UnauthenticatedError("no registered key");
  bool tried = false;
  for (const keys::PublicKey& key : keys) {
    if (kid.has_value() && View(key.thumbprint()) != *kid) continue;
    tried = true;
    auto payload = token.Verify(key, cose::AlgorithmPolicy::WithOlderNumbers());
    if (payload.ok()) return payload;
    failure = payload.status();
  }
  const std::string found =
      kid.has_value() && !tried ? Concat("signed by key ", HexText(*kid)) : Text(failure);
  finding = MakeFinding("signature", Concat("by key ", Fingerprints(keys)), found);
  return failure;
}

// The token, or nullopt where it is none: then `ended` is the whole answer.
std::optional<cose::Message> ReadToken(eat::Bytes payload, Appraisal& ended) {
  auto token = ParseToken(payload);
  if (token.ok()) return *std::move(token);
  ended = Unauthentic("attestation-payload", "EAT in COSE_Sign1 (tag 18)", Text(token.status()));
  return std::nullopt;
}

std::optional<eat::Claims> ReadClaims(eat::Bytes bytes, Appraisal& ended) {
  auto claims = eat::ParseClaims(bytes);
  if (claims.ok()) return *std::move(claims);
  ended = Unauthentic("claims", "a strict EAT claims set", Text(claims.status()));
  return std::nullopt;
}

// What evidence and results have in common: the claims of a token that one of `keys` signed.
// Nullopt: `ended` is the whole answer.
std::optional<eat::Claims> Authenticate(const cose::Message& token,
                                        const std::vector<keys::PublicKey>& keys,
                                        Appraisal& ended) {
  Finding finding;
  auto verified = Verify(token, keys, finding);
  if (verified.ok()) return ReadClaims(verified->bytes(), ended);
  ended = Unauthentic("", "", "");
  ended.findings = {std::move(finding)};
  return std::nullopt;
}

// The same where whoever may have signed, but a key of `known` that the token names: then its
// signature must be that key's.
std::optional<eat::Claims> AuthenticateIfKnown(const cose::Message& token,
                                               const std::vector<keys::PublicKey>& known,
                                               Appraisal& ended) {
  const std::optional<std::string> kid = NamedKey(token);
  for (const keys::PublicKey& key : known) {
    if (kid == View(key.thumbprint())) return Authenticate(token, {key}, ended);
  }
  return ReadClaims(cbor::AsBytes(*token.unverified_payload()), ended);
}

std::optional<eat::Claims> ReadAuthentic(eat::Bytes payload,
                                         const std::vector<keys::PublicKey>& keys,
                                         Appraisal& ended) {
  const auto token = ReadToken(payload, ended);
  return token.has_value() ? Authenticate(*token, keys, ended) : std::nullopt;
}

// The eat_profile of "application/eat+cwt; eat_profile=...", which has no other parameter.
absl::StatusOr<std::string> ProfileOf(const std::string& format) {
  auto media_type = eat::ParseMediaType(format);
  if (!media_type.ok()) return media_type.status();
  const auto profile = media_type->parameters.find("eat_profile");
  if (media_type->essence() == "application/eat+cwt" && media_type->parameters.size() == 1 &&
      profile != media_type->parameters.end()) {
    return profile->second;
  }
  return absl::InvalidArgumentError(format);
}

// That of the media type when it is one of `profiles`.
absl::StatusOr<std::string> SelectProfile(const std::string& format,
                                          const std::vector<std::string>& profiles) {
  auto profile = ProfileOf(format);
  if (!profile.ok()) return profile.status();
  for (const std::string& accepted : profiles) {
    if (*profile == accepted) return accepted;
  }
  return absl::InvalidArgumentError(format);
}

Appraisal UnknownFormat(std::string_view profiles, const std::string& format) {
  return Unauthentic("attestation-payload-format",
                     Concat("application/eat+cwt; eat_profile=\"", profiles, "\""), format);
}

// Evidence by its claims, whoever vouches for them.
Appraisal JudgeEvidence(const std::string& profile, const eat::Claims& claims,
                        const EvidencePolicy& policy, const Expectations& expected) {
  ClaimChecker checker(claims, expected);
  checker.Profile(profile, Presence::kRequired);
  checker.Times();
  checker.Freshness();
  checker.Binding(Presence::kRequired);
  checker.Identity();
  checker.DebugState();
  switch (policy.measurements) {
    case MeasurementRule::kReferenceValues:
      checker.Measurements(policy.reference_values);
      break;
    case MeasurementRule::kForm:
      checker.MeasurementsForm();
      break;
    case MeasurementRule::kIgnored:
      break;
  }
  return std::move(checker).Finish();
}

// Of a profile that is not ours: what holds for every EAT.
Appraisal JudgeOthersEvidence(const std::string& profile, const eat::Claims& claims,
                              const Expectations& expected) {
  ClaimChecker checker(claims, expected);
  checker.Profile(profile, Presence::kOptional);
  checker.Times();
  checker.Freshness();
  checker.Binding(Presence::kOptional);
  return std::move(checker).Finish();
}

}  // namespace

Appraisal AppraiseEvidence(const std::string& format, eat::Bytes payload,
                           const EvidencePolicy& policy, const Expectations& expected) {
  auto profile = SelectProfile(format, policy.profiles);
  if (!profile.ok()) return UnknownFormat(absl::StrJoin(policy.profiles, "\" or \""), format);
  Appraisal appraisal;
  auto claims = ReadAuthentic(payload, policy.keys, appraisal);
  if (!claims.has_value()) return appraisal;
  appraisal = JudgeEvidence(*profile, *claims, policy, expected);
  appraisal.claims = *std::move(claims);
  return appraisal;
}

std::vector<Finding> PreviewEvidence(const std::string& format, eat::Bytes payload,
                                     const std::vector<keys::PublicKey>& known,
                                     const Expectations& expected) {
  const auto profile = ProfileOf(format);
  if (!profile.ok()) return UnknownFormat("...", format).findings;
  Appraisal ended;
  const auto token = ReadToken(payload, ended);
  if (!token.has_value()) return ended.findings;
  const auto claims = AuthenticateIfKnown(*token, known, ended);
  if (!claims.has_value()) return ended.findings;
  if (*profile != eat::kEvidenceProfile) {
    return JudgeOthersEvidence(*profile, *claims, expected).findings;
  }
  EvidencePolicy policy;
  policy.measurements = MeasurementRule::kForm;
  return JudgeEvidence(*profile, *claims, policy, expected).findings;
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
  checker.Binding(Presence::kRequired);
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
