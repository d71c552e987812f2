// Whose a token is, whether it is fresh, and what is thought of what it says.
#include "services/attestation/psa/psa.h"

#include "absl/strings/escaping.h"
#include "services/attestation/psa/psa_fixture.h"

namespace tam::attestation {
namespace {

using testing::PublicOf;
using testing::SignedBy;
using testing::SigningKey;
using verify::Kind;

TEST_F(PsaTest, AcceptsEachProfile) {
  for (const char* profile :
       {"tag:psacertified.org,2023:psa#tfm", "http://arm.com/psa/2.0.0", "PSA_IOT_PROFILE_1"}) {
    spec_.profile = profile;
    for (const std::string& media : {std::string(), spec_.profile}) {
      profile_ = media;
      const EvidenceVerdict verdict = Verify();
      ASSERT_EQ(Why(verdict), "") << profile;
      EXPECT_TRUE(verdict.refused.empty() && verdict.warned.empty());
      EXPECT_EQ(verdict.trust, (TrustVector{2, 2, 0, 2}));
      EXPECT_EQ(verdict.claims->instance, "01" + absl::BytesToHexString(std::string(32, 'i')));
      EXPECT_EQ(verdict.claims->platform_class, absl::BytesToHexString(std::string(32, 'm')));
      EXPECT_EQ(verdict.claims->measurements.at("BL"), std::string(32, 'v'));
      EXPECT_EQ(verdict.claims->key, PublicOf(iak_).thumbprint());
      EXPECT_TRUE(verdict.claims->key_is_the_devices);
      EXPECT_FALSE(verdict.claims->debug);
    }
  }
}

TEST_F(PsaTest, AcceptsEachCurveWithItsAlgorithm) {
  for (const Kind kind : {Kind::kP256, Kind::kP384, Kind::kP521}) {
    const SigningKey key = SigningKey::Generate(kind);
    token_ = SignedBy(key);
    trusted_.keys = {PublicOf(key)};
    EXPECT_EQ(Why(), "");
  }
}

TEST_F(PsaTest, AnAlgorithmThatIsNotTheKeysIsRefused) {
  for (const Kind kind : {Kind::kP256, Kind::kP384, Kind::kP521}) {
    const SigningKey key = SigningKey::Generate(kind);
    const auto own = SignedBy(key);
    trusted_.keys = {PublicOf(key)};
    for (const int64_t algorithm : {-7, -35, -36, -8, -19, -9, -51, -52, 5, 0, 1}) {
      token_ = own;
      token_.algorithm = algorithm;
      // The fully specified numbers say the same as the key's own.
      const bool same = algorithm == (kind == Kind::kP256 ? -9 : kind == Kind::kP384 ? -51 : -52);
      const bool fits = algorithm == own.algorithm || same;
      EXPECT_EQ(Why(), fits ? "" : "alg") << algorithm;
    }
  }
}

TEST_F(PsaTest, AlgorithmStandsInTheProtectedBucketAlone) {
  token_.algorithm = std::nullopt;
  EXPECT_EQ(Why(), "alg");
  token_.unprotected = {{1, testing::Number(-7)}};
  EXPECT_EQ(Why(), "alg");
  token_.algorithm = -7;
  EXPECT_EQ(Why(), "alg");
}

TEST_F(PsaTest, OutsideTheSignatureStandNoOtherHeaders) {
  token_.unprotected = {{4, testing::Octets("key 1")}};
  EXPECT_EQ(Why(), "");
  token_.unprotected = {{5, testing::Octets("iv")}};
  EXPECT_EQ(Why(), "header");
}

// The one thing that may change: it decides nothing.
TEST_F(PsaTest, OnlyAKidIsNotCovered) {
  const std::string kid = "key 1";
  token_.unprotected = {{4, testing::Octets(kid)}};
  const std::string good = Build();
  const size_t at = good.find(kid);
  std::string spoilt = good;
  for (size_t i = 0; i < good.size(); ++i) {
    spoilt[i] ^= 1;
    EXPECT_EQ(VerifyBytes(spoilt).authentic(), i >= at && i < at + kid.size()) << i;
    spoilt[i] = good[i];
  }
}

TEST_F(PsaTest, OtherTagsAreRefused) {
  for (const std::optional<uint64_t> tag :
       {std::optional<uint64_t>(), std::optional<uint64_t>(17), std::optional<uint64_t>(98),
        std::optional<uint64_t>(61), std::optional<uint64_t>(16)}) {
    token_.tag = tag;
    EXPECT_EQ(Why(), "tag");
  }
  token_.tag = 18;
  EXPECT_EQ(Why(VerifyBytes("\xd2" + Build())), "token");    // twice
  EXPECT_EQ(Why(VerifyBytes("\xd8\x3d" + Build())), "tag");  // a CWT's before it
}

TEST_F(PsaTest, AnotherKeysTokenIsRefused) {
  const SigningKey other = SigningKey::Generate(Kind::kP256);
  trusted_.keys = {PublicOf(other)};
  EXPECT_EQ(Why(), "signature");
  trusted_.keys.push_back(PublicOf(iak_));
  EXPECT_EQ(Why(), "");
  trusted_.keys.clear();
  EXPECT_EQ(Why(), "anchor");
}

TEST_F(PsaTest, FewRegisteredKeysAreTried) {
  const keys::PublicKey own = trusted_.keys[0];
  const keys::PublicKey other = PublicOf(SigningKey::Generate(Kind::kP256));
  trusted_.keys.assign(7, other);
  trusted_.keys.push_back(own);
  EXPECT_EQ(Why(), "");
  trusted_.keys.insert(trusted_.keys.begin(), other);
  EXPECT_EQ(Why(), "signature");
}

TEST_F(PsaTest, AnInstanceWhoseKeyIsAnotherIsRefused) {
  trusted_.key_instances[trusted_.keys[0].thumbprint()] = spec_.instance_id;
  EXPECT_EQ(Why(), "");
  spec_.instance_id.back() = 'x';
  const EvidenceVerdict verdict = Verify();
  EXPECT_EQ(Why(verdict), "instance_id");
  EXPECT_EQ(verdict.unauthentic[0].found, HexText(spec_.instance_id));
}

TEST_F(PsaTest, NonceIsComparedWhole) {
  for (const size_t size : {32, 48, 64}) {
    spec_.nonce = std::string(size, 'n');
    subject_.nonce = spec_.nonce;
    EXPECT_EQ(Why(), "") << size;
  }
  subject_.nonce = std::string(48, 'n');  // a prefix of the token's
  EXPECT_EQ(Why(), "nonce");
  spec_.nonce = std::string(32, 'n');  // a prefix of what was asked for
  EXPECT_EQ(Why(), "nonce");
  subject_.nonce = std::string(31, 'n') + "o";
  EXPECT_EQ(Why(), "nonce");
  subject_.nonce = std::nullopt;
  EXPECT_EQ(Why(), "");
}

struct LifecycleRow {
  uint16_t value;
  char verdict;  // accept, warn, refuse
  bool debug;
  int8_t configuration;
};

TEST_F(PsaTest, OnlyTheSecuredLifecycleIsAffirmed) {
  for (const LifecycleRow& row :
       {LifecycleRow{0x3000, 'a', false, 2}, LifecycleRow{0x30ff, 'a', false, 2},
        LifecycleRow{0x2fff, 'r', false, 96}, LifecycleRow{0x3100, 'r', false, 96},
        LifecycleRow{0x0000, 'r', false, 96}, LifecycleRow{0x1000, 'r', false, 96},
        LifecycleRow{0x2000, 'r', false, 96}, LifecycleRow{0x4000, 'w', true, 32},
        LifecycleRow{0x5000, 'r', true, 96}, LifecycleRow{0x50ff, 'r', true, 96},
        LifecycleRow{0x6000, 'r', false, 96}, LifecycleRow{0xffff, 'r', false, 96}}) {
    spec_.lifecycle = row.value;
    const EvidenceVerdict verdict = Verify();
    ASSERT_TRUE(verdict.authentic());
    EXPECT_EQ(verdict.refused.size(), row.verdict == 'r' ? 1u : 0u) << row.value;
    EXPECT_EQ(verdict.warned.size(), row.verdict == 'w' ? 1u : 0u) << row.value;
    EXPECT_EQ(verdict.claims->debug, row.debug) << row.value;
    EXPECT_EQ(verdict.trust.configuration, row.configuration) << row.value;
  }
  spec_.lifecycle = 0x5000;
  const Finding want = {"lifecycle", "0x3000..0x30ff (secured)",
                        "0x5000 (recoverable debug of the root of trust)"};
  EXPECT_EQ(Verify().refused, std::vector<Finding>{want});
}

TEST_F(PsaTest, CallersOfTheNonSecureWorldAreTold) {
  EXPECT_EQ(Verify().claims->numbers.at("client_is_secure"), 1u);
  for (const int32_t id : {0, -1, INT32_MIN}) {
    spec_.client_id = id;
    EXPECT_EQ(Verify().claims->numbers.at("client_is_secure"), 0u) << id;
  }
}

TEST_F(PsaTest, AMacWantsASharedKeyAndIsRefusedByDefault) {
  const std::string secret(32, 'k');
  const keys::MacKey key = *keys::MacKey::FromBytes(cbor::AsBytes(secret));
  token_.tag = 17;
  token_.algorithm = 5;
  token_.sign = [key](std::string_view covered) {
    const auto mac = key.Mac(cbor::AsBytes(covered));
    return std::string(mac.begin(), mac.end());
  };
  EXPECT_EQ(Why(), "tag");
  trusted_.mac_keys = {*keys::MacKey::FromBytes(cbor::AsBytes(std::string(32, 'x')))};
  EXPECT_EQ(Why(), "mac");
  trusted_.mac_keys.push_back(key);
  const EvidenceVerdict verdict = Verify();
  EXPECT_EQ(Why(verdict), "");
  ASSERT_EQ(verdict.refused.size(), 1u);
  EXPECT_EQ(verdict.refused[0].claim, "mac");
  EXPECT_FALSE(verdict.claims->key_is_the_devices);
  EXPECT_EQ(verdict.claims->key, keys::Thumbprint{});
  token_.algorithm = 4;  // eight octets of it
  EXPECT_EQ(Why(), "alg");
}

// All that an attacker knows is the public key.
TEST_F(PsaTest, APublicKeyIsNoSecret) {
  for (const std::string& secret : {iak_.Spki(), PublicOf(iak_).cose_key(), iak_.X()}) {
    const keys::MacKey key = *keys::MacKey::FromBytes(cbor::AsBytes(secret));
    token_.tag = 17;
    token_.algorithm = 5;
    token_.sign = [key](std::string_view covered) {
      const auto mac = key.Mac(cbor::AsBytes(covered));
      return std::string(mac.begin(), mac.end());
    };
    EXPECT_EQ(Why(), "tag");
  }
}

TEST_F(PsaTest, TheInstanceCanBeReadForLookUp) {
  const std::string bytes = Build();
  EXPECT_EQ(UnverifiedPsaInstance(cbor::AsBytes(bytes)), spec_.instance_id);
  EXPECT_EQ(UnverifiedPsaInstance(cbor::AsBytes(bytes.substr(1))), std::nullopt);
}

}  // namespace
}  // namespace tam::attestation
