// What a verified QueryResponse leads to.
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session.h"
#include "teep/suit/envelope.h"

namespace tam::gateway {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;

constexpr char kErrLang[] = "en";

// What was asked for and is not there (T-26 to T-28); empty when all is. have-binary without its
// sequence number (T-30) does not decode.
std::string MissingItem(uint64_t asked, const teep::QueryResponse& response) {
  if ((asked & teep::kRequestAttestation) != 0 && !response.attestation_payload.has_value()) {
    return "attestation-payload is missing";
  }
  if ((asked & teep::kRequestTrustedComponents) != 0 && !response.tc_list.has_value()) {
    return "tc-list is missing";
  }
  if ((asked & teep::kRequestExtensions) != 0 && !response.ext_list.has_value()) {
    return "ext-list is missing";
  }
  return "";
}

}  // namespace

// Whether the QueryRequest that the message answers bore a token; of one that is not known, whether
// those of this endpoint do.
bool SessionEngine::ExpectsToken(const Session& session) {
  if (session.opened.ok()) return session.opened->kind != ChallengeKind::kChallenge;
  const bool attested = (session.endpoint->binding.data_items & teep::kRequestAttestation) != 0;
  return !attested || session.endpoint->passport;
}

Answer SessionEngine::OnQueryResponse(Session& session, const teep::QueryResponse& response) {
  // Keys or endpoint could not be read: nothing is known of the challenge.
  if (session.challenge.has_value() && absl::IsUnavailable(session.opened.status())) {
    return Fail(session, session.opened.status());
  }
  const bool genuine = session.opened.ok();
  const bool by_token = response.token.has_value() || ExpectsToken(session);
  if (by_token) {
    // A token has to be one of ours, of a request that bore a token (T-25).
    const bool ours =
        genuine && response.token.has_value() && session.opened->kind != ChallengeKind::kChallenge;
    if (!ours) return Drop(session, Outcome::kDroppedToken, session.opened.status().message());
  }
  const uint64_t asked =
      genuine ? session.opened->data_items : session.endpoint->binding.data_items;
  if (const std::string missing = MissingItem(asked, response); !missing.empty()) {
    return AnswerError(session, Outcome::kAnsweredMissingItem, teep::ErrorCode::kPermanentError,
                       missing);
  }
  if (response.selected_version.value_or(0) != 0) {
    return AnswerError(session, Outcome::kAnsweredVersion, teep::ErrorCode::kUnsupportedMsgVersion,
                       "want version 0");
  }
  if (!by_token && !genuine) return RefuseChallenge(session);
  const auto reports = ReadReports(session, response.suit_reports, response.token);
  if (absl::IsFailedPrecondition(reports.status())) {
    return AnswerError(session, Outcome::kAnsweredMissingItem, teep::ErrorCode::kPermanentError,
                       reports.status().message());
  }
  if (!reports.ok()) return OnUnsoundReports(session, reports.status());
  session.reports = reports->Summary();
  return OnChallenged(session, response, asked);
}

// The message answers a QueryRequest of ours that asked for `asked`, and is complete.
Answer SessionEngine::OnChallenged(Session& session, const teep::QueryResponse& response,
                                   uint64_t asked) {
  v1::AcceptRequest accept = NewAccept(session);
  if ((asked & teep::kRequestAttestation) == 0) return OnAppraised(session, response, accept);

  v1::AppraiseRequest appraise;
  appraise.set_tenant_uid(session.endpoint->tenant_uid);
  appraise.set_device_uid(session.device.device_uid());
  appraise.set_challenge(*session.challenge);
  appraise.set_agent_thumbprint(session.kid);
  appraise.set_payload(session.evidence.has_value() ? *session.evidence
                                                    : *response.attestation_payload);
  appraise.set_payload_format(response.attestation_payload_format.value_or(""));
  appraise.set_ueid(session.device.ueid());
  if (session.device.has_device_class()) {
    *appraise.mutable_device_class() = session.device.device_class();
  }
  auto verdict = dependencies_.peers.Appraise(session.context, appraise);
  if (!verdict.ok()) return Fail(session, verdict.status());
  v1::AttestationOutcome& outcome = *accept.mutable_attestation();
  outcome.set_verdict(verdict->verdict() == v1::VERDICT_ACCEPTED ? v1::VERDICT_ACCEPTED
                                                                 : v1::VERDICT_REFUSED);
  *outcome.mutable_reasons() = verdict->reasons();
  outcome.set_payload_format(appraise.payload_format());
  outcome.set_claims_summary(verdict->claims().text());
  outcome.set_result(verdict->attestation_result());
  if (outcome.verdict() != v1::VERDICT_ACCEPTED) return Refuse(session, std::move(accept));
  // Claimed once; afterwards Appraise holds the device to it.
  if (session.device.ueid().empty()) {
    outcome.set_ueid(verdict->claims().ueid());
    *outcome.mutable_device_class() = verdict->claims().device_class();
  }
  return OnAppraised(session, response, std::move(accept));
}

Answer SessionEngine::RefuseChallenge(Session& session) {
  NoteTurnedAway(session);
  return AnswerError(session, Outcome::kAnsweredChallenge, teep::ErrorCode::kAttestationRequired,
                     "the challenge is absent, expired or not of this TAM");
}

// For the person who looks at the device. No row, and no harm if it fails.
void SessionEngine::NoteTurnedAway(const Session& session) {
  const auto keys = dependencies_.keys.Get(session.context.deadline);
  v1::NoteRefusalRequest note;
  note.set_tenant_uid(session.endpoint->tenant_uid);
  note.set_device_uid(session.device.device_uid());
  note.mutable_reason()->set_claim("eat_nonce");
  note.mutable_reason()->set_expected("a live challenge of this endpoint");
  note.mutable_reason()->set_found(
      session.challenge.has_value()
          ? absl::StrCat(absl::BytesToHexString(session.challenge->substr(0, 32)), " (",
                         session.opened.status().message(), ")")
          : "none that is readable");
  if (keys.ok()) note.set_time_ms(absl::ToUnixMillis(keys->now()));
  dependencies_.peers.NoteRefusal(session.context, note).status().IgnoreError();
}

// The message is believed now. A pending key proves itself and gets nothing.
Answer SessionEngine::OnAppraised(Session& session, const teep::QueryResponse& response,
                                  v1::AcceptRequest accept) {
  if (accept.pending()) return Accept(session, accept);
  AddReported(response, accept);
  if (session.device.back_off_until_ms() > 0) {
    auto keys = dependencies_.keys.Get(session.context.deadline);
    if (!keys.ok()) return Fail(session, keys.status());
    if (session.device.back_off_until_ms() > absl::ToUnixMillis(keys->now())) {
      Record(session, Outcome::kBackedOff);
      return Accept(session, accept);
    }
  }
  v1::ResolveRequest resolve;
  resolve.set_tenant_uid(session.endpoint->tenant_uid);
  resolve.set_device_uid(session.device.device_uid());
  *resolve.mutable_device_class() = accept.attestation().has_device_class()
                                        ? accept.attestation().device_class()
                                        : session.device.device_class();
  *resolve.mutable_labels() = session.device.labels();
  // Through a legacy endpoint no deployment that requires attestation is ever delivered.
  resolve.set_attested(session.endpoint->profile == teep::WireProfile::kDraft26 &&
                       accept.attestation().verdict() == v1::VERDICT_ACCEPTED);
  *resolve.mutable_installed() = session.device.installed();
  AddReported(response, resolve);
  auto plan = dependencies_.peers.Resolve(session.context, resolve);
  if (!plan.ok()) return Fail(session, plan.status());
  NoteKept(session, *plan);
  SetHeld(response, session.envelopes);
  if (plan->install_size() > 0 || plan->unlink_size() > 0) {
    v1::NewUpdate& update = *accept.mutable_update();
    update = NewUpdate(session);
    *update.mutable_manifests() = plan->install();
    *update.mutable_unlinks() = plan->unlink();
    update.set_catalog_generation(plan->generation());
  }
  return Accept(session, accept);
}

void SessionEngine::NoteKept(Session& session, const v1::ResolveResponse& plan) {
  if (plan.kept().empty()) return;
  const auto id = suit::ParseComponentId(cbor::AsBytes(plan.kept(0)), "kept");
  absl::StrAppend(&session.reports, session.reports.empty() ? "" : "; ", plan.kept_size(),
                  " not needed by the device and kept for a deployment, ",
                  id.ok() ? suit::ComponentIdText(*id) : "?");
}

// Nothing in the message is believed but that the device was refused (T-37).
Answer SessionEngine::Refuse(Session& session, v1::AcceptRequest accept) {
  const std::string claim =
      accept.attestation().reasons().empty() ? "evidence" : accept.attestation().reasons(0).claim();
  v1::NewUpdate& update = *accept.mutable_update();
  update = NewUpdate(session);
  update.set_err_code(static_cast<uint32_t>(teep::ErrorCode::kAttestationRequired));
  update.set_err_msg(teep::FitErrMsg(absl::StrCat("attestation refused: ", claim)));
  Record(session, Outcome::kRefusedByAttestation, claim);
  return Accept(session, accept);
}

Answer SessionEngine::Accept(Session& session, const v1::AcceptRequest& request) {
  auto result = dependencies_.peers.Accept(session.context, request);
  const bool others_identity =
      absl::IsAlreadyExists(result.status()) || absl::IsFailedPrecondition(result.status());
  if (others_identity && request.attestation().verdict() == v1::VERDICT_ACCEPTED) {
    v1::AcceptRequest refused = NewAccept(session);
    v1::AttestationOutcome& outcome = *refused.mutable_attestation();
    outcome.set_verdict(v1::VERDICT_REFUSED);
    outcome.set_payload_format(request.attestation().payload_format());
    v1::Reason& reason = *outcome.add_reasons();
    reason.set_claim("ueid");
    reason.set_expected("the device's own");
    reason.set_found("that of another device");
    return Refuse(session, std::move(refused));
  }
  if (!result.ok()) return Fail(session, result.status());
  switch (result->outcome()) {
    case v1::ACCEPT_OUTCOME_ACCEPTED:
    case v1::ACCEPT_OUTCOME_SAME_AGAIN: {
      const bool again = result->outcome() == v1::ACCEPT_OUTCOME_SAME_AGAIN;
      if (!result->has_update()) return Silent(session, Outcome::kNothingToDo, session.reports);
      return SendUpdate(session, result->update(), again);
    }
    case v1::ACCEPT_OUTCOME_ANSWERED:
    case v1::ACCEPT_OUTCOME_SUPERSEDED:
    case v1::ACCEPT_OUTCOME_EXPIRED:
      return Silent(session, Outcome::kResendWithheld);
    case v1::ACCEPT_OUTCOME_KEY_NOT_ACTIVE:
      return Drop(session, Outcome::kDroppedKeyNotActive);
    case v1::ACCEPT_OUTCOME_FUTURE:
      return OnFuture(session);
    default:
      return Drop(session, Outcome::kDroppedUsedChallenge,
                  v1::AcceptOutcome_Name(result->outcome()));
  }
}

// The database's clock went back since this gateway read it. Nothing was used up.
Answer SessionEngine::OnFuture(Session& session) {
  dependencies_.keys.GetReadAfter(session.arrived, session.context.deadline).status().IgnoreError();
  const bool by_token = session.opened->kind != ChallengeKind::kChallenge;
  session.opened = absl::OutOfRangeError("issued ahead of the database's clock");
  if (by_token) return Drop(session, Outcome::kDroppedToken, session.opened.status().message());
  return RefuseChallenge(session);
}

v1::AcceptRequest SessionEngine::NewAccept(const Session& session) const {
  v1::AcceptRequest request;
  request.set_tenant_uid(session.endpoint->tenant_uid);
  request.set_device_uid(session.device.device_uid());
  request.set_endpoint_uid(session.endpoint->uid);
  request.set_pending(session.device.key_state() == v1::KEY_STATE_PENDING);
  request.set_thumbprint(session.kid);
  request.set_issue_ms(session.opened->issue_ms);
  request.set_random(cbor::AsString(session.opened->random));
  request.set_message_digest(session.message_digest);
  return request;
}

v1::NewUpdate SessionEngine::NewUpdate(const Session& session) {
  std::array<uint8_t, kUpdateTokenSize> token;
  dependencies_.random.Fill(absl::MakeSpan(token));
  v1::NewUpdate update;
  update.set_token(cbor::AsString(token));
  update.set_deadline_seconds(absl::ToInt64Seconds(session.endpoint->update_deadline));
  return update;
}

// Without token, and nothing is written: the device may ask again.
Answer SessionEngine::AnswerError(Session& session, Outcome outcome, teep::ErrorCode code,
                                  absl::string_view text) {
  source_failures_.TryTake(session.source);
  if (!MayReplyStateless(session)) {
    Record(session, Outcome::kLimited, "device");
    return absl::ResourceExhaustedError("too many failures of this device");
  }
  v1::SignUpdateRequest request;
  request.set_tenant_uid(session.endpoint->tenant_uid);
  SetProfile(*session.endpoint, request);
  request.set_suite(session.suite);
  request.set_err_code(static_cast<uint32_t>(code));
  request.set_err_msg(teep::FitErrMsg(std::string(text)));
  request.set_err_lang(kErrLang);
  auto update = dependencies_.peers.SignUpdate(session.context, request);
  if (!update.ok()) return Fail(session, update.status());
  Record(session, outcome, text);
  return std::optional<std::string>(std::move(*update->mutable_message()));
}

// Manifests are asked for by digest: the catalogue gives only what may be delivered at this moment.
Answer SessionEngine::SendUpdate(Session& session, const v1::UpdateRecord& update, bool again) {
  v1::SignUpdateRequest request;
  if (update.manifests_size() > 0) {
    v1::GetEnvelopesRequest& wanted = session.envelopes;
    wanted.set_tenant_uid(session.endpoint->tenant_uid);
    for (const v1::ManifestRef& ref : update.manifests()) wanted.add_digests(ref.digest());
    auto envelopes = dependencies_.peers.GetEnvelopes(session.context, wanted);
    if (absl::IsNotFound(envelopes.status()) || absl::IsFailedPrecondition(envelopes.status())) {
      return Silent(session, again ? Outcome::kResendWithheld : Outcome::kUpdateWithheld,
                    envelopes.status().message());
    }
    if (!envelopes.ok()) return Fail(session, envelopes.status());
    *request.mutable_manifests() = std::move(*envelopes->mutable_envelopes());
  }
  request.set_tenant_uid(session.endpoint->tenant_uid);
  SetProfile(*session.endpoint, request);
  request.set_suite(session.suite);
  request.set_token(update.token());
  *request.mutable_unneeded() = update.unlinks();
  if (update.err_code() != 0) {
    request.set_err_code(update.err_code());
    request.set_err_msg(update.err_msg());
    request.set_err_lang(kErrLang);
  }
  auto message = dependencies_.peers.SignUpdate(session.context, request);
  if (!message.ok()) return Fail(session, message.status());
  Record(session, again ? Outcome::kUpdateResent : Outcome::kUpdateSent,
         absl::StrCat(update.manifests_size(), " manifests, ", update.unlinks_size(), " unlinks",
                      session.reports.empty() ? "" : "; ", session.reports));
  return std::optional<std::string>(std::move(*message->mutable_message()));
}

Answer SessionEngine::Resend(Session& session, const cose::Message& cose) {
  const std::string& token = session.device.guard().last_token();
  if (token.empty()) return Silent(session, Outcome::kNothingToDo);
  for (const v1::UpdateRecord& update : session.device.updates()) {
    if (update.token() != token || update.state() != v1::UPDATE_STATE_OPEN) continue;
    if (!resends_.TryTake(KeyOf(session))) {
      Record(session, Outcome::kLimited, "resends");
      return absl::ResourceExhaustedError("the same message too often");
    }
    // The same words, so the same binaries are left out.
    const auto message =
        teep::Decode(cbor::AsBytes(*cose.unverified_payload()), session.endpoint->profile);
    const auto* response = message.ok() ? std::get_if<teep::QueryResponse>(&*message) : nullptr;
    if (response != nullptr) SetHeld(*response, session.envelopes);
    return SendUpdate(session, update, /*again=*/true);
  }
  return Silent(session, Outcome::kResendWithheld, "answered, superseded or expired");
}

}  // namespace tam::gateway
