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

// What stood in the place of a live challenge, and why it was none.
std::string WhatWasTurnedAway(const std::optional<std::string>& challenge,
                              const absl::Status& refusal) {
  if (challenge.has_value()) {
    return absl::StrCat(absl::BytesToHexString(challenge->substr(0, 32)), " (", refusal.message(),
                        ")");
  }
  if (absl::IsNotFound(refusal)) return "none that is readable";
  return std::string(refusal.message());  // of a timestamp
}

// A format as it is recorded: a device may name one as long as its message.
std::string RecordedFormat(const std::string& format) {
  constexpr size_t kMaxFormat = 256;
  return format.size() <= kMaxFormat ? format : teep::FitErrMsg(format);
}

}  // namespace

// Whether the QueryRequest that the message answers bore a token; of one that is not known, whether
// those of this endpoint do.
bool SessionEngine::ExpectsToken(const Session& session) {
  return IsToken(session.opened.ok()
                     ? session.opened->kind
                     : KindFor(*session.endpoint, session.endpoint->binding.data_items));
}

Answer SessionEngine::OnQueryResponse(Session& session, const teep::QueryResponse& response) {
  // Keys or endpoint could not be read: nothing is known of the challenge.
  if (absl::IsUnavailable(session.opened.status())) {
    return Fail(session, session.opened.status());
  }
  const bool genuine = session.opened.ok();
  const bool by_token = response.token.has_value() || ExpectsToken(session);
  if (by_token) {
    // A token has to be one of ours, of a request that bore a token (T-25).
    const bool ours = genuine && response.token.has_value() && IsToken(session.opened->kind);
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
  const bool want_reports = (asked & teep::kRequestSuitReports) != 0;
  session.reports = want_reports && response.suit_reports.empty()
                        ? "no suit-reports, which were asked for"  // A8
                        : reports->Summary();
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
  if (session.opened->kind == ChallengeKind::kTimestamp) {
    appraise.set_timestamp_audience(session.endpoint->path);
  } else {
    appraise.set_challenge(*session.challenge);
  }
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
  outcome.set_payload_format(RecordedFormat(appraise.payload_format()));
  outcome.set_claims_summary(verdict->claims().text());
  outcome.set_result(verdict->attestation_result());
  if (outcome.verdict() != v1::VERDICT_ACCEPTED) return Refuse(session, std::move(accept));
  if (session.endpoint->return_results) session.result = verdict->attestation_result();
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
  note.mutable_reason()->set_found(WhatWasTurnedAway(session.challenge, session.opened.status()));
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
  if (plan->install_size() > 0 || plan->unlink_size() > 0 || !session.result.empty()) {
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
      return again ? SendAgain(session, result->update())
                   : SendUpdate(session, result->update(), /*again=*/false);
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
  const bool by_token = IsToken(session.opened->kind);
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

}  // namespace tam::gateway
