// An envelope that parses owns exactly the bytes given, says why it is refused otherwise, verifies
// under no key that never signed, and the walks over its manifest end.
#include <cstdlib>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "teep/suit/envelope.h"

namespace tam::suit {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

const keys::PublicKey& Anchor() {
  static const auto& key =
      *new keys::PublicKey(keys::PrivateKey::Generate(keys::KeyType::kEd25519)->public_key());
  return key;
}

void CheckEnvelope(Bytes input) {
  auto envelope = Envelope::Parse(input);
  if (!envelope.ok()) {
    Require(!envelope.status().message().empty());
    return;
  }
  Require(envelope->bytes() == cbor::AsView(input));
  Require(envelope->bytes().ends_with(envelope->without_tag()));
  const auto again = Envelope::Parse(cbor::AsBytes(envelope->without_tag()));
  Require(again.ok() && again->computed_digest() == envelope->computed_digest());
  const Manifest& manifest = envelope->unverified_manifest();
  const auto facts = CollectComponentFacts(manifest);
  Require(!facts.ok() || facts->size() == manifest.components.size());
  for (const ComponentId& id : manifest.components) {
    const std::string encoded = EncodeComponentId(id);
    Require(*ParseComponentId(cbor::AsBytes(encoded), "id") == id);
  }
  Require(!VerifiedEnvelope::Verify(*std::move(envelope), {&Anchor(), 1}).ok());
}

}  // namespace
}  // namespace tam::suit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::suit::CheckEnvelope(tam::suit::Bytes(data, size));
  return 0;
}
