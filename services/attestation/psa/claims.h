// The claims of a PSA token: RFC 9783 section 4, and the two profiles before it.
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_CLAIMS_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_CLAIMS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/attestation/evidence/token.h"
#include "services/attestation/psa/components.h"

namespace tam::attestation::psa {

inline constexpr char kTfmProfile[] = "tag:psacertified.org,2023:psa#tfm";
inline constexpr char kArmProfile[] = "http://arm.com/psa/2.0.0";
// Of PSA_IOT_PROFILE_1, in a media type; a token of it says "PSA_IOT_PROFILE_1" or nothing.
inline constexpr char kLegacyProfile[] = "tag:psacertified.org,2019:psa#legacy";
inline constexpr char kIotProfile[] = "PSA_IOT_PROFILE_1";

struct Claims {
  std::string profile;      // kTfmProfile, kArmProfile or kIotProfile
  std::string nonce;        // 32, 48 or 64 octets
  std::string instance_id;  // 33 octets, the first 0x01
  int32_t client_id = 0;    // negative: a caller of the non-secure world; 0 counts as such
  uint16_t lifecycle = 0;
  std::string implementation_id;  // 32 octets
  std::string boot_seed;          // empty, or 8..32 octets
  std::string certification_reference;
  std::vector<Component> components;
  bool no_measurements = false;      // PSA_IOT_PROFILE_1: said in place of components
  std::string verification_service;  // never dereferenced
};

// `profile`: what the media type says; empty: any of the known. Refused, beside wrong types, sizes
// and what is missing: claims of two generations in one token ("profile"), a profile that is
// unknown or not that of the media type. Labels of no generation are ignored (RFC 9711
// section 4.1).
OrFinding<Claims> ReadClaims(Bytes payload, std::string_view profile);

}  // namespace tam::attestation::psa

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_CLAIMS_H_
