// Any bytes as a PSA token, and as the claims of one that is signed. No input holds a signature by
// a key of this run; what is signed is refused with a claim's name, or has the claims that every
// token must have.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "services/attestation/psa/psa.h"

namespace tam::attestation {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void RequireReason(const EvidenceVerdict& verdict) {
  Require(verdict.claims.has_value() == verdict.authentic());
  if (verdict.authentic()) return;
  Require(verdict.unauthentic.size() == 1 && !verdict.unauthentic[0].claim.empty());
  Require(verdict.refused.empty() && verdict.warned.empty());
  Require(verdict.trust == TrustVector::CryptoFailed());
}

void CheckInput(Bytes data) {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  TrustedInput trusted;
  trusted.keys = {key.public_key()};
  EvidenceInput input;
  input.evidence = data;
  const EvidenceVerdict unsigned_verdict = VerifyPsa(input, trusted, Subject());
  Require(!unsigned_verdict.authentic());
  RequireReason(unsigned_verdict);

  cose::SignOptions options;
  options.older_numbers = true;
  const auto token = cose::Sign1(key, data, options);
  Require(token.ok());
  input.evidence = cbor::AsBytes(*token);
  const EvidenceVerdict verdict = VerifyPsa(input, trusted, Subject());
  RequireReason(verdict);
  const auto instance = UnverifiedPsaInstance(input.evidence);
  Require(instance.has_value() == verdict.authentic());
  if (!verdict.authentic()) return;
  Require(instance->size() == 33 && verdict.claims->instance.size() == 66);
  Require(verdict.claims->platform_class.size() == 64);
  Require(!verdict.claims->measurements.empty() || !verdict.refused.empty());
}

}  // namespace
}  // namespace tam::attestation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::attestation::CheckInput(tam::attestation::Bytes(data, size));
  return 0;
}
