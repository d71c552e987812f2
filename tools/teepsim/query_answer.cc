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
  if (auto error = FreshnessObjection(request)) return error;
  // Older drafts have a token in every request.
  const bool by_token = options_.wire.profile == teep::WireProfile::kLegacy ||
                        options_.attestation.passport_verifier.has_value();
  const auto passport = by_token ? teep::PassportModel::kAllowed : teep::PassportModel::kRefused;
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
  TEEPSIM_RETURN_IF_ERROR(CheckProfileIsListed(options_.protection, state_.report_key().type(),
                                               request.supported_suit_cose_profiles));
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

absl::StatusOr<std::string> Device::MakeUnsolicited() {
  const std::optional<bool>& bound = state_.record().last_request_bound;
  if (!bound.has_value()) {
    return absl::FailedPreconditionError(
        "unsolicited: want an earlier QueryRequest, and no failure since");
  }
  if (*bound) {
    return absl::FailedPreconditionError(
        "unsolicited: the last QueryRequest had a token or a challenge");
  }
  teep::QueryResponse response;
  // Nothing was given that a nonce could be, but the time is anybody's.
  if (options_.attestation.timestamps) {
    TEEPSIM_RETURN_IF_ERROR(AddAttestation(teep::QueryRequest(), response));
  }
  AddComponents(response);
  response.requested_tc_list = options_.requested;
  response.unneeded_manifest_list = options_.unneeded;
  TEEPSIM_ASSIGN_OR_RETURN(std::string bytes, Sign(teep::Message(std::move(response))));
  transcript_.Sent("QueryResponse", "unsolicited");
  TEEPSIM_RETURN_IF_ERROR(transcript_.SaveSent("QueryResponse", bytes));
  return bytes;
}

// Without a list a TAM takes nonces alone; a nonce needs a challenge, or a token in its place.
std::optional<teep::Error> Device::FreshnessObjection(const teep::QueryRequest& request) const {
  if ((request.data_item_requested & teep::kRequestAttestation) == 0) return std::nullopt;
  const bool timestamps = options_.attestation.timestamps;
  const uint64_t wanted = timestamps ? teep::kFreshnessTimestamp : teep::kFreshnessNonce;
  const auto& listed = request.supported_freshness_mechanisms;
  const bool taken = listed.empty() ? !timestamps : Contains(listed, wanted);
  const bool has_nonce = request.challenge.has_value() || request.token.has_value();
  if (taken && (timestamps || listed.empty() || has_nonce)) return std::nullopt;
  teep::Error error =
      ErrorFor(request, teep::ErrorCode::kUnsupportedFreshnessMechanisms,
               timestamps ? "want freshness by timestamp" : "want freshness by nonce");
  error.supported_freshness_mechanisms = {wanted};
  return error;
}

absl::Status Device::AddAttestation(const teep::QueryRequest& request,
                                    teep::QueryResponse& response) {
  const auto& verifier = options_.attestation.passport_verifier;
  std::string payload;
  if (verifier.has_value() && request.token.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(payload, MakeAttestationResult(state_, *request.token, *verifier));
    transcript_.Note("attestation result of its own Verifier, for the token");
  } else {
    TEEPSIM_ASSIGN_OR_RETURN(payload, Attest(request));
    response.attestation_payload_format = EvidenceFormat();
  }
  TEEPSIM_ASSIGN_OR_RETURN(response.attestation_payload,
                           ProtectEvidence(std::move(payload), options_.protection));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Device::Attest(const teep::QueryRequest& request) const {
  Freshness freshness;
  std::string what;
  if (options_.attestation.timestamps) {
    freshness.audience = options_.attestation.audience;
    freshness.issued_at = options_.attestation.clock();
    what = Concat("issued now for ", *freshness.audience);
  } else {
    freshness.nonce =
        request.challenge.has_value() ? *request.challenge : request.token.value_or("");
    what = Concat("nonce ", ShortHex(options_.evidence.nonce.value_or(*freshness.nonce)));
  }
  transcript_.Note(Concat("evidence: ", what, ", ueid ", ShortHex(state_.record().profile.ueid)));
  return MakeEvidence(state_, freshness, options_.evidence);
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
    for (const suit::ComponentId& id : envelope.unverified_manifest().components) {
      const auto stored = state_.ReadComponent(id);
      if (stored.has_value()) report.claims.push_back({id, ImageParameters(*stored)});
    }
    TEEPSIM_RETURN_IF_ERROR(AddReport(std::move(report), request.token, response.suit_reports));
  }
  return absl::OkStatus();
}

}  // namespace tam::teepsim
