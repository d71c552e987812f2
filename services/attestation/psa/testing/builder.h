// The claims of a PSA token as a device makes them; in a token by token_builder.h.
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_TESTING_BUILDER_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_TESTING_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/attestation/evidence/testing/token_builder.h"

namespace tam::attestation::testing {

struct PsaComponent {
  std::string type = "BL";
  std::string value = std::string(32, 'v');
  std::string version = "1.2.3";
  std::string signer_id = std::string(32, 's');
  std::string description = "sha-256";
};
// {1, 2, 4, 5, 6}; an empty member is left out. The components of CCA platforms are the same.
std::string EncodeComponents(const std::vector<PsaComponent>& components);

struct PsaSpec {
  // What the token says: of the RFC, "http://arm.com/psa/2.0.0", or "PSA_IOT_PROFILE_1", which
  // makes the labels those of that profile.
  std::string profile = "tag:psacertified.org,2023:psa#tfm";
  std::string nonce = std::string(32, 'n');
  std::string instance_id = "\x01" + std::string(32, 'i');
  int32_t client_id = 3002;
  uint16_t lifecycle = 0x3000;
  std::string implementation_id = std::string(32, 'm');
  std::string boot_seed = std::string(32, 'b');
  std::string certification_reference = "0604565272829-10010";
  std::vector<PsaComponent> components = {PsaComponent()};
  std::string verification_service = "https://verifier.example";
};

EncodedClaims PsaClaims(const PsaSpec& spec);

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_TESTING_BUILDER_H_
