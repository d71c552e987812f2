// IAKs that a maker's certificate vouches for.
#include "services/attestation/psa/psa_fixture.h"

namespace tam::attestation {
namespace {

using verify::testing::Issued;
using verify::testing::IssueSpec;

IssueSpec Named(const char* name, bool authority, uint64_t serial = 1) {
  IssueSpec spec;
  spec.common_name = name;
  spec.authority = authority;
  spec.serial = serial;
  return spec;
}

// A maker's root and authority, and a device's certificate for the key of the fixture.
class PsaChainTest : public PsaTest {
 protected:
  PsaChainTest() {
    trusted_.keys.clear();
    trusted_.anchors = {root_.der};
    device_ = authority_.Certify(Named("device", false, 7), iak_).der;
    token_.x5chain = {device_, authority_.der};
  }
  Issued root_ = Issued::Root(Named("maker", true));
  Issued authority_ = root_.Below(Named("plant", true, 5));
  std::string device_;
};

TEST_F(PsaChainTest, ALeadToAnAnchorIsEnough) {
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "") << verdict.unauthentic[0].expected << verdict.unauthentic[0].found;
  EXPECT_EQ(verdict.claims->key, keys::Thumbprint{});
  EXPECT_TRUE(verdict.claims->key_is_the_devices);
  EXPECT_EQ(verdict.claims->tcb.until, absl::FromUnixSeconds(1'900'000'000));
  EXPECT_EQ(verdict.claims->numbers.at("revocation_checked"), 0u);
  token_.x5chain.push_back(root_.der);
  EXPECT_EQ(Why(), "");
}

TEST_F(PsaChainTest, TheChainMayTravelBeside) {
  certificates_ = token_.x5chain;
  token_.x5chain.clear();
  EXPECT_EQ(Why(), "");
  certificates_.clear();
  EXPECT_EQ(Why(), "anchor");
}

TEST_F(PsaChainTest, AnotherRootIsRefusedWhateverTheTokenBrings) {
  const Issued other = Issued::Root(Named("maker", true));
  token_.x5chain.push_back(root_.der);
  trusted_.anchors = {other.der};
  EXPECT_TRUE(Why().starts_with("chain")) << Why();
  trusted_.anchors.clear();
  EXPECT_EQ(Why(), "anchor");
}

TEST_F(PsaChainTest, AChainForAnotherKeyIsRefused) {
  const Issued other = authority_.Below(Named("another device", false));
  token_.x5chain[0] = other.der;
  EXPECT_EQ(Why(), "signature");
  token_.x5chain = {authority_.der, device_};
  EXPECT_NE(Why(), "");
}

TEST_F(PsaChainTest, AChainOfMoreThanAnyoneHasIsRefused) {
  while (token_.x5chain.size() < 7) token_.x5chain.push_back(root_.der);
  EXPECT_EQ(Why(), "chain");
}

TEST_F(PsaChainTest, AKeyOfRsaSignsNoToken) {
  IssueSpec spec = Named("device", false);
  spec.kind = verify::Kind::kRsa;
  token_.x5chain[0] = authority_.Below(spec).der;
  EXPECT_EQ(Why(), "alg");
}

TEST_F(PsaChainTest, DatesCountToTheSecond) {
  for (const int64_t second : {1'700'000'000, 1'900'000'000}) {
    subject_.at = absl::FromUnixSeconds(second);
    EXPECT_EQ(Why(), "") << second;
  }
  for (const int64_t second : {1'699'999'999, 1'900'000'001}) {
    subject_.at = absl::FromUnixSeconds(second);
    EXPECT_TRUE(Why().starts_with("chain")) << Why();
  }
}

TEST_F(PsaChainTest, ARevokedKeyIsRefused) {
  trusted_.crls = {authority_.RevocationList({6, 8})};
  EXPECT_EQ(Why(), "");
  EXPECT_EQ(Verify().claims->numbers.at("revocation_checked"), 0u);  // the root's is not there
  trusted_.crls.push_back(root_.RevocationList({6}));
  EXPECT_EQ(Verify().claims->numbers.at("revocation_checked"), 1u);
  trusted_.crls = {authority_.RevocationList({6, 7, 8})};
  EXPECT_TRUE(Why().starts_with("chain")) << Why();
  trusted_.crls = {root_.RevocationList({5})};
  EXPECT_TRUE(Why().starts_with("chain")) << Why();
}

TEST_F(PsaChainTest, EachFlippedByteIsRefused) {
  const std::string good = Build();
  std::string spoilt = good;
  for (size_t i = 0; i < good.size(); ++i) {
    spoilt[i] ^= 1;
    EXPECT_FALSE(VerifyBytes(spoilt).authentic()) << "byte " << i << " of " << good.size();
    spoilt[i] = good[i];
  }
}

}  // namespace
}  // namespace tam::attestation
