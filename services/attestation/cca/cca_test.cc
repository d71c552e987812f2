// Whose a token is, what it is bound to, and what is thought of what it says.
#include "services/attestation/cca/cca.h"

#include "absl/strings/escaping.h"
#include "services/attestation/cca/cca_fixture.h"

namespace tam::attestation {
namespace {

using testing::PublicOf;
using testing::SignedBy;
using testing::SigningKey;
using verify::Kind;

TEST_F(CcaTest, AcceptsBothWrappersAndBothGenerations) {
  for (const char* profile : {"tag:arm.com,2023:realm#1.0.0", "tag:arm.com,2024:realm#2.0.0", ""}) {
    realm_.profile = profile;
    UseRealmKey(keys_.realm);
    for (const uint64_t tag : {399, 907}) {
      const EvidenceVerdict verdict = VerifyBytes(Build(tag));
      ASSERT_EQ(Why(verdict), "") << profile;
      EXPECT_TRUE(verdict.refused.empty() && verdict.warned.empty());
      EXPECT_EQ(verdict.trust, (TrustVector{2, 2, 0, 2}));
    }
    platform_.profile = "http://arm.com/CCA-SSD/1.0.0";
  }
}

TEST_F(CcaTest, ClaimsAreThoseOfRealmAndPlatform) {
  realm_.extensible[2] = std::string(32, 'x');
  const EvidenceVerdict verdict = Verify();
  ASSERT_EQ(Why(verdict), "");
  const EvidenceClaims& claims = *verdict.claims;
  EXPECT_EQ(claims.instance, "01" + absl::BytesToHexString(std::string(32, 'i')));
  EXPECT_EQ(claims.platform_class, absl::BytesToHexString(std::string(32, 'm')));
  EXPECT_EQ(claims.key, PublicOf(keys_.platform).thumbprint());
  EXPECT_FALSE(claims.key_is_the_devices);
  const std::map<std::string, std::string> want = {
      {"rim", std::string(32, 'r')},        {"rem0", std::string(32, 'e')},
      {"rem1", std::string(32, 'e')},       {"rem2", std::string(32, 'x')},
      {"rem3", std::string(32, 'e')},       {"personalization", std::string(64, 'p')},
      {"platform.BL", std::string(32, 'v')}};
  EXPECT_EQ(claims.measurements, want);
  EXPECT_EQ(claims.details.at("platform.config"), "cfcf");
}

TEST_F(CcaTest, TheMediaTypesProfileNamesTheEatCollection) {
  profile_ = "http://arm.com/CCA-SSD/1.0.0";
  EXPECT_EQ(Why(VerifyBytes(Build(399))), "");
  EXPECT_EQ(Why(VerifyBytes(Build(907))), "tag");
  profile_ = "tag:arm.com,2023:cca_platform#1.0.0";
  EXPECT_EQ(Why(VerifyBytes(Build(399))), "profile");
}

TEST_F(CcaTest, AnotherPlatformsKeyIsRefused) {
  trusted_.keys = {PublicOf(SigningKey::Generate(Kind::kP384))};
  EXPECT_EQ(Why(), "platform.signature");
  trusted_.keys = {PublicOf(SigningKey::Generate(Kind::kP256))};
  EXPECT_EQ(Why(), "platform.alg");
  trusted_.keys = {PublicOf(keys_.realm)};  // the key in the evidence itself
  EXPECT_EQ(Why(), "platform.signature");
  trusted_.keys.clear();
  EXPECT_EQ(Why(), "platform.anchor");
}

TEST_F(CcaTest, AnInstanceWhoseKeyIsAnotherIsRefused) {
  trusted_.key_instances[trusted_.keys[0].thumbprint()] = platform_.instance_id;
  EXPECT_EQ(Why(), "");
  platform_.instance_id.back() = 'x';
  EXPECT_EQ(Why(), "platform.instance_id");
}

// Both signatures are right.
TEST_F(CcaTest, ARealmOfAnotherPlatformIsRefused) {
  const std::string platform = PlatformToken();
  UseRealmKey(SigningKey::Generate(Kind::kP384));
  EXPECT_EQ(Why(), "");
  const std::string realm = RealmToken();
  EXPECT_EQ(Why(VerifyBytes(testing::BuildCca(platform, realm))), "binding");
}

TEST_F(CcaTest, TheRealmsKeySignsTheRealm) {
  realm_token_ = SignedBy(SigningKey::Generate(Kind::kP384));
  EXPECT_EQ(Why(), "realm.signature");
  realm_token_ = SignedBy(keys_.platform);
  EXPECT_EQ(Why(), "realm.signature");
  realm_token_ = SignedBy(SigningKey::Generate(Kind::kP256));
  EXPECT_EQ(Why(), "realm.alg");
}

TEST_F(CcaTest, TheDigestIsByTheHashThatIsNamed) {
  realm_.public_key_hash_algorithm = "sha-512";
  EXPECT_EQ(Why(), "binding");
  platform_.challenge = verify::Digest(verify::Hash::kSha512, cbor::AsBytes(realm_.public_key));
  EXPECT_EQ(Why(), "");
  platform_.challenge.resize(32);
  EXPECT_EQ(Why(), "binding");
  realm_.public_key_hash_algorithm = "sha-1";
  EXPECT_EQ(Why(), "realm.public_key_hash_algorithm");
}

TEST_F(CcaTest, ChallengeIsComparedWhole) {
  subject_.nonce->back() = 'x';
  EXPECT_EQ(Why(), "realm.challenge");
  subject_.nonce = realm_.challenge.substr(0, 32);
  EXPECT_EQ(Why(), "realm.challenge");
  subject_.nonce = realm_.challenge + "n";
  EXPECT_EQ(Why(), "realm.challenge");
  subject_.nonce = platform_.challenge;
  EXPECT_EQ(Why(), "realm.challenge");
  subject_.nonce = std::nullopt;
  EXPECT_EQ(Why(), "");
}

TEST_F(CcaTest, OnlyASecuredPlatformIsAffirmed) {
  platform_.lifecycle = 0x3003;
  EXPECT_TRUE(Verify().refused.empty());
  platform_.lifecycle = 0x4000;
  EvidenceVerdict verdict = Verify();
  ASSERT_EQ(verdict.warned.size(), 1u);
  EXPECT_EQ(verdict.warned[0].claim, "platform.lifecycle");
  for (const uint16_t lifecycle : {0x0000, 0x1000, 0x2000, 0x5000, 0x6000, 0x7000}) {
    platform_.lifecycle = lifecycle;
    verdict = Verify();
    ASSERT_EQ(verdict.refused.size(), 1u) << lifecycle;
    EXPECT_EQ(verdict.trust.configuration, 96);
    EXPECT_EQ(verdict.claims->debug, lifecycle == 0x5000);
  }
}

TEST_F(CcaTest, AMakersChainVouchesForThePlatform) {
  verify::testing::IssueSpec authority;
  authority.common_name = "maker";
  authority.authority = true;
  const auto root = verify::testing::Issued::Root(authority);
  verify::testing::IssueSpec device;
  device.common_name = "platform";
  device.serial = 9;
  platform_token_.x5chain = {root.Certify(device, keys_.platform).der};
  trusted_.keys.clear();
  trusted_.anchors = {root.der};
  EXPECT_EQ(Why(), "");
  EXPECT_EQ(Verify().claims->key, keys::Thumbprint{});
  trusted_.crls = {root.RevocationList({9})};
  EXPECT_TRUE(Why().starts_with("platform.chain")) << Why();
  trusted_.crls.clear();
  subject_.at = device.not_after + absl::Seconds(1);
  EXPECT_TRUE(Why().starts_with("platform.chain")) << Why();
  subject_.at = device.not_before - absl::Seconds(1);
  EXPECT_TRUE(Why().starts_with("platform.chain")) << Why();
}

TEST_F(CcaTest, TheInstanceCanBeReadForLookUp) {
  const std::string bytes = Build();
  EXPECT_EQ(UnverifiedCcaInstance(cbor::AsBytes(bytes)), platform_.instance_id);
  EXPECT_EQ(UnverifiedCcaInstance(cbor::AsBytes(bytes.substr(1))), std::nullopt);
}

}  // namespace
}  // namespace tam::attestation
