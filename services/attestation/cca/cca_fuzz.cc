// Any bytes as a CCA token, as either of its tokens, and as the claims of both. No input holds a
// signature by a key of this run; what is refused has a claim's name, and what is read has what
// must be there.
#include <cstdlib>
#include <string>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "services/attestation/cca/cca.h"
#include "services/attestation/cca/claims.h"
#include "services/attestation/cca/testing/builder.h"

namespace tam::attestation {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

const keys::PrivateKey& Key() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

std::string Signed(Bytes payload) {
  cose::SignOptions options;
  options.older_numbers = true;
  const auto token = cose::Sign1(Key(), payload, options);
  Require(token.ok());
  return *token;
}

// Whatever the realm is: none that a fuzzer makes is bound to a platform.
void CheckRefused(const std::string& evidence) {
  TrustedInput trusted;
  trusted.keys = {Key().public_key()};
  EvidenceInput input;
  input.evidence = cbor::AsBytes(evidence);
  const EvidenceVerdict verdict = VerifyCca(input, trusted, Subject());
  Require(!verdict.authentic() && !verdict.claims.has_value());
  Require(verdict.unauthentic.size() == 1 && !verdict.unauthentic[0].claim.empty());
  Require(verdict.refused.empty() && verdict.warned.empty());
}

template <typename T>
const T* ReadOrReason(const OrFinding<T>& read, std::string_view path) {
  if (const auto* wrong = std::get_if<Finding>(&read)) {
    Require(std::string_view(wrong->claim).starts_with(path));
    return nullptr;
  }
  return &std::get<T>(read);
}

void CheckClaims(Bytes data) {
  const auto platform = cca::ReadPlatformClaims(data);
  if (const auto* claims = ReadOrReason(platform, "platform.")) {
    Require(claims->instance_id.size() == 33 && claims->implementation_id.size() == 32);
    Require(!claims->components.empty() && claims->components.size() <= psa::kMaxComponents);
  }
  const auto key = cca::ReadRealmKey(data);
  if (const auto* read = ReadOrReason(key, "realm.")) Require(!read->carried.empty());
  const auto realm = cca::ReadRealmClaims(data);
  if (const auto* claims = ReadOrReason(realm, "realm.")) {
    Require(claims->challenge.size() == 64);
    for (const std::string& value : claims->extensible) {
      Require(value.size() == claims->initial.size());
    }
  }
}

void CheckInput(Bytes data) {
  CheckRefused(cbor::AsString(data));
  CheckClaims(data);
  const std::string token = Signed(data);
  for (const uint64_t tag : {399, 907}) {
    CheckRefused(testing::BuildCca(token, cbor::AsString(data), tag));
    CheckRefused(testing::BuildCca(token, token, tag));
  }
}

}  // namespace
}  // namespace tam::attestation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::attestation::CheckInput(tam::attestation::Bytes(data, size));
  return 0;
}
