// The verifier, and evidence that it takes.
#ifndef TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_FIXTURE_H_

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "gtest/gtest.h"
#include "services/attestation/eat/evidence_claims.h"
#include "services/attestation/eat/verifier.h"
#include "teep/eat/eat.h"

namespace tam::attestation {

inline keys::PrivateKey NewKey(keys::KeyType type = keys::KeyType::kP256) {
  return *keys::PrivateKey::Generate(type);
}
inline std::string Thumbprint(const keys::PublicKey& key) {
  return std::string(key.thumbprint().begin(), key.thumbprint().end());
}

class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() {
    policy_.profiles = {eat::kEvidenceProfile};
    policy_.keys = {attester_.public_key()};
    policy_.reference_values = {{"tee-os", {std::string(32, 'g'), std::string(32, 'h')}}};
    expected_.challenge = std::string(32, 'c');
    expected_.agent = agent_.public_key().thumbprint();
    expected_.at = absl::FromUnixSeconds(1'790'000'000);
    claims_ = EvidenceClaims(agent_.public_key(), expected_.challenge);
    claims_.cnf = eat::Confirmation{std::nullopt, Thumbprint(agent_.public_key()), std::nullopt};
    claims_.issued_at = expected_.at;
  }

  std::string Token(const keys::PrivateKey& key) {
    return *cose::Sign1(key, cbor::AsBytes(eat::EncodeClaims(claims_)));
  }
  Appraisal Appraise(const std::string& format = kEvidenceFormat) {
    return AppraiseEvidence(format, cbor::AsBytes(Token(attester_)), policy_, expected_);
  }
  // The claims of all findings, in order.
  static std::vector<std::string> Claims(const std::vector<Finding>& findings) {
    std::vector<std::string> claims;
    for (const Finding& finding : findings) claims.push_back(finding.claim);
    return claims;
  }
  static std::vector<std::string> Claims(const Appraisal& appraisal) {
    return Claims(appraisal.findings);
  }

  const keys::PrivateKey attester_ = NewKey();
  const keys::PrivateKey agent_ = NewKey(keys::KeyType::kEd25519);
  EvidencePolicy policy_;
  Expectations expected_;
  eat::Claims claims_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_EAT_EVIDENCE_FIXTURE_H_
