// Any bytes as a COSE_Encrypt or COSE_Encrypt0. What parses is opened by no key of ours (no input
// holds a message for keys that change with every run), always in the same words; sealing its
// ciphertext anew gives a message that opens; every refusal says why.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"

namespace tam::cose {
namespace {

using keys::AgreementCurve;
using keys::AgreementKey;

void Require(bool condition) {
  if (!condition) std::abort();
}

const AgreementKey& Key(AgreementCurve curve) {
  static const auto& p256 = *new AgreementKey(AgreementKey::Generate(AgreementCurve::kP256));
  static const auto& x25519 = *new AgreementKey(AgreementKey::Generate(AgreementCurve::kX25519));
  return curve == AgreementCurve::kP256 ? p256 : x25519;
}

void RequireRefusal(const absl::StatusOr<DecryptedPayload>& result) {
  Require(!result.ok() && !result.status().message().empty());
}

void CheckMessage(const EncryptedMessage& message, const AgreementKey& key) {
  const absl::StatusOr<DecryptedPayload> attached = message.Decrypt(key, kEatEncryption);
  RequireRefusal(attached);
  const bool sound = message.has_recipients() && !message.detached();
  Require(sound == absl::IsUnauthenticated(attached.status()));
  RequireRefusal(message.DecryptDetached(key, kEatEncryption, cbor::AsBytes("ciphertext")));
}

void CheckSealing(Bytes plaintext, const AgreementKey& key, ContentAlgorithm algorithm) {
  const auto sealed = Encrypt(key.public_key(), plaintext, algorithm, kSuitReportEncryption,
                              secret::RandomSource::System());
  Require(sealed.ok());
  const auto message = EncryptedMessage::Parse(cbor::AsBytes(*sealed), TagRule::kRequired);
  Require(message.ok());
  const auto opened = message->Decrypt(key, kSuitReportEncryption);
  Require(opened.ok() && opened->bytes() == plaintext);
}

void CheckInput(Bytes input) {
  const auto tagged = EncryptedMessage::Parse(input, TagRule::kRequired);
  const auto message = EncryptedMessage::Parse(input, TagRule::kOptional);
  Require(!tagged.ok() || message.ok());
  if (!message.ok()) {
    Require(!message.status().message().empty());
    return;
  }
  Require(message->recipients().empty() != message->has_recipients());
  Require(message->recipients().size() <= kMaxRecipients);
  for (const AgreementCurve curve : {AgreementCurve::kP256, AgreementCurve::kX25519}) {
    CheckMessage(*message, Key(curve));
    CheckSealing(input, Key(curve), message->algorithm());
  }
  const std::string secret(16, 's');
  if (message->algorithm() != ContentAlgorithm::kA128Ctr && !message->detached()) {
    RequireRefusal(message->DecryptWithSecret(cbor::AsBytes(secret)));
  }
}

}  // namespace
}  // namespace tam::cose

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::cose::CheckInput(tam::cose::Bytes(data, size));
  return 0;
}
