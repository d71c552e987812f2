// Arm CCA tokens as a platform makes them.
#ifndef TAMARACK_SERVICES_ATTESTATION_CCA_TESTING_BUILDER_H_
#define TAMARACK_SERVICES_ATTESTATION_CCA_TESTING_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/attestation/evidence/testing/token_builder.h"
#include "services/attestation/psa/testing/builder.h"

namespace tam::attestation::testing {

struct CcaPlatformSpec {
  std::string profile = "tag:arm.com,2023:cca_platform#1.0.0";
  std::string challenge;  // the digest of the realm's key
  std::string implementation_id = std::string(32, 'm');
  std::string instance_id = "\x01" + std::string(32, 'i');
  std::string config = "\xcf\xcf";
  uint16_t lifecycle = 0x3000;
  std::string hash_algorithm = "sha-256";
  std::vector<PsaComponent> components = {PsaComponent()};
};
EncodedClaims CcaPlatformClaims(const CcaPlatformSpec& spec);

struct CcaRealmSpec {
  std::string profile = "tag:arm.com,2023:realm#1.0.0";  // empty: none
  std::string challenge = std::string(64, 'n');
  std::string personalization = std::string(64, 'p');
  std::string hash_algorithm = "sha-256";
  std::string public_key;  // a COSE_Key, or where there is no profile 04, x, y of P-384
  std::string public_key_hash_algorithm = "sha-256";
  std::string initial = std::string(32, 'r');
  std::vector<std::string> extensible = std::vector<std::string>(4, std::string(32, 'e'));
};
EncodedClaims CcaRealmClaims(const CcaRealmSpec& spec);

// Of two tokens: tag 399, or with tag 907 as records of content-format 263.
std::string BuildCca(const std::string& platform, const std::string& realm, uint64_t tag = 399);

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_CCA_TESTING_BUILDER_H_
