#include "tools/teepsim/evidence.h"

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"

namespace tam::teepsim {
namespace {

constexpr uint64_t kCborContentFormat = 60;        // application/cbor
constexpr uint64_t kDebugDisabledPermanently = 3;  // RFC 9711 section 4.2.9

std::string EncodeMeasurements(std::map<std::string, std::string> measurements,
                               const std::map<std::string, std::string>& changed) {
  for (const auto& [name, value] : changed) measurements.insert_or_assign(name, value);
  cbor::MapBuilder map;
  for (const auto& [name, value] : measurements) {
    cbor::Writer writer;
    writer.ByteString(value);
    map.Set(name, std::move(writer));
  }
  return map.Encode();
}

// Whose it is, and which key it speaks for.
eat::Claims ClaimsOf(const DeviceState& state) {
  const DeviceProfile& profile = state.record().profile;
  eat::Claims claims;
  claims.cnf = eat::Confirmation();
  claims.cnf->kid = cbor::AsString(state.agent_key().public_key().thumbprint());
  claims.ueid = profile.ueid;
  claims.oemid = profile.oemid;
  claims.hwmodel = profile.hwmodel;
  claims.hwversion = profile.hwversion;
  return claims;
}

}  // namespace

std::string EvidenceFormat() {
  return eat::FormatMediaType({.type = "application",
                               .subtype = "eat+cwt",
                               .parameters = {{"eat_profile", eat::kEvidenceProfile}}});
}

absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, const Freshness& freshness,
                                         const EvidenceFaults& faults) {
  if (faults.replay.has_value()) return *faults.replay;
  const DeviceProfile& profile = state.record().profile;
  eat::Claims claims = ClaimsOf(state);
  claims.profile = eat::kEvidenceProfile;
  const std::optional<std::string>& nonce =
      faults.nonce.has_value() ? faults.nonce : freshness.nonce;
  if (nonce.has_value()) claims.nonces = {*nonce};
  claims.audience = freshness.audience;
  if (freshness.issued_at.has_value()) {
    claims.issued_at = absl::FromUnixSeconds(absl::ToUnixSeconds(*freshness.issued_at));
  }
  claims.oemboot = true;
  claims.dbgstat = kDebugDisabledPermanently;
  claims.measurements = {
      {kCborContentFormat, EncodeMeasurements(profile.measurements, faults.measurements)}};
  const std::string payload = eat::EncodeClaims(claims);
  const keys::PrivateKey& key = faults.key.has_value() ? *faults.key : state.attestation_key();
  return cose::Sign1(key, cbor::AsBytes(payload));
}

absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, std::string_view nonce,
                                         const EvidenceFaults& faults) {
  return MakeEvidence(state, Freshness{.nonce = std::string(nonce)}, faults);
}

absl::StatusOr<std::string> MakeAttestationResult(const DeviceState& state, std::string_view token,
                                                  const keys::PrivateKey& verifier) {
  eat::Claims claims = ClaimsOf(state);
  claims.profile = eat::kTeepProfile;
  claims.nonces = {std::string(token)};
  claims.manifests = {{kCborContentFormat, EncodeMeasurements(state.record().profile.measurements,
                                                              /*changed=*/{})}};
  const std::string payload = eat::EncodeClaims(claims);
  return cose::Sign1(verifier, cbor::AsBytes(payload));
}

}  // namespace tam::teepsim
