// What a device answers to a QueryRequest.
#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/secret/secret.h"
#include "crypto/text/text.h"
#include "teep/suit/report.h"
#include "tools/teepsim/device.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr size_t kMaxEatNonce = 64;

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

teep::Error ErrorFor(const teep::QueryRequest& request, teep::ErrorCode code,
                     std::string_view message) {
  teep::Error error;
  error.token = request.token;
  error.err_code = code;
  error.err_msg = teep::FitErrMsg(message);
  return error;
}

teep::SystemPropertyClaims ClaimsOf(const suit::ComponentId& id, std::string_view bytes) {
  const secret::Digest256 digest = secret::Sha256(cbor::AsBytes(bytes));
  teep::SystemPropertyClaims claims;
  claims.component_id = id;
  claims.image_digest = teep::SystemPropertyClaims::ImageDigest{
      .algorithm = suit::kSha256, .bytes = std::string(digest.begin(), digest.end())};
  claims.image_size = bytes.size();
  return claims;
}

}  // namespace

// What this device cannot do with the request, as the draft's error for it.
std::optional<teep::Error> Device::Objection(const teep::QueryRequest& request) const {
  if (!request.versions.empty() && !Contains<uint64_t>(request.versions, 0)) {
    teep::Error error =
        ErrorFor(request, teep::ErrorCode::kUnsupportedMsgVersion, "want version 0");
    error.versions = {0};
    return error;
  }
  if (!Contains(request.supported_cipher_suites, OwnSuite())) {
    teep::Error error = ErrorFor(request, teep::ErrorCode::kUnsupportedCipherSuites,
                                 "want the cipher suite of this device");
    error.supported_cipher_suites = {OwnSuite()};
    return error;
  }
  if (!request.supported_freshness_mechanisms.empty() &&
      !Contains(request.supported_freshness_mechanisms, teep::kFreshnessNonce)) {
    teep::Error error = ErrorFor(request, teep::ErrorCode::kUnsupportedFreshnessMechanisms,
                                 "want freshness by nonce");
    error.supported_freshness_mechanisms = {teep::kFreshnessNonce};
    return error;
  }
  // Older drafts have a token in every request.
  const bool older = options_.wire.profile == teep::WireProfile::kLegacy;
  const auto passport = older ? teep::PassportModel::kAllowed : teep::PassportModel::kRefused;
  if (const absl::Status status = teep::CheckQueryRequest(request, passport); !status.ok()) {
    return ErrorFor(request, teep::ErrorCode::kPermanentError, StdView(status.message()));
  }
  if (request.challenge.has_value() && request.challenge->size() > kMaxEatNonce) {
    return ErrorFor(request, teep::ErrorCode::kPermanentError,
                    "want a challenge of at most 64 bytes, as eat_nonce has");
  }
  return std::nullopt;
}

Device::Next Device::AnswerQueryRequest(const teep::QueryRequest& request) {
  if (auto objection = Objection(request)) return SendError(*std::move(objection));
  teep::QueryResponse response;
  response.token = request.token;
  if (!request.versions.empty()) response.selected_version = 0;
  if (options_.wire.profile == teep::WireProfile::kLegacy) {
    response.selected_cipher_suite = OwnSuite();
  }
  if ((request.data_item_requested & teep::kRequestAttestation) != 0) {
    TEEPSIM_RETURN_IF_ERROR(AddAttestation(request, response));
  }
  if ((request.data_item_requested & teep::kRequestTrustedComponents) != 0) {
    AddComponents(response);
  }
  // It has none, and says so (TEEP.md A5).
  if ((request.data_item_requested & teep::kRequestExtensions) != 0) response.ext_list.emplace();
  if ((request.data_item_requested & teep::kRequestSuitReports) != 0) {
    TEEPSIM_RETURN_IF_ERROR(AddReports(request, response));
  }
  response.requested_tc_list = options_.requested;
  response.unneeded_manifest_list = options_.unneeded;
  return teep::Message(std::move(response));
}

absl::Status Device::AddAttestation(const teep::QueryRequest& request,
                                    teep::QueryResponse& response) {
  const std::string nonce =
      request.challenge.has_value() ? *request.challenge : request.token.value_or("");
  TEEPSIM_ASSIGN_OR_RETURN(response.attestation_payload,
                           MakeEvidence(state_, nonce, options_.evidence));
  response.attestation_payload_format = EvidenceFormat();
  transcript_.Note(Concat("evidence: nonce ", ShortHex(options_.evidence.nonce.value_or(nonce)),
                          ", ueid ", ShortHex(state_.record().profile.ueid)));
  return absl::OkStatus();
}

void Device::AddComponents(teep::QueryResponse& response) const {
  std::vector<teep::SystemPropertyClaims> list;
  const auto& measurements = state_.record().profile.measurements;
  if (const auto firmware = measurements.find("firmware"); firmware != measurements.end()) {
    teep::SystemPropertyClaims claims;
    claims.component_id = {kFirmwareComponent};
    claims.image_digest = teep::SystemPropertyClaims::ImageDigest{.algorithm = suit::kSha256,
                                                                  .bytes = firmware->second};
    list.push_back(std::move(claims));
  }
  for (const auto& [id, owner] : state_.record().owners) {
    if (const auto bytes = state_.ReadComponent(id)) list.push_back(ClaimsOf(id, *bytes));
  }
  response.tc_list = std::move(list);
}

// One report an installed manifest, about what is there now.
absl::Status Device::AddReports(const teep::QueryRequest& request,
                                teep::QueryResponse& response) const {
  for (const auto& manifest : state_.record().manifests) {
    TEEPSIM_ASSIGN_OR_RETURN(const std::string bytes, state_.ReadEnvelope(manifest.digest));
    TEEPSIM_ASSIGN_OR_RETURN(const suit::Envelope envelope,
                             suit::Envelope::Parse(cbor::AsBytes(bytes)));
    suit::Report report;
    report.reference_uri = envelope.unverified_manifest().reference_uri.value_or("");
    report.manifest_digest = manifest.digest;
    report.nonce = request.token;
    for (const suit::ComponentId& id : envelope.unverified_manifest().components) {
      const auto stored = state_.ReadComponent(id);
      if (stored.has_value()) report.claims.push_back({id, ImageParameters(*stored)});
    }
    TEEPSIM_ASSIGN_OR_RETURN(std::string encoded, suit::EncodeReport(report));
    response.suit_reports.push_back(std::move(encoded));
  }
  return absl::OkStatus();
}

}  // namespace tam::teepsim
