// The claims of the two tokens: ATTESTATION.md section 10, draft-ffm-rats-cca-token.
#ifndef TAMARACK_SERVICES_ATTESTATION_CCA_CLAIMS_H_
#define TAMARACK_SERVICES_ATTESTATION_CCA_CLAIMS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "crypto/keys/key.h"
#include "crypto/verify/verify.h"
#include "services/attestation/evidence/token.h"
#include "services/attestation/psa/components.h"

namespace tam::attestation::cca {

inline constexpr size_t kExtensible = 4;  // measurements of a realm beside the initial one

struct PlatformClaims {
  // "tag:arm.com,2023:cca_platform#1.0.0" or "http://arm.com/CCA-SSD/1.0.0"
  std::string profile;
  std::string challenge;  // 32, 48 or 64 octets: the digest of the realm's key
  std::string implementation_id;
  std::string instance_id;  // 33 octets, the first 0x01
  std::string config;
  uint16_t lifecycle = 0;
  std::string hash;  // "sha-256", "sha-384" or "sha-512": of components that name none
  std::vector<psa::Component> components;
  std::string verification_service;  // never dereferenced
};

// The key that signs the realm token, which says it itself: believed once the platform does.
struct RealmKey {
  keys::PublicKey key;
  std::string carried;  // what the platform's challenge is the digest of
  verify::Hash hash;
};

struct RealmClaims {
  // "tag:arm.com,2023:realm#1.0.0", "tag:arm.com,2024:realm#2.0.0"; empty: the legacy one
  std::string profile;
  std::string challenge;        // 64 octets
  std::string personalization;  // 64 octets
  std::string hash;
  std::string initial;                              // RIM
  std::array<std::string, kExtensible> extensible;  // REMs
};

// Findings "platform.NAME". Each component's value has the size of its hash.
OrFinding<PlatformClaims> ReadPlatformClaims(Bytes payload);

// Findings "realm.NAME". Of an unverified payload. Without a profile the key is a point of P-384,
// 97 octets; with one a COSE_Key.
OrFinding<RealmKey> ReadRealmKey(Bytes payload);

// Findings "realm.NAME". The measurements have the size of the hash.
OrFinding<RealmClaims> ReadRealmClaims(Bytes payload);

}  // namespace tam::attestation::cca

#endif  // TAMARACK_SERVICES_ATTESTATION_CCA_CLAIMS_H_
