#include "services/attestation/cca/testing/builder.h"

#include <utility>

namespace tam::attestation::testing {
namespace {

constexpr uint64_t kTagCmw = 907;
constexpr int64_t kPlatform = 44234;
constexpr int64_t kRealm = 44241;
constexpr uint64_t kEatCwt = 263;

cbor::Writer Part(const std::string& token, uint64_t tag) {
  cbor::Writer writer;
  if (tag == kTagCmw) writer.Array(2).Uint(kEatCwt);
  writer.ByteString(token);
  return writer;
}

}  // namespace

EncodedClaims CcaPlatformClaims(const CcaPlatformSpec& spec) {
  return {{10, Octets(spec.challenge)},
          {256, Octets(spec.instance_id)},
          {265, Text(spec.profile)},
          {2395, Number(spec.lifecycle)},
          {2396, Octets(spec.implementation_id)},
          {2399, EncodeComponents(spec.components)},
          {2400, Text("https://verifier.example")},
          {2401, Octets(spec.config)},
          {2402, Text(spec.hash_algorithm)}};
}

EncodedClaims CcaRealmClaims(const CcaRealmSpec& spec) {
  cbor::Writer extensible;
  extensible.Array(spec.extensible.size());
  for (const std::string& value : spec.extensible) extensible.ByteString(value);
  EncodedClaims claims = {{10, Octets(spec.challenge)},
                          {44235, Octets(spec.personalization)},
                          {44236, Text(spec.hash_algorithm)},
                          {44237, Octets(spec.public_key)},
                          {44238, Octets(spec.initial)},
                          {44239, std::move(extensible).Take()},
                          {44240, Text(spec.public_key_hash_algorithm)}};
  if (!spec.profile.empty()) claims[265] = Text(spec.profile);
  return claims;
}

std::string BuildCca(const std::string& platform, const std::string& realm, uint64_t tag) {
  cbor::MapBuilder map;
  map.Set(kPlatform, Part(platform, tag));
  map.Set(kRealm, Part(realm, tag));
  cbor::Writer writer;
  writer.Tag(tag);
  map.WriteTo(writer);
  return std::move(writer).Take();
}

}  // namespace tam::attestation::testing
