// What a device encrypted for the TAM (draft -26 section 8.2). `signing` has the keys; only
// verified messages of registered keys come this far.
#include <variant>

#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/session.h"

namespace tam::gateway {
namespace {

// Of one message, so that its calls are bounded.
constexpr int kMaxDecryptions = 16;

// 0xd860: tag 96, COSE_Encrypt.
bool IsSealed(std::string_view payload) { return payload.substr(0, 2) == "\xd8\x60"; }

}  // namespace

absl::StatusOr<std::string> SessionEngine::Decrypt(Session& session, v1::DecryptUse use,
                                                   std::string_view sealed) {
  if (++session.decryptions > kMaxDecryptions) {
    return absl::UnimplementedError("too many encrypted parts in one message");
  }
  // A recording may come again and again: what it costs is bounded, and the device comes again.
  if (!decryptions_.TryTake(KeyOf(session))) {
    return absl::ResourceExhaustedError("too much of this device to decrypt");
  }
  v1::DecryptRequest request;
  request.set_tenant_uid(session.endpoint->tenant_uid);
  request.set_use(use);
  request.set_message(std::string(sealed));
  auto opened = dependencies_.peers.Decrypt(session.context, request);
  if (absl::IsUnauthenticated(opened.status())) {
    return absl::UnimplementedError(opened.status().message());
  }
  if (!opened.ok()) return opened.status();
  return std::move(*opened->mutable_plaintext());
}

absl::Status SessionEngine::OpenEvidence(Session& session, const teep::Message& message) {
  const auto* response = std::get_if<teep::QueryResponse>(&message);
  if (response == nullptr || !response->attestation_payload.has_value() ||
      !IsSealed(*response->attestation_payload)) {
    return absl::OkStatus();
  }
  auto opened = Decrypt(session, v1::DECRYPT_USE_EAT, *response->attestation_payload);
  if (absl::IsInvalidArgument(opened.status()) || absl::IsUnimplemented(opened.status())) {
    // Without challenge: refused as evidence that cannot be read.
    Record(session, Outcome::kFlagged, opened.status().message());
    return absl::OkStatus();
  }
  if (!opened.ok()) return opened.status();
  session.evidence = *std::move(opened);
  if (session.challenge.has_value()) return absl::OkStatus();  // a token
  FindInEvidence(session, *session.evidence);
  return absl::OkStatus();
}

}  // namespace tam::gateway
