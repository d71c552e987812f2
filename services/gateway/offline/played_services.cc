#include "services/gateway/offline/played_services.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "services/attestation/eat/verifier.h"
#include "services/attestation/reasons.h"
#include "teep/eat/eat.h"

namespace tam::gateway {
namespace {

constexpr char kAnyUid[] = "offline-uid-0000";  // 16 bytes

attestation::Expectations ExpectationsOf(const v1::AppraiseRequest& request, absl::Time at) {
  attestation::Expectations expected;
  expected.challenge = request.challenge();
  std::copy_n(request.agent_thumbprint().begin(), expected.agent.size(), expected.agent.begin());
  expected.at = at;
  return expected;
}

std::vector<keys::PublicKey> KnownKeys(const CheckInput& input) {
  std::vector<keys::PublicKey> known = input.agent_keys;
  known.insert(known.end(), input.verifier_keys.begin(), input.verifier_keys.end());
  return known;
}

// A result as the attestation service judges it; evidence as far as that goes without the device's
// attestation keys and reference values.
v1::AppraiseResponse Appraise(const v1::AppraiseRequest& request, const CheckInput& input) {
  std::optional<std::string> format;
  if (!request.payload_format().empty()) format = request.payload_format();
  const attestation::Expectations expected = ExpectationsOf(request, input.at);
  const eat::Bytes payload = cbor::AsBytes(request.payload());
  v1::AppraiseResponse response;
  response.set_was_result(eat::ClassifyPayload(format, {eat::kTeepProfile}) ==
                          eat::PayloadKind::kAttestationResult);
  bool accepted = false;
  std::vector<attestation::Finding> findings;
  if (response.was_result()) {
    attestation::Appraisal appraisal = attestation::AppraiseResult(
        format, payload, {{eat::kTeepProfile}, input.verifier_keys}, expected);
    accepted = appraisal.accepted();
    findings = std::move(appraisal.findings);
  } else {
    findings =
        attestation::PreviewEvidence(request.payload_format(), payload, KnownKeys(input), expected);
    accepted = findings.empty();
  }
  response.set_verdict(accepted ? v1::VERDICT_ACCEPTED : v1::VERDICT_REFUSED);
  attestation::AddReasons(findings, response);
  return response;
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
    v1::AppraiseResponse response = Appraise(request, input);
    was_evidence_ = !response.was_result() && response.verdict() == v1::VERDICT_ACCEPTED;
    return absl::StatusOr<v1::AppraiseResponse>(std::move(response));
  });
}

PlayedCatalog::PlayedCatalog() : PlayedService("CatalogSessionService") {
  On<v1::ResolveRequest, v1::ResolveResponse>("Resolve", [](const auto&) {
    return absl::StatusOr<v1::ResolveResponse>(v1::ResolveResponse());
  });
}

PlayedSigning::PlayedSigning(const CheckInput& input)
    : PlayedService("SigningSessionService"), input_(input) {
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

absl::StatusOr<std::string> PlayedSigning::OpenReport(suit::Bytes sealed) const {
  v1::DecryptRequest request;
  request.set_use(v1::DECRYPT_USE_SUIT_REPORT);
  request.set_message(cbor::AsString(sealed));
  auto opened = Open(request, input_.decrypt_keys);
  if (!opened.ok()) return opened.status();
  return std::move(*opened->mutable_plaintext());
}

}  // namespace tam::gateway
