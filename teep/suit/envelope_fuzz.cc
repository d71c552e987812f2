// An envelope that parses owns exactly the bytes given, says why it is refused otherwise, verifies
// under no key that never signed, and the walks over its manifest end. Without one of its payloads
// it is the same bytes but for the pair and the map's head.
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

std::string HeadOfMap(size_t pairs) { return std::move(cbor::Writer().MapHead(pairs)).Take(); }

// The envelope's members, without tag and head of the map.
std::string_view Members(const Envelope& envelope, size_t* pairs) {
  const auto document = cbor::Document::Parse(cbor::AsBytes(envelope.without_tag()));
  *pairs = document->root().size();
  return envelope.without_tag().substr(HeadOfMap(*pairs).size());
}

void CheckWithout(const Envelope& envelope, const std::string& name, const std::string& payload) {
  const auto lighter = WithoutPayload(envelope, name);
  Require(lighter.ok() && lighter->computed_digest() == envelope.computed_digest());
  Require(lighter->integrated_payloads().size() + 1 == envelope.integrated_payloads().size());
  Require(!lighter->integrated_payloads().contains(name));
  Require(!WithoutPayload(*lighter, name).ok());
  size_t before_pairs = 0, after_pairs = 0;
  const std::string_view before = Members(envelope, &before_pairs);
  const std::string_view after = Members(*lighter, &after_pairs);
  Require(after_pairs + 1 == before_pairs);
  const std::string pair = std::move(cbor::Writer().Text(name).ByteString(payload)).Take();
  bool found = false;
  for (size_t at = before.find(pair); at != std::string_view::npos && !found;
       at = before.find(pair, at + 1)) {
    found = after.substr(0, at) == before.substr(0, at) &&
            after.substr(at) == before.substr(at + pair.size());
  }
  Require(found);
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
  for (const ComponentId& id : manifest.components) {
    const auto names = PayloadsOf(*envelope, id);
    Require(names.ok() == facts.ok());
    if (!names.ok()) continue;
    for (const std::string& name : *names) Require(envelope->integrated_payloads().contains(name));
  }
  for (const auto& [name, payload] : envelope->integrated_payloads()) {
    CheckWithout(*envelope, name, payload);
  }
  Require(!VerifiedEnvelope::Verify(*std::move(envelope), {&Anchor(), 1}).ok());
}

}  // namespace
}  // namespace tam::suit

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::suit::CheckEnvelope(tam::suit::Bytes(data, size));
  return 0;
}
