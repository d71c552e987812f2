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

}  // namespace

std::string EvidenceFormat() {
  return eat::FormatMediaType({.type = "application",
                               .subtype = "eat+cwt",
                               .parameters = {{"eat_profile", eat::kEvidenceProfile}}});
}

absl::StatusOr<std::string> MakeEvidence(const DeviceState& state, std::string_view nonce,
                                         const EvidenceFaults& faults) {
  if (faults.replay.has_value()) return *faults.replay;
  const DeviceProfile& profile = state.record().profile;
  const keys::Thumbprint& agent = state.agent_key().public_key().thumbprint();
  eat::Claims claims;
  claims.profile = eat::kEvidenceProfile;
  claims.nonces = {faults.nonce.value_or(std::string(nonce))};
  claims.cnf = eat::Confirmation();
  claims.cnf->kid = std::string(agent.begin(), agent.end());
  claims.ueid = profile.ueid;
  claims.oemid = profile.oemid;
  claims.hwmodel = profile.hwmodel;
  claims.hwversion = profile.hwversion;
  claims.oemboot = true;
  claims.dbgstat = kDebugDisabledPermanently;
  claims.measurements = {
      {kCborContentFormat, EncodeMeasurements(profile.measurements, faults.measurements)}};
  const std::string payload = eat::EncodeClaims(claims);
  const keys::PrivateKey& key = faults.key.has_value() ? *faults.key : state.attestation_key();
  return cose::Sign1(key, cbor::AsBytes(payload));
}

}  // namespace tam::teepsim
