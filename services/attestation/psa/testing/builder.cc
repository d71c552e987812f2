#include "services/attestation/psa/testing/builder.h"

#include <utility>

namespace tam::attestation::testing {

std::string EncodeComponents(const std::vector<PsaComponent>& components) {
  cbor::Writer array;
  array.Array(components.size());
  for (const PsaComponent& component : components) {
    cbor::MapBuilder map;
    if (!component.type.empty()) map.Set(1, cbor::Writer().Text(component.type));
    if (!component.value.empty()) map.Set(2, cbor::Writer().ByteString(component.value));
    if (!component.version.empty()) map.Set(4, cbor::Writer().Text(component.version));
    if (!component.signer_id.empty()) map.Set(5, cbor::Writer().ByteString(component.signer_id));
    if (!component.description.empty()) map.Set(6, cbor::Writer().Text(component.description));
    map.WriteTo(array);
  }
  return std::move(array).Take();
}

EncodedClaims PsaClaims(const PsaSpec& spec) {
  const bool legacy = spec.profile == "PSA_IOT_PROFILE_1";
  const bool tfm = !legacy && spec.profile.starts_with("tag:");
  const auto label = [legacy](int64_t newer, int64_t older) { return legacy ? older : newer; };
  EncodedClaims claims = {{label(10, -75008), Octets(spec.nonce)},
                          {label(256, -75009), Octets(spec.instance_id)},
                          {label(265, -75000), Text(spec.profile)},
                          {label(2394, -75001), Number(spec.client_id)},
                          {label(2395, -75002), Number(spec.lifecycle)},
                          {label(2396, -75003), Octets(spec.implementation_id)},
                          {label(2399, -75006), EncodeComponents(spec.components)}};
  if (!spec.boot_seed.empty()) {
    claims[label(tfm ? 268 : 2397, -75004)] = Octets(spec.boot_seed);
  }
  if (!spec.certification_reference.empty()) {
    claims[label(2398, -75005)] = Text(spec.certification_reference);
  }
  if (!spec.verification_service.empty()) {
    claims[label(2400, -75010)] = Text(spec.verification_service);
  }
  return claims;
}

}  // namespace tam::attestation::testing
