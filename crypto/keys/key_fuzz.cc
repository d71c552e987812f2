// Any bytes as a key file, as a public and as a private COSE_Key. Whatever is accepted has one
// canonical form that reads back as the same key; every refusal says why.
#include <cstdlib>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "crypto/keys/key_file.h"

namespace tam::keys {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void CheckPublicKey(const PublicKey& key) {
  const auto again = PublicKey::FromCoseKey(cbor::AsBytes(key.cose_key()), Curves::kAll);
  Require(again.ok() && *again == key && again->cose_key() == key.cose_key());
  const auto from_pem = PublicKey::FromPem(key.ToPem(), Curves::kAll);
  Require(from_pem.ok() && *from_pem == key);
}

void CheckPrivateKey(const PrivateKey& key) {
  const auto again = PrivateKey::FromCoseKey(key.ToCoseKey().Reveal());
  Require(again.ok() && again->public_key() == key.public_key());
  const auto signature = key.Sign(cbor::AsBytes("m"));
  Require(signature.ok());
  Require(key.public_key().Verify(cbor::AsBytes("m"), cbor::AsBytes(*signature)).ok());
}

void CheckAgreementKey(const AgreementKey& key) {
  const auto again = AgreementKey::FromCoseKey(key.ToCoseKey().Reveal());
  Require(again.ok() && again->public_key() == key.public_key());
  const auto other = AgreementKey::Generate(key.public_key().curve());
  const auto one = key.SharedSecret(other.public_key());
  const auto two = other.SharedSecret(key.public_key());
  Require(one.ok() && two.ok() && one->Reveal() == two->Reveal());
}

void CheckAgreementPublicKey(const AgreementPublicKey& key) {
  const auto again = AgreementPublicKey::FromCoseKey(cbor::AsBytes(key.cose_key()));
  Require(again.ok() && *again == key && again->cose_key() == key.cose_key());
  const auto from_pem = AgreementPublicKey::FromPem(key.ToPem());
  Require(from_pem.ok() && *from_pem == key);
}

template <typename Key>
bool RequireReason(const absl::StatusOr<Key>& key) {
  Require(key.ok() || !key.status().message().empty());
  return key.ok();
}

void CheckInput(Bytes input) {
  for (const Curves curves : {Curves::kTeep, Curves::kAll}) {
    const auto key = PublicKey::FromCoseKey(input, curves);
    if (RequireReason(key)) CheckPublicKey(*key);
    const auto spki = PublicKey::FromSpkiDer(input, curves);
    if (RequireReason(spki)) CheckPublicKey(*spki);
  }
  const auto agreement = ParseAgreementKeyFile(input);
  if (RequireReason(agreement)) CheckAgreementKey(*agreement);
  const auto peer = ParseAgreementPublicKeyFile(input);
  if (RequireReason(peer)) CheckAgreementPublicKey(*peer);
  if (const auto key = PrivateKey::FromCoseKey(input); RequireReason(key)) CheckPrivateKey(*key);
  RequireReason(MacKey::FromCoseKey(input));
  const absl::StatusOr<AnyKey> any = ParseKeyFile(input);
  if (!RequireReason(any)) return;
  if (const auto* key = std::get_if<PublicKey>(&*any)) CheckPublicKey(*key);
  if (const auto* key = std::get_if<PrivateKey>(&*any)) CheckPrivateKey(*key);
}

}  // namespace
}  // namespace tam::keys

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::keys::CheckInput(tam::keys::Bytes(data, size));
  return 0;
}
