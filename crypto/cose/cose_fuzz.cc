// Any bytes as a COSE message. What parses is never verified by a fixed key (no input holds its
// signature), signing the payload anew gives a message that verifies, and every refusal says why.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"

namespace tam::cose {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

template <typename T>
void RequireRefusal(const absl::StatusOr<T>& result) {
  Require(!result.ok() && !result.status().message().empty());
}

// Keys that change with every run: no corpus can hold a signature of theirs.
const keys::PrivateKey& Key(keys::KeyType type) {
  static const auto& p256 =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  static const auto& ed25519 =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  return type == keys::KeyType::kP256 ? p256 : ed25519;
}

void CheckMessage(const Message& message, const keys::PrivateKey& key) {
  const AlgorithmPolicy policy = AlgorithmPolicy::WithOlderNumbers();
  RequireRefusal(message.Verify(key.public_key(), policy));
  RequireRefusal(message.VerifyDetached(key.public_key(), cbor::AsBytes("x"), policy));
  if (!message.unverified_payload().has_value()) return;
  const Bytes payload = cbor::AsBytes(*message.unverified_payload());
  const auto own = Sign1(key, payload);
  Require(own.ok());
  const auto parsed = Message::Parse(cbor::AsBytes(*own), TagRule::kRequired);
  Require(parsed.ok());
  const auto verified = parsed->Verify(key.public_key(), AlgorithmPolicy::Strict());
  Require(verified.ok() && verified->bytes() == payload);
}

void CheckInput(Bytes input) {
  const auto tagged = Message::Parse(input, TagRule::kRequired);
  const auto message = Message::Parse(input, TagRule::kOptional);
  Require(!tagged.ok() || message.ok());
  if (!message.ok()) {
    Require(!message.status().message().empty());
    return;
  }
  Require(!message->signers().empty() && message->signers().size() <= kMaxSigners);
  CheckMessage(*message, Key(keys::KeyType::kP256));
  CheckMessage(*message, Key(keys::KeyType::kEd25519));
}

}  // namespace
}  // namespace tam::cose

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::cose::CheckInput(tam::cose::Bytes(data, size));
  return 0;
}
