// How a session finds and checks what the QueryRequest gave it.
#include <variant>

#include "crypto/cbor/cbor.h"
#include "services/gateway/session.h"
#include "teep/eat/eat.h"

namespace tam::gateway {

// Untrusted until the signature is verified, and again afterwards by what the evidence binds: a
// failure here is only remembered.
void SessionEngine::FindChallenge(Session& session, const cose::Message& cose) {
  const auto message = teep::Decode(cbor::AsBytes(*cose.unverified_payload()));
  if (!message.ok()) return;
  const auto* response = std::get_if<teep::QueryResponse>(&*message);
  if (response == nullptr) return;
  session.challenge = response->token;
  if (!session.challenge.has_value() && response->attestation_payload.has_value()) {
    auto readable = eat::ExtractChallenge(cbor::AsBytes(*response->attestation_payload));
    if (readable.ok()) session.challenge = *std::move(readable);
  }
  if (session.challenge.has_value()) session.opened = Open(session, *session.challenge);
}

// An unknown epoch, a MAC that differs or a moment that has not come may mean that keys,
// configuration or time are older here than elsewhere: they are read once more, if that was not
// done within the last second.
absl::StatusOr<Challenge> SessionEngine::Open(Session& session, std::string_view challenge) {
  auto keys = dependencies_.keys.Get();
  if (!keys.ok()) return keys.status();
  auto opened =
      OpenChallenge(keys->keys(), session.endpoint->binding, keys->now(), cbor::AsBytes(challenge));
  if (opened.ok() || !MayBeLiftedByRefresh(opened.status())) return opened;
  keys = dependencies_.keys.Refresh();
  if (!keys.ok()) return keys.status();
  auto endpoint = dependencies_.endpoints.Refresh(session.endpoint->path);
  if (!endpoint.ok()) return endpoint.status();
  session.endpoint = *std::move(endpoint);
  return OpenChallenge(keys->keys(), session.endpoint->binding, keys->now(),
                       cbor::AsBytes(challenge));
}

// What was read within the last second may still be older than the challenge. Whoever signs with a
// registered key has it read again, as long as it may be answered without state at all.
void SessionEngine::ReopenIfRefused(Session& session) {
  if (!session.challenge.has_value() || session.opened.ok() ||
      !MayBeLiftedByRefresh(session.opened.status()) || !devices_.HasToken(KeyOf(session))) {
    return;
  }
  const auto keys = dependencies_.keys.RefreshSince(session.arrived);
  const auto endpoint =
      dependencies_.endpoints.RefreshSince(session.endpoint->path, session.arrived);
  if (!keys.ok() || !endpoint.ok()) {
    session.opened = absl::UnavailableError("keys or configuration cannot be read");
    return;
  }
  session.endpoint = *endpoint;
  session.opened = OpenChallenge(keys->keys(), session.endpoint->binding, keys->now(),
                                 cbor::AsBytes(*session.challenge));
}

bool SessionEngine::IsUsed(const Session& session) {
  return session.opened.ok() && session.opened->issue_ms <= session.device.guard().last_issue_ms();
}

}  // namespace tam::gateway
