// PreviewEvidence: it finds what the attestation service would refuse whatever was registered.
#include <functional>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "services/attestation/eat/evidence_fixture.h"
#include "services/attestation/eat/verifier.h"

namespace tam::attestation {
namespace {

using cbor::AsBytes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kOthersFormat[] = "application/eat+cwt; eat_profile=\"urn:other\"";

class PreviewTest : public EvidenceTest {
 protected:
  std::vector<std::string> Preview(const keys::PrivateKey& signer,
                                   const std::string& format = kEvidenceFormat) {
    return Claims(PreviewEvidence(format, AsBytes(Token(signer)), known_, expected_));
  }
  std::vector<keys::PublicKey> known_ = {agent_.public_key()};
};

TEST_F(PreviewTest, WhoeverMayHaveSignedWhatIsRight) {
  EXPECT_THAT(Preview(attester_), IsEmpty());
  EXPECT_THAT(Preview(NewKey()), IsEmpty());
}

TEST_F(PreviewTest, AKnownKeyThatIsNamedMustHaveSigned) {
  EXPECT_THAT(Preview(agent_), IsEmpty());
  std::string token = Token(agent_);
  token.back() ^= 1;
  EXPECT_THAT(Claims(PreviewEvidence(kEvidenceFormat, AsBytes(token), known_, expected_)),
              ElementsAre("signature"));
}

// All but what the tenant registers is judged as AppraiseEvidence judges it.
TEST_F(PreviewTest, FindsWhatTheServiceFinds) {
  const eat::Claims good = claims_;
  const std::function<void(eat::Claims&)> kChanges[] = {
      [](auto& c) { c.profile.reset(); },
      [&](auto& c) { c.expires = expected_.at - absl::Seconds(60); },
      [&](auto& c) { c.not_before = expected_.at + absl::Seconds(61); },
      [&](auto& c) { c.issued_at = expected_.at + absl::Seconds(61); },
      [](auto& c) { c.nonces.clear(); },
      [](auto& c) { c.nonce_is_array = true; },
      [](auto& c) { c.cnf.reset(); },
      [](auto& c) { c.ueid = "short"; },
      [](auto& c) { c.oemid.reset(); },
      [](auto& c) { c.hwmodel.reset(); },
      [](auto& c) { c.hwversion.reset(); },
      [](auto& c) { c.dbgstat = 0; },
      [](auto& c) { c.oemboot = false; },
      [](auto& c) { c.measurements[0].content_format = 0; },
  };
  int changed = 0;
  for (const auto& change : kChanges) {
    claims_ = good;
    change(claims_);
    EXPECT_EQ(Preview(attester_), Claims(Appraise())) << changed;
    EXPECT_EQ(Preview(attester_).size(), 1u) << changed;
    ++changed;
  }
}

TEST_F(PreviewTest, NoMeasurementsAreNeverAcceptedByAnyReferenceValues) {
  claims_.measurements.clear();
  EXPECT_THAT(Preview(attester_), ElementsAre("measurements"));
}

TEST_F(PreviewTest, OfAnotherProfileWhatHoldsForEveryTokenIsAsked) {
  claims_ = eat::Claims();
  claims_.nonces = {expected_.challenge};
  EXPECT_THAT(Preview(attester_, kOthersFormat), IsEmpty());
  claims_.profile = eat::kEvidenceProfile;
  claims_.expires = expected_.at - absl::Hours(1);
  claims_.cnf = eat::Confirmation{NewKey().public_key(), {}, {}};
  claims_.nonces = {std::string(32, 'y')};
  EXPECT_THAT(Preview(attester_, kOthersFormat),
              ElementsAre("eat_profile", "exp", "eat_nonce", "cnf"));
}

TEST_F(PreviewTest, FormIsThatOfTheService) {
  for (const char* format : {"application/eat+cwt", "application/psa-attestation-token", "nonsense",
                             "application/eat+cwt; eat_profile=\"urn:other\"; x=y"}) {
    EXPECT_THAT(Preview(attester_, format), ElementsAre("attestation-payload-format")) << format;
  }
  const std::string payload = eat::EncodeClaims(claims_);
  const keys::PrivateKey* const signers[] = {&attester_, &agent_};
  const auto several = cose::Sign(signers, AsBytes(payload));
  ASSERT_TRUE(several.ok());
  for (const std::string& token : {std::string(kMaxEvidenceBytes + 1, 'x'), *several}) {
    EXPECT_THAT(Claims(PreviewEvidence(kEvidenceFormat, AsBytes(token), known_, expected_)),
                ElementsAre("attestation-payload"));
  }
}

}  // namespace
}  // namespace tam::attestation
