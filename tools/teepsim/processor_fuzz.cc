// Any bytes as a manifest that a trusted author signed: processing it ends, what failed changes
// nothing, and the report of either outcome reads back as it was written.
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "teep/suit/author.h"
#include "teep/suit/report.h"
#include "tools/teepsim/suit_processor/processor.h"

namespace tam::teepsim {
namespace {

using suit::ComponentId;

void Require(bool condition) {
  if (!condition) std::abort();
}

const keys::PrivateKey& Author() {
  static const auto& key =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  return key;
}

// One manifest with one component.
class OneInstalled : public Holdings {
 public:
  std::optional<std::string> ReadComponent(const ComponentId& id) const override {
    if (id == kComponent) return "content";
    return std::nullopt;
  }
  std::optional<ComponentId> OwnerOf(const ComponentId& id) const override {
    if (id == kComponent) return kManifest;
    return std::nullopt;
  }
  std::optional<InstalledManifest> FindManifest(const ComponentId& id) const override {
    if (id == kManifest) return InstalledManifest{3, {-16, std::string(32, 'd')}};
    return std::nullopt;
  }

 private:
  const ComponentId kComponent = {"c"};
  const ComponentId kManifest = {"c", "m"};
};

class EchoPayloads : public PayloadSource {
 public:
  absl::StatusOr<std::string> Fetch(std::string_view uri, size_t max_bytes) override {
    if (uri.size() > max_bytes) return absl::OutOfRangeError("larger than the manifest says");
    return std::string(uri);
  }
};

void CheckOutcome(const Outcome& outcome, const ComponentId& reserved) {
  Require(outcome.ok() == outcome.problem.empty());
  Require(outcome.ok() || outcome.changes.empty());
  Require(!outcome.changes.contains(reserved));
  const auto encoded = suit::EncodeReport(outcome.report);
  Require(encoded.ok());
  const auto again = suit::ParseReport(cbor::AsBytes(*encoded));
  Require(again.ok() && *again == outcome.report);
}

void CheckManifest(suit::Bytes input) {
  const auto bytes = suit::SignManifest(cbor::AsView(input), {{"#tc", "payload"}}, Author());
  Require(bytes.ok());
  auto envelope = suit::Envelope::Parse(cbor::AsBytes(*bytes));
  if (!envelope.ok()) {
    Require(!envelope.status().message().empty());
    return;
  }
  const keys::PublicKey anchors[] = {Author().public_key()};
  const auto verified = suit::VerifiedEnvelope::Verify(*std::move(envelope), anchors);
  Require(verified.ok());
  const ComponentId reserved = {"r"};
  const ProcessorIdentity identity{.vendor_id = std::string(16, 'v'),
                                   .class_id = std::string(16, 'c'),
                                   .device_id = std::string(16, 'd'),
                                   .slot = 0,
                                   .reserved = {reserved}};
  const OneInstalled holdings;
  EchoPayloads payloads;
  SuitProcessor processor(identity, holdings, payloads);
  CheckOutcome(processor.Install(*verified), reserved);
  CheckOutcome(processor.Uninstall(*verified), reserved);
}

}  // namespace
}  // namespace tam::teepsim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::teepsim::CheckManifest(tam::suit::Bytes(data, size));
  return 0;
}
