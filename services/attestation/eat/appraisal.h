// What an appraisal says: findings, a trust vector (draft-ietf-rats-ar4si), and the claims that
// were authentic.
#ifndef TAMARACK_SERVICES_ATTESTATION_EAT_APPRAISAL_H_
#define TAMARACK_SERVICES_ATTESTATION_EAT_APPRAISAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "teep/eat/eat.h"

namespace tam::attestation {

// One thing that was wrong. Texts have at most 256 bytes; bytes stand in hexadecimal.
struct Finding {
  std::string claim;     // "eat_nonce", "measurements.tee-os", "signature"
  std::string expected;  // empty: anything present
  std::string found;     // empty: nothing
  bool operator==(const Finding&) const = default;
};

// AR4SI tiers; the values are those of EAR's ear_status.
enum class Tier : int { kNone = 0, kAffirming = 2, kWarning = 32, kContraindicated = 96 };
std::string_view TierName(Tier tier);
// -1..1 none, 2..31 affirming, 32..95 warning, 96.. contraindicated, negative ones mirrored.
Tier TierOf(int8_t value);

// The claims of the vector that evidence of an EAT says something about; 0: nothing is asserted.
struct TrustVector {
  int8_t instance_identity = 0;
  int8_t configuration = 0;
  int8_t executables = 0;
  int8_t hardware = 0;
  bool operator==(const TrustVector&) const = default;

  // 99 in every claim: cryptographic validation failed.
  static TrustVector CryptoFailed() { return {99, 99, 99, 99}; }
  // The worst claim that is not 0; none where all are.
  Tier Status() const;
  // "instance-identity=2 configuration=2 ...".
  std::string ToString() const;
};

struct Appraisal {
  std::vector<Finding> findings;
  TrustVector trust;
  // Set when the token's signature verified, whatever the findings.
  std::optional<eat::Claims> claims;

  // A warning refuses like a contraindication: nothing is delivered on doubt.
  bool accepted() const { return findings.empty() && trust.Status() == Tier::kAffirming; }
};

// Lower-case hexadecimal of at most 64 bytes, then "…" with the size.
std::string HexText(std::string_view bytes);
// Cut to 256 bytes.
Finding MakeFinding(std::string_view claim, std::string_view expected, std::string_view found);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EAT_APPRAISAL_H_
