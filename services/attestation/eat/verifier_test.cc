#include "services/attestation/eat/verifier.h"

#include <functional>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/attestation/eat/evidence_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vectors.h"

namespace tam::attestation {
namespace {

using cbor::AsBytes;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(EvidenceTest, AcceptsWhatIsRight) {
  const Appraisal appraisal = Appraise();
  EXPECT_TRUE(appraisal.accepted());
  EXPECT_THAT(appraisal.findings, IsEmpty());
  EXPECT_EQ(appraisal.trust, (TrustVector{2, 2, 2, 2}));
  EXPECT_EQ(appraisal.trust.Status(), Tier::kAffirming);
  EXPECT_EQ(appraisal.claims, claims_);
}

TEST_F(EvidenceTest, AcceptsEachWayToNameTheAgentKey) {
  TAM_ROW("A22");
  claims_.cnf = eat::Confirmation{agent_.public_key(), std::nullopt, std::nullopt};
  EXPECT_TRUE(Appraise().accepted());
  claims_.cnf = eat::Confirmation{{}, {}, Thumbprint(agent_.public_key())};
  EXPECT_TRUE(Appraise().accepted());
}

TEST_F(EvidenceTest, AudienceAndTimeMayTakeTheNoncesPlace) {
  expected_.challenge.clear();
  expected_.audience = "/tam/acme/main";
  claims_.nonces.clear();
  EXPECT_THAT(Claims(Appraise()), ElementsAre("aud"));
  claims_.audience = "/tam/acme/main";
  EXPECT_TRUE(Appraise().accepted());
  claims_.issued_at = expected_.at - eat::kMaxTimestampAge;
  EXPECT_TRUE(Appraise().accepted());
  claims_.issued_at = expected_.at - eat::kMaxTimestampAge - absl::Seconds(1);
  EXPECT_THAT(Claims(Appraise()), ElementsAre("iat"));
  EXPECT_EQ(Appraise().trust.Status(), Tier::kContraindicated);
  claims_.issued_at.reset();
  EXPECT_THAT(Claims(Appraise()), ElementsAre("iat"));
  claims_.issued_at = expected_.at;
  claims_.audience = "/tam/acme/other";
  EXPECT_THAT(Claims(Appraise()), ElementsAre("aud"));
  claims_.audience = "/tam/acme/main";
  claims_.nonces = {std::string(32, 'n')};
  EXPECT_THAT(Claims(Appraise()), ElementsAre("eat_nonce"));
}

// Each wrong thing alone gives its reason, and no other.
TEST_F(EvidenceTest, EachWrongClaimAloneGivesItsReason) {
  TAM_ROW("T-35", "T-56", "T-58");
  const eat::Claims good = claims_;
  const auto at = expected_.at;
  const struct {
    const char* claim;
    std::function<void(eat::Claims&)> change;
    Tier status;
  } kCases[] = {
      {"eat_profile", [](auto& c) { c.profile = "urn:other"; }, Tier::kAffirming},
      {"eat_profile", [](auto& c) { c.profile.reset(); }, Tier::kAffirming},
      {"exp", [&](auto& c) { c.expires = at - absl::Seconds(60); }, Tier::kAffirming},
      {"nbf", [&](auto& c) { c.not_before = at + absl::Seconds(61); }, Tier::kAffirming},
      {"iat", [&](auto& c) { c.issued_at = at + absl::Seconds(61); }, Tier::kAffirming},
      {"eat_nonce", [](auto& c) { c.nonces = {std::string(32, 'y')}; }, Tier::kContraindicated},
      {"eat_nonce", [](auto& c) { c.nonces = {c.nonces[0].substr(0, 31)}; },
       Tier::kContraindicated},
      {"eat_nonce", [](auto& c) { c.nonces.clear(); }, Tier::kContraindicated},
      {"eat_nonce",
       [](auto& c) {
         c.nonces.push_back(std::string(32, 'y'));
         c.nonce_is_array = true;
       },
       Tier::kContraindicated},
      {"cnf", [](auto& c) { c.cnf.reset(); }, Tier::kContraindicated},
      {"cnf",
       [](auto& c) {
         c.cnf = eat::Confirmation{NewKey().public_key(), {}, {}};
       },
       Tier::kContraindicated},
      {"oemid", [](auto& c) { c.oemid.reset(); }, Tier::kAffirming},
      {"hwmodel", [](auto& c) { c.hwmodel.reset(); }, Tier::kAffirming},
      {"hwversion", [](auto& c) { c.hwversion.reset(); }, Tier::kAffirming},
      {"ueid", [](auto& c) { c.ueid.reset(); }, Tier::kContraindicated},
      {"ueid", [](auto& c) { c.ueid = ""; }, Tier::kContraindicated},
      {"ueid", [](auto& c) { c.ueid = "\x09" + std::string(16, 'u'); }, Tier::kContraindicated},
      {"dbgstat", [](auto& c) { c.dbgstat = 0; }, Tier::kContraindicated},
      {"dbgstat", [](auto& c) { c.dbgstat = 1; }, Tier::kContraindicated},
      {"dbgstat", [](auto& c) { c.dbgstat.reset(); }, Tier::kAffirming},
      {"oemboot", [](auto& c) { c.oemboot = false; }, Tier::kContraindicated},
      {"oemboot", [](auto& c) { c.oemboot.reset(); }, Tier::kAffirming},
      {"measurements.tee-os", [](auto& c) { c.measurements.clear(); }, Tier::kWarning},
      {"measurements",
       [](auto& c) {
         c.measurements = {{600, "x"}};
       },
       Tier::kWarning},
  };
  for (const auto& test : kCases) {
    claims_ = good;
    test.change(claims_);
    const Appraisal appraisal = Appraise();
    EXPECT_THAT(Claims(appraisal), ElementsAre(test.claim));
    EXPECT_FALSE(appraisal.accepted()) << test.claim;
    EXPECT_EQ(appraisal.trust.Status(), test.status) << test.claim;
  }
}

TEST_F(EvidenceTest, TimesHaveAMinuteOfSkew) {
  claims_.expires = expected_.at - absl::Seconds(59);
  claims_.not_before = claims_.issued_at = expected_.at + absl::Seconds(60);
  EXPECT_TRUE(Appraise().accepted());
}

TEST_F(EvidenceTest, ADifferingMeasurementNamesExpectedAndFound) {
  claims_.measurements = {eat::EncodeMeasurements({{"tee-os", std::string(32, 'x')}})};
  const Appraisal appraisal = Appraise();
  ASSERT_THAT(appraisal.findings, SizeIs(1));
  EXPECT_EQ(appraisal.findings[0].claim, "measurements.tee-os");
  EXPECT_EQ(appraisal.findings[0].expected,
            HexText(std::string(32, 'g')) + " or " + HexText(std::string(32, 'h')));
  EXPECT_EQ(appraisal.findings[0].found, HexText(std::string(32, 'x')));
}

TEST_F(EvidenceTest, AnUnknownMeasurementIsAFinding) {
  claims_.measurements.push_back(eat::EncodeMeasurements({{"extra", std::string(32, 'x')}}));
  const Appraisal appraisal = Appraise();
  EXPECT_THAT(Claims(appraisal), ElementsAre("measurements.extra"));
  EXPECT_EQ(appraisal.trust.executables, 33);
}

TEST_F(EvidenceTest, AClassWithoutReferenceValuesAffirmsNothing) {
  policy_.reference_values.clear();
  claims_.measurements.clear();
  EXPECT_THAT(Claims(Appraise()), ElementsAre("measurements"));
}

TEST_F(EvidenceTest, AllFindingsAreCollected) {
  claims_.nonces = {std::string(32, 'y')};
  claims_.dbgstat = 0;
  claims_.measurements.clear();
  expected_.ueid = "\x01" + std::string(16, 'v');
  EXPECT_THAT(Claims(Appraise()),
              ElementsAre("eat_nonce", "ueid", "dbgstat", "measurements.tee-os"));
}

TEST_F(EvidenceTest, KnownIdentityMustBeTheSame) {
  expected_.ueid = *claims_.ueid;
  expected_.device_class = {"oem", "model"};
  EXPECT_TRUE(Appraise().accepted());
  expected_.device_class = {"oem", "other"};
  EXPECT_THAT(Claims(Appraise()), ElementsAre("hwmodel"));
  expected_.device_class = {"xxx", ""};
  EXPECT_THAT(Claims(Appraise()), ElementsAre("oemid"));
}

TEST_F(EvidenceTest, AnotherDevicesEvidenceNamesTheKey) {
  const keys::PrivateKey other = NewKey();
  const Appraisal appraisal =
      AppraiseEvidence(kEvidenceFormat, AsBytes(Token(other)), policy_, expected_);
  ASSERT_THAT(appraisal.findings, SizeIs(1));
  EXPECT_EQ(appraisal.findings[0].claim, "signature");
  EXPECT_THAT(appraisal.findings[0].expected,
              HasSubstr(keys::ThumbprintHex(attester_.public_key().thumbprint())));
  EXPECT_THAT(appraisal.findings[0].found,
              HasSubstr(keys::ThumbprintHex(other.public_key().thumbprint())));
  EXPECT_EQ(appraisal.trust, TrustVector::CryptoFailed());
  EXPECT_FALSE(appraisal.claims.has_value());
}

TEST_F(EvidenceTest, NothingIsBelievedOfAnUnauthenticToken) {
  claims_.dbgstat = 0;
  std::string token = Token(attester_);
  token.back() ^= 1;
  const Appraisal flipped = AppraiseEvidence(kEvidenceFormat, AsBytes(token), policy_, expected_);
  EXPECT_THAT(Claims(flipped), ElementsAre("signature"));
  policy_.keys.clear();
  const Appraisal none = Appraise();
  ASSERT_THAT(none.findings, SizeIs(1));
  EXPECT_THAT(none.findings[0].expected, HasSubstr("none registered"));
}

TEST_F(EvidenceTest, TheMediaTypeSelects) {
  TAM_ROW("T-36");
  for (const char* format :
       {"application/eat+cwt", "application/eat+cwt; eat_profile=\"urn:other\"",
        "application/eat+cwt; eat_profile=\"urn:tamarack:teep-evidence:1\"; x=y",
        "application/psa-attestation-token", "nonsense"}) {
    const Appraisal appraisal = Appraise(format);
    ASSERT_THAT(Claims(appraisal), ElementsAre("attestation-payload-format")) << format;
    EXPECT_EQ(appraisal.findings[0].found, format);
  }
}

TEST_F(EvidenceTest, MalformedTokensAreRefusedWithAReason) {
  const std::string token = Token(attester_);
  for (size_t size = 0; size < token.size(); ++size) {
    const Appraisal cut =
        AppraiseEvidence(kEvidenceFormat, AsBytes(token.substr(0, size)), policy_, expected_);
    ASSERT_THAT(Claims(cut), ElementsAre("attestation-payload")) << size;
  }
  const Appraisal large = AppraiseEvidence(
      kEvidenceFormat, AsBytes(std::string(kMaxEvidenceBytes + 1, 'x')), policy_, expected_);
  ASSERT_THAT(large.findings, SizeIs(1));
  EXPECT_THAT(large.findings[0].found, HasSubstr("want at most 65536 bytes"));
}

TEST_F(EvidenceTest, EveryFlippedByteIsRefusedExceptInTheKid) {
  const std::string token =
      *cose::Sign1(attester_, AsBytes(eat::EncodeClaims(claims_)), {.with_kid = false});
  ASSERT_TRUE(AppraiseEvidence(kEvidenceFormat, AsBytes(token), policy_, expected_).accepted());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string flipped = token;
    flipped[i] ^= 1;
    EXPECT_FALSE(AppraiseEvidence(kEvidenceFormat, AsBytes(flipped), policy_, expected_).accepted())
        << i;
  }
}

TEST_F(EvidenceTest, ClaimedClassIsReadWithoutTrust) {
  EXPECT_THAT(ClaimedClass(AsBytes(Token(NewKey()))),
              tam::testing::IsOkAndHolds(ClassId{"oem", "model"}));
  claims_.oemid = "64242";
  claims_.oemid_is_pen = true;
  EXPECT_THAT(ClaimedClass(AsBytes(Token(attester_))),
              tam::testing::IsOkAndHolds(ClassId{std::string("\0\0\xfa\xf2", 4), "model"}));
  EXPECT_FALSE(ClaimedClass(AsBytes("junk")).ok());
}

// T-34, T-35 and the claims of section 5.
class ResultTest : public EvidenceTest {
 protected:
  ResultTest() {
    results_.profiles = {eat::kTeepProfile};
    results_.verifiers = {verifier_.public_key()};
    claims_.profile = eat::kTeepProfile;
    claims_.manifests = {{60, "manifest"}};
    claims_.measurements.clear();
    claims_.dbgstat.reset();
    claims_.oemboot.reset();
  }
  Appraisal AppraiseSignedBy(const keys::PrivateKey& key,
                             const std::optional<std::string>& format = std::nullopt) {
    return AppraiseResult(format, AsBytes(Token(key)), results_, expected_);
  }
  const keys::PrivateKey verifier_ = NewKey();
  ResultPolicy results_;
};

TEST_F(ResultTest, AcceptsAResultOfARegisteredVerifier) {
  EXPECT_TRUE(AppraiseSignedBy(verifier_).accepted());
  EXPECT_TRUE(AppraiseSignedBy(verifier_, "application/eat+cwt; eat_profile=urn:ietf:rfc:rfcXXXX")
                  .accepted());
  claims_.profile.reset();
  EXPECT_TRUE(AppraiseSignedBy(verifier_).accepted());
}

TEST_F(ResultTest, RefusesOtherVerifiers) {
  TAM_ROW("T-34");
  EXPECT_THAT(Claims(AppraiseSignedBy(NewKey())), ElementsAre("signature"));
  results_.verifiers.clear();
  EXPECT_THAT(AppraiseSignedBy(verifier_).findings,
              ElementsAre(Field(&Finding::found, HasSubstr("none is registered"))));
}

TEST_F(ResultTest, RefusesWrongClaims) {
  TAM_ROW("T-35", "T-56", "T-58");
  const eat::Claims good = claims_;
  claims_.nonces = {std::string(32, 'y')};
  EXPECT_THAT(Claims(AppraiseSignedBy(verifier_)), ElementsAre("eat_nonce"));
  claims_ = good;
  claims_.cnf.reset();
  EXPECT_THAT(Claims(AppraiseSignedBy(verifier_)), ElementsAre("cnf"));
  claims_ = good;
  claims_.manifests.clear();
  EXPECT_THAT(Claims(AppraiseSignedBy(verifier_)), ElementsAre("manifests"));
  claims_ = good;
  claims_.profile = eat::kEvidenceProfile;
  EXPECT_THAT(Claims(AppraiseSignedBy(verifier_)), ElementsAre("eat_profile"));
}

// Draft examples have manifests at 273, which RFC 9711 gives to measurements.
TEST_F(ResultTest, ManifestsStandAt272) {
  TAM_ROW("A16");
  claims_.measurements = claims_.manifests;
  claims_.manifests.clear();
  EXPECT_THAT(Claims(AppraiseSignedBy(verifier_)), ::testing::Contains("manifests"));
  claims_.manifests = claims_.measurements;
  claims_.measurements.clear();
  EXPECT_TRUE(AppraiseSignedBy(verifier_).accepted());
}

TEST(TrustVectorTest, TiersMirrorForNegativeValues) {
  for (int value : {-1, 0, 1}) EXPECT_EQ(TierOf(value), Tier::kNone) << value;
  for (int value : {2, 31, -2, -32}) EXPECT_EQ(TierOf(value), Tier::kAffirming) << value;
  for (int value : {32, 95, -33, -96}) EXPECT_EQ(TierOf(value), Tier::kWarning) << value;
  for (int value : {96, 127, -97, -128}) EXPECT_EQ(TierOf(value), Tier::kContraindicated) << value;
}

TEST(EatVectors, AttestationCasesGetTheirVerdict) {
  const auto root = testing::VectorRoot();
  if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is not set";
  const std::string folder = *root + "/vectors/attestation/";
  const auto agent = *keys::PublicKey::FromPem(testing::ReadFile(folder + "eat/agent_pub.pem"));
  int checked = 0;
  for (const auto& row : testing::ReadCases(folder + "cases.json")) {
    if (testing::Value(row, "format") != "eat") continue;
    if (testing::Value(row, "media_type").find("older") != std::string::npos) continue;
    EvidencePolicy policy;
    policy.profiles = {eat::kTeepProfile};
    policy.keys = {
        *keys::PublicKey::FromPem(testing::ReadFile(folder + testing::Value(row, "anchors.0")))};
    policy.measurements = MeasurementRule::kIgnored;
    Expectations expected;
    expected.challenge = testing::FromHex(testing::Value(row, "nonce"));
    expected.agent = agent.thumbprint();
    std::string error;
    ASSERT_TRUE(
        absl::ParseTime(absl::RFC3339_full, testing::Value(row, "at"), &expected.at, &error))
        << error;
    const std::string token = testing::ReadFile(folder + testing::Value(row, "evidence"));
    const Appraisal appraisal =
        AppraiseEvidence(testing::Value(row, "media_type"), AsBytes(token), policy, expected);
    const bool accept = testing::Value(row, "expect.verdict_default") == "accept";
    EXPECT_EQ(appraisal.accepted(), accept) << testing::Value(row, "id");
    EXPECT_EQ(appraisal.findings.empty(), accept) << testing::Value(row, "id");
    ++checked;
  }
  EXPECT_GE(checked, 25);
}

}  // namespace
}  // namespace tam::attestation
