#include "absl/status/status.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/cose_key.h"
#include "crypto/keys/key.h"
#include "crypto/text/text.h"

namespace tam::keys {
namespace {

constexpr size_t kMinKeyBytes = 16;

}  // namespace

absl::StatusOr<MacKey> MacKey::FromBytes(Bytes key) {
  if (key.size() < kMinKeyBytes) {
    return absl::InvalidArgumentError(
        Concat("MAC key: want at least ", kMinKeyBytes, " bytes, got ", key.size()));
  }
  return MacKey(std::make_shared<const secret::SecretBytes>(key));
}

absl::StatusOr<MacKey> MacKey::FromCoseKey(Bytes cose_key) {
  const auto document = cbor::Document::Parse(cose_key, cbor::Limits(), "cose-key");
  if (!document.ok()) return document.status();
  const absl::StatusOr<Bytes> k = ReadSymmetricKey(document->root());
  if (!k.ok()) return k.status();
  return FromBytes(*k);
}

std::array<uint8_t, 32> MacKey::Mac(Bytes message) const {
  return secret::HmacSha256(key_->Reveal(), message);
}

absl::Status MacKey::Verify(Bytes message, Bytes tag) const {
  if (secret::ConstantTimeEquals(Mac(message), tag)) return absl::OkStatus();
  return absl::UnauthenticatedError("MAC does not verify");
}

}  // namespace tam::keys
