// A CCA token that is right in every claim, to be spoilt by tests.
#ifndef TAMARACK_SERVICES_ATTESTATION_CCA_CCA_FIXTURE_H_
#define TAMARACK_SERVICES_ATTESTATION_CCA_CCA_FIXTURE_H_

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/verify/verify.h"
#include "gtest/gtest.h"
#include "services/attestation/cca/cca.h"
#include "services/attestation/cca/testing/builder.h"
#include "services/attestation/evidence/testing/token_signer.h"

namespace tam::attestation {

// A platform with its key, or a realm with its own.
struct CcaKeys {
  testing::SigningKey platform = testing::SigningKey::Generate(verify::Kind::kP384);
  testing::SigningKey realm = testing::SigningKey::Generate(verify::Kind::kP384);
};

class CcaTest : public ::testing::Test {
 protected:
  CcaTest() {
    trusted_.keys = {testing::PublicOf(keys_.platform)};
    platform_token_ = testing::SignedBy(keys_.platform);
    UseRealmKey(keys_.realm);
    subject_.nonce = realm_.challenge;
    subject_.at = absl::FromUnixSeconds(1'790'000'000);
  }

  // Signs the realm token, carried in the form that the realm's profile wants, and bound.
  void UseRealmKey(const testing::SigningKey& key) {
    realm_token_ = testing::SignedBy(key);
    realm_.public_key =
        realm_.profile.empty() ? "\x04" + key.X() + key.Y() : testing::PublicOf(key).cose_key();
    platform_.challenge = verify::Digest(verify::Hash::kSha256, cbor::AsBytes(realm_.public_key));
  }
  std::string PlatformToken() const {
    return testing::BuildToken(
        testing::EncodeClaims(testing::CcaPlatformClaims(platform_), platform_changes_),
        platform_token_);
  }
  std::string RealmToken() const {
    return testing::BuildToken(
        testing::EncodeClaims(testing::CcaRealmClaims(realm_), realm_changes_), realm_token_);
  }
  std::string Build(uint64_t tag = 399) const {
    return testing::BuildCca(PlatformToken(), RealmToken(), tag);
  }
  EvidenceVerdict VerifyBytes(const std::string& bytes) const {
    EvidenceInput input;
    input.evidence = cbor::AsBytes(bytes);
    input.profile = profile_;
    return VerifyCca(input, trusted_, subject_);
  }
  EvidenceVerdict Verify() const { return VerifyBytes(Build()); }
  // The claim of the one finding; empty where the token is authentic.
  static std::string Why(const EvidenceVerdict& verdict) {
    EXPECT_EQ(verdict.claims.has_value(), verdict.unauthentic.empty());
    EXPECT_LE(verdict.unauthentic.size(), 1u);
    return verdict.unauthentic.empty() ? "" : verdict.unauthentic[0].claim;
  }
  std::string Why() const { return Why(Verify()); }

  CcaKeys keys_;
  testing::CcaPlatformSpec platform_;
  testing::CcaRealmSpec realm_;
  testing::ClaimChanges platform_changes_;
  testing::ClaimChanges realm_changes_;
  testing::TokenSpec platform_token_;
  testing::TokenSpec realm_token_;
  TrustedInput trusted_;
  Subject subject_;
  std::string profile_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_CCA_CCA_FIXTURE_H_
