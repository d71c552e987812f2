#include "services/gateway/offline/played_services.h"

#include <algorithm>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "services/attestation/eat/verifier.h"
#include "teep/eat/eat.h"

namespace tam::gateway {
namespace {

constexpr char kAnyUid[] = "offline-uid-0000";  // 16 bytes

// Nothing is compared with a stored key here, for none is known: what remains is that the payload
// is an EAT of this session and of this agent.
absl::Status CheckEvidence(const v1::AppraiseRequest& request) {
  const eat::Bytes payload = cbor::AsBytes(request.payload());
  const auto token = cose::Message::Parse(eat::StripCwtTag(payload), cose::TagRule::kRequired);
  if (!token.ok()) return token.status();
  if (!token->unverified_payload().has_value()) {
    return absl::InvalidArgumentError("attestation-payload: want claims, got a detached payload");
  }
  const auto claims = eat::ParseClaims(cbor::AsBytes(*token->unverified_payload()));
  if (!claims.ok()) return claims.status();
  if (claims->nonce_is_array || claims->nonces != std::vector<std::string>{request.challenge()}) {
    return absl::UnauthenticatedError("eat_nonce");
  }
  keys::Thumbprint agent{};
  std::copy_n(request.agent_thumbprint().begin(), agent.size(), agent.begin());
  if (claims->cnf.has_value() && !claims->cnf->Names(agent)) {
    return absl::UnauthenticatedError("cnf");
  }
  return absl::OkStatus();
}

void Refuse(std::string_view claim, std::string_view expected, std::string_view found,
            v1::AppraiseResponse& response) {
  response.set_verdict(v1::VERDICT_REFUSED);
  v1::Reason& reason = *response.add_reasons();
  reason.set_claim(std::string(claim));
  reason.set_expected(std::string(expected));
  reason.set_found(std::string(found));
}

attestation::Appraisal JudgeResult(const v1::AppraiseRequest& request, const CheckInput& input) {
  std::optional<std::string> format;
  if (!request.payload_format().empty()) format = request.payload_format();
  attestation::Expectations expected;
  expected.challenge = request.challenge();
  std::copy_n(request.agent_thumbprint().begin(), expected.agent.size(), expected.agent.begin());
  expected.at = input.at;
  return attestation::AppraiseResult(format, cbor::AsBytes(request.payload()),
                                     {{eat::kTeepProfile}, input.verifier_keys}, expected);
}

absl::StatusOr<v1::DecryptResponse> Open(const v1::DecryptRequest& request,
                                         const std::vector<keys::AgreementKey>& decrypt_keys) {
  const auto sealed =
      cose::EncryptedMessage::Parse(cbor::AsBytes(request.message()), cose::TagRule::kRequired);
  if (!sealed.ok()) return sealed.status();
  const std::string_view other =
      request.use() == v1::DECRYPT_USE_EAT ? cose::kEatEncryption : cose::kSuitReportEncryption;
  for (const keys::AgreementKey& key : decrypt_keys) {
    const auto opened = sealed->Decrypt(key, other);
    if (!opened.ok()) continue;
    v1::DecryptResponse response;
    response.set_plaintext(cbor::AsString(opened->bytes()));
    response.set_key_thumbprint(cbor::AsString(key.public_key().thumbprint()));
    response.set_authenticated(opened->authenticated());
    return response;
  }
  return absl::UnauthenticatedError("no decryption key opens it");
}

}  // namespace

absl::Status PlayedService::Call(const runtime::CallContext&, absl::string_view method,
                                 const google::protobuf::Message& request,
                                 google::protobuf::Message* response) {
  const auto play = plays_.find(std::string(StdView(method)));
  if (play == plays_.end()) return absl::UnimplementedError(Concat("offline: ", StdView(method)));
  return play->second(request, response);
}

PlayedRegistry::PlayedRegistry(const CheckInput& input) : PlayedService("RegistrySessionService") {
  On<v1::LookupRequest, v1::LookupResponse>(
      "Lookup", [&input](const auto& request) -> absl::StatusOr<v1::LookupResponse> {
        for (const keys::PublicKey& key : input.agent_keys) {
          if (cbor::AsView(key.thumbprint()) != request.thumbprint()) continue;
          v1::LookupResponse device;
          device.set_device_uid(kAnyUid);
          device.set_agent_key(key.cose_key());
          device.set_key_state(v1::KEY_STATE_ACTIVE);
          return device;
        }
        return absl::NotFoundError("no such agent key");
      });
  On<v1::AcceptRequest, v1::AcceptResponse>("Accept", [](const auto& request) {
    v1::AcceptResponse response;
    response.set_outcome(v1::ACCEPT_OUTCOME_ACCEPTED);
    if (!request.has_update()) return absl::StatusOr<v1::AcceptResponse>(response);
    v1::UpdateRecord& update = *response.mutable_update();
    update.set_token(request.update().token());
    update.set_state(v1::UPDATE_STATE_OPEN);
    *update.mutable_manifests() = request.update().manifests();
    *update.mutable_unlinks() = request.update().unlinks();
    update.set_err_code(request.update().err_code());
    update.set_err_msg(request.update().err_msg());
    return absl::StatusOr<v1::AcceptResponse>(response);
  });
  On<v1::ReportRequest, v1::ReportResponse>("Report", [&input](const auto& request) {
    const bool known = input.sent_token == request.token();
    v1::ReportResponse response;
    response.set_outcome(known ? v1::REPORT_OUTCOME_RECORDED : v1::REPORT_OUTCOME_UNKNOWN_TOKEN);
    return absl::StatusOr<v1::ReportResponse>(response);
  });
  On<v1::NoteRefusalRequest, v1::NoteRefusalResponse>("NoteRefusal", [](const auto&) {
    return absl::StatusOr<v1::NoteRefusalResponse>(v1::NoteRefusalResponse());
  });
}

PlayedAttestation::PlayedAttestation(const CheckInput& input)
    : PlayedService("AttestationSessionService") {
  On<v1::AppraiseRequest, v1::AppraiseResponse>("Appraise", [this, &input](const auto& request) {
    std::optional<std::string> format;
    if (!request.payload_format().empty()) format = request.payload_format();
    v1::AppraiseResponse response;
    response.set_verdict(v1::VERDICT_ACCEPTED);
    response.set_was_result(eat::ClassifyPayload(format, {eat::kTeepProfile}) ==
                            eat::PayloadKind::kAttestationResult);
    was_evidence_ = false;
    if (response.was_result()) {
      const attestation::Appraisal appraisal = JudgeResult(request, input);
      for (const attestation::Finding& finding : appraisal.findings) {
        Refuse(finding.claim, finding.expected, finding.found, response);
      }
      if (!appraisal.accepted()) response.set_verdict(v1::VERDICT_REFUSED);
    } else if (const absl::Status form = CheckEvidence(request); !form.ok()) {
      Refuse(StdView(form.message()), "evidence of this session and agent", "", response);
    } else {
      was_evidence_ = true;
    }
    return absl::StatusOr<v1::AppraiseResponse>(response);
  });
}

PlayedCatalog::PlayedCatalog() : PlayedService("CatalogSessionService") {
  On<v1::ResolveRequest, v1::ResolveResponse>("Resolve", [](const auto&) {
    return absl::StatusOr<v1::ResolveResponse>(v1::ResolveResponse());
  });
}

PlayedSigning::PlayedSigning(const CheckInput& input) : PlayedService("SigningSessionService") {
  On<v1::DecryptRequest, v1::DecryptResponse>(
      "Decrypt", [&input](const auto& request) { return Open(request, input.decrypt_keys); });
  On<v1::SignQueryRequestRequest, v1::SignQueryRequestResponse>(
      "SignQueryRequest", [](const auto&) {
        v1::SignQueryRequestResponse response;
        response.set_message("QueryRequest");
        return absl::StatusOr<v1::SignQueryRequestResponse>(response);
      });
  On<v1::SignUpdateRequest, v1::SignUpdateResponse>("SignUpdate", [this](const auto& request) {
    err_code_ = request.err_code();
    err_msg_ = request.err_msg();
    v1::SignUpdateResponse response;
    response.set_message("Update");
    return absl::StatusOr<v1::SignUpdateResponse>(response);
  });
}

}  // namespace tam::gateway
