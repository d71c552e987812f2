// Verdicts of quotes of the test platform, for the tests of this room.
#ifndef TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFY_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFY_FIXTURE_H_

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/attestation/dcap/testing/test_platform.h"
#include "services/attestation/dcap/verifier.h"

namespace tam::attestation::dcap::testing {

inline Bytes AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline EvidenceVerdict Verify(Tee tee, const std::string& quote, const TrustedInput& trusted,
                              const Subject& subject = {.at = kNow, .nonce = std::nullopt},
                              EvidenceInput input = {}) {
  input.evidence = AsBytes(quote);
  return tee == Tee::kTdx ? VerifyTdx(input, trusted, subject) : VerifySgx(input, trusted, subject);
}

inline EvidenceVerdict Verify(const PlatformSpec& spec, absl::Time at = kNow) {
  const TestPlatform platform(spec);
  return Verify(spec.tee, platform.Quote(), platform.Trusted(), {.at = at, .nonce = std::nullopt});
}

// The claim of the one reason for which it is not authentic; else "authentic".
inline std::string Claim(const EvidenceVerdict& verdict) {
  if (verdict.authentic()) return "authentic";
  EXPECT_FALSE(verdict.claims.has_value());
  EXPECT_EQ(verdict.trust, TrustVector::CryptoFailed());
  EXPECT_EQ(verdict.unauthentic.size(), 1U);
  return verdict.unauthentic.front().claim;
}

inline std::vector<std::string> Claims(const std::vector<Finding>& findings) {
  std::vector<std::string> claims;
  for (const Finding& finding : findings) claims.push_back(finding.claim);
  return claims;
}

}  // namespace tam::attestation::dcap::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_DCAP_VERIFY_FIXTURE_H_
