// How a session finds and checks what the QueryRequest gave it.
#include <variant>

#include "crypto/cbor/cbor.h"
#include "services/gateway/session.h"
#include "teep/eat/eat.h"

namespace tam::gateway {

// Untrusted until the signature is verified, and again afterwards by what the evidence binds: a
// failure here is only remembered.
void SessionEngine::FindChallenge(Session& session, const cose::Message& cose) {
  const auto message =
      teep::Decode(cbor::AsBytes(*cose.unverified_payload()), session.endpoint->profile);
  if (!message.ok()) return;
  const auto* response = std::get_if<teep::QueryResponse>(&*message);
  if (response == nullptr) return;
  session.challenge = response->token;
  if (session.challenge.has_value()) {
    session.opened = Open(session, *session.challenge);
  } else if (response->attestation_payload.has_value()) {
    FindInEvidence(session, *response->attestation_payload);
  }
}

// Of evidence with neither a readable challenge nor a timestamp, where these are taken, nothing.
void SessionEngine::FindInEvidence(Session& session, std::string_view payload) {
  auto readable = eat::ExtractChallenge(cbor::AsBytes(payload));
  if (readable.ok()) {
    session.challenge = *std::move(readable);
    session.opened = Open(session, *session.challenge);
    return;
  }
  if (!session.endpoint->timestamps) return;
  const auto stamp = eat::ExtractTimestamp(cbor::AsBytes(payload));
  if (!stamp.ok()) return;
  const auto keys = dependencies_.keys.Get(session.context.deadline);
  if (!keys.ok()) {
    session.opened = absl::UnavailableError("the time cannot be read");
  } else if (stamp->audience != session.endpoint->path) {
    session.opened = absl::UnauthenticatedError("aud: of another endpoint");
  } else {
    session.opened = OpenTimestamp(session.endpoint->binding, keys->now(), stamp->issued_at,
                                   cbor::AsBytes(session.message_digest));
  }
}

absl::StatusOr<Challenge> SessionEngine::Open(const Session& session, std::string_view challenge) {
  const auto keys = dependencies_.keys.Get(session.context.deadline);
  if (!keys.ok()) return keys.status();
  return dependencies_.issued.Open(keys->keys(), session.endpoint->binding, keys->now(),
                                   cbor::AsBytes(challenge));
}

// An unknown epoch, a MAC that differs or a moment that has not come may mean that keys,
// configuration or time are older here than elsewhere. Only who signs with a registered key has
// them read again, and only so many at once wait for it: the others are told to come again. Each
// pays in advance, and has it back where that was not in vain: else one device, with challenges or
// tokens of its own making, could hold every place for ever.
void SessionEngine::ReopenIfRefused(Session& session) {
  if (!session.challenge.has_value() || session.opened.ok() ||
      !MayBeLiftedByRefresh(session.opened.status()) || !devices_.TryTake(KeyOf(session))) {
    return;
  }
  Reopen(session);
  session.charged = !session.opened.ok() && !absl::IsUnavailable(session.opened.status());
  if (!session.charged) devices_.GiveBack(KeyOf(session));
}

void SessionEngine::Reopen(Session& session) {
  const Waiting waiting(waiting_for_reads_);
  if (waiting.count() > config_.max_waiting_for_reads) {
    session.opened = absl::UnavailableError("too many wait for keys or configuration");
    return;
  }
  const absl::Time deadline = session.context.deadline;
  const auto keys = dependencies_.keys.GetReadAfter(session.arrived, deadline);
  const auto endpoint =
      dependencies_.endpoints.GetReadAfter(session.endpoint->path, session.arrived, deadline);
  if (!keys.ok() || !endpoint.ok()) {
    session.opened = absl::UnavailableError("keys or configuration cannot be read");
    return;
  }
  // By the one before, the key was found and the message read.
  if ((*endpoint)->uid != session.endpoint->uid ||
      (*endpoint)->profile != session.endpoint->profile ||
      (*endpoint)->legacy.older_algorithms != session.endpoint->legacy.older_algorithms) {
    session.opened = absl::UnavailableError("the endpoint is another one now");
    return;
  }
  session.endpoint = *endpoint;
  session.opened = dependencies_.issued.Open(keys->keys(), session.endpoint->binding, keys->now(),
                                             cbor::AsBytes(*session.challenge));
}

bool SessionEngine::IsUsed(const Session& session) {
  return session.opened.ok() && session.opened->issue_ms <= session.device.guard().last_issue_ms();
}

}  // namespace tam::gateway
