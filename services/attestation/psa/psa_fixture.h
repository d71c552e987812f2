// A PSA token that is right in every claim, to be spoilt by tests.
#ifndef TAMARACK_SERVICES_ATTESTATION_PSA_PSA_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_PSA_PSA_FIXTURE_H_

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "gtest/gtest.h"
#include "services/attestation/evidence/testing/token_signer.h"
#include "services/attestation/psa/psa.h"
#include "services/attestation/psa/testing/builder.h"

namespace tam::attestation {

class PsaTest : public ::testing::Test {
 protected:
  PsaTest() {
    token_ = testing::SignedBy(iak_);
    trusted_.keys = {testing::PublicOf(iak_)};
    subject_.nonce = spec_.nonce;
    subject_.at = absl::FromUnixSeconds(1'790'000'000);
  }

  std::string Build() const {
    return testing::BuildToken(testing::EncodeClaims(testing::PsaClaims(spec_), changes_), token_);
  }
  EvidenceVerdict VerifyBytes(const std::string& bytes) const {
    EvidenceInput input;
    input.evidence = cbor::AsBytes(bytes);
    input.profile = profile_;
    input.certificates = certificates_;
    return VerifyPsa(input, trusted_, subject_);
  }
  EvidenceVerdict Verify() const { return VerifyBytes(Build()); }
  // The claim of the one finding; empty where the token is authentic.
  static std::string Why(const EvidenceVerdict& verdict) {
    EXPECT_EQ(verdict.claims.has_value(), verdict.unauthentic.empty());
    EXPECT_LE(verdict.unauthentic.size(), 1u);
    return verdict.unauthentic.empty() ? "" : verdict.unauthentic[0].claim;
  }
  std::string Why() const { return Why(Verify()); }

  testing::SigningKey iak_ = testing::SigningKey::Generate(verify::Kind::kP256);
  testing::PsaSpec spec_;
  testing::ClaimChanges changes_;
  testing::TokenSpec token_;
  TrustedInput trusted_;
  Subject subject_;
  std::string profile_;
  std::vector<std::string> certificates_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_PSA_PSA_FIXTURE_H_
