// The Updates that a QueryResponse leads to, first and again.
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/conversions.h"
#include "services/gateway/session.h"

namespace tam::gateway {
namespace {

using Answer = absl::StatusOr<std::optional<std::string>>;

constexpr char kErrLang[] = "en";

// What is opened only to hand an Attestation Result back.
bool IsResultAlone(const v1::UpdateRecord& update) {
  return update.manifests().empty() && update.unlinks().empty() && update.err_code() == 0;
}

}  // namespace

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
  request.set_attestation_payload(session.result);
  request.set_attestation_payload_format(ResultFormat(session.result));
  if (update.err_code() != 0) {
    request.set_err_code(update.err_code());
    request.set_err_msg(update.err_msg());
    request.set_err_lang(kErrLang);
  }
  auto message = dependencies_.peers.SignUpdate(session.context, request);
  if (!message.ok()) return Fail(session, message.status());
  Record(session, again ? Outcome::kUpdateResent : Outcome::kUpdateSent,
         absl::StrCat(update.manifests_size(), " manifests, ", update.unlinks_size(), " unlinks",
                      session.result.empty() ? "" : ", attestation result",
                      session.reports.empty() ? "" : "; ", session.reports));
  return std::optional<std::string>(std::move(*message->mutable_message()));
}

// The result that was made for these bytes is the one that was recorded, not this replica's.
Answer SessionEngine::SendAgain(Session& session, const v1::UpdateRecord& update) {
  if (session.result.empty()) return SendUpdate(session, update, /*again=*/true);
  auto found = Lookup(session);
  if (!found.ok()) return Fail(session, found.status());
  session.device = *std::move(found);
  return Resend(session);
}

void SessionEngine::NoteHeld(Session& session, const cose::Message& cose) {
  const auto message =
      teep::Decode(cbor::AsBytes(*cose.unverified_payload()), session.endpoint->profile);
  const auto* response = message.ok() ? std::get_if<teep::QueryResponse>(&*message) : nullptr;
  if (response != nullptr) SetHeld(*response, session.envelopes);
}

Answer SessionEngine::Resend(Session& session) {
  const std::string& token = session.device.guard().last_token();
  if (token.empty()) return Silent(session, Outcome::kNothingToDo);
  for (const v1::UpdateRecord& update : session.device.updates()) {
    if (update.token() != token || update.state() != v1::UPDATE_STATE_OPEN) continue;
    if (!resends_.TryTake(KeyOf(session))) {
      Record(session, Outcome::kLimited, "resends");
      return absl::ResourceExhaustedError("the same message too often");
    }
    if (session.endpoint->return_results || IsResultAlone(update)) {
      session.result = session.device.last_result();
    }
    return SendUpdate(session, update, /*again=*/true);
  }
  return Silent(session, Outcome::kResendWithheld, "answered, superseded or expired");
}

}  // namespace tam::gateway
