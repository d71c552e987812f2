// What stands inside of what is shown: encrypted structures, bundles, appraisals, older messages.
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "crypto/secret/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/eat/bundle.h"
#include "teep/message/message.h"
#include "teep/suit/author.h"
#include "teep/suit/report.h"
#include "tools/tamctl/inspect/inspect.h"
#include "tools/tamctl/inspect/inspect_fixture.h"

namespace tam::inspect {
namespace {

using keys::AgreementCurve;
using keys::AgreementKey;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using State = SignatureResult::State;

constexpr char kToken[] = "tttttttttttttttt";

std::string Claims() {
  cbor::MapBuilder claims;
  claims.Set(10, cbor::Writer().ByteString(std::string(32, 'n')));
  claims.Set(256, cbor::Writer().ByteString(std::string(17, '\x01')));
  return claims.Encode();
}

std::string Seal(const AgreementKey& key, std::string_view plaintext, std::string_view purpose,
                 cose::ContentAlgorithm algorithm = cose::ContentAlgorithm::kA128Gcm) {
  return *cose::Encrypt(key.public_key(), cbor::AsBytes(plaintext), algorithm, purpose,
                        secret::RandomSource::System());
}

std::string Response(const keys::PrivateKey& agent, const std::string& evidence) {
  teep::QueryResponse response;
  response.attestation_payload_format = "application/eat+cwt";
  response.attestation_payload = evidence;
  return Sign(agent, *teep::Encode(response));
}

TEST(InspectInside, ShowsAnEncryptedEatAndItsSignature) {
  const keys::PrivateKey agent = MakeKey();
  const keys::PrivateKey attester = MakeKey();
  for (const AgreementCurve curve : {AgreementCurve::kP256, AgreementCurve::kX25519}) {
    const AgreementKey tam = AgreementKey::Generate(curve);
    const std::string message =
        Response(agent, Seal(tam, Sign(attester, Claims()), cose::kEatEncryption));
    const Result result = Look(message, {{"agent.pem", agent.public_key()},
                                         {"attester.pem", attester.public_key()},
                                         {"tam.pem", tam}});
    EXPECT_TRUE(result.ok()) << ToText(result);
    ASSERT_THAT(result.decrypted, SizeIs(1));
    EXPECT_EQ(result.decrypted[0].key_name, "tam.pem");
    EXPECT_EQ(result.decrypted[0].purpose, "EAT Encryption");
    EXPECT_EQ(result.decrypted[0].title, "EAT in COSE_Sign1");
    EXPECT_THAT(result.decrypted[0].diagnostic,
                AllOf(HasSubstr("/ eat_nonce / 10:"), HasSubstr("/ ueid / 256:")));
    EXPECT_THAT(result.signatures, ElementsAre(Field(&SignatureResult::key_name, "agent.pem"),
                                               Field(&SignatureResult::key_name, "attester.pem")));
    EXPECT_THAT(ToText(result), HasSubstr("attestation-payload with tam.pem (EAT Encryption)"));
  }
}

TEST(InspectInside, ShowsAnEncryptedReport) {
  const keys::PrivateKey agent = MakeKey();
  const AgreementKey tam = AgreementKey::Generate(AgreementCurve::kP256);
  suit::Report report;
  report.manifest_digest = {-16, std::string(32, 'm')};
  report.nonce = kToken;
  teep::Success success;
  success.token = kToken;
  success.suit_reports = {Seal(tam, *suit::EncodeReport(report), cose::kSuitReportEncryption,
                               cose::ContentAlgorithm::kA128Ctr)};
  const Result result = Look(Sign(agent, *teep::Encode(success)),
                             {{"agent.pem", agent.public_key()}, {"tam.pem", tam}});
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_THAT(result.decrypted, ElementsAre(Field(&Decrypted::title, "SUIT_Report")));
  EXPECT_THAT(result.notes, Contains(HasSubstr("A128CTR")));
}

TEST(InspectInside, APrivateKeyOfOtherUseOpensToo) {
  // One file of a P-256 key: its public part verifies nothing here.
  const AgreementKey tam = AgreementKey::Generate(AgreementCurve::kP256);
  const auto pem = tam.ToPkcs8Pem();
  const auto both = keys::PrivateKey::FromPem(cbor::AsView(pem.Reveal()));
  ASSERT_TRUE(both.ok());
  const Result result =
      Look(Response(MakeKey(), Seal(tam, Sign(MakeKey(), Claims()), cose::kEatEncryption)),
           {{"tam.pem", both->public_key(), tam}});
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_THAT(result.decrypted, SizeIs(1));
  EXPECT_THAT(result.signatures, Contains(Field(&SignatureResult::state, State::kNotChecked)));
}

TEST(InspectInside, SaysThatAnotherKeyDoesNotOpen) {
  const AgreementKey tam = AgreementKey::Generate(AgreementCurve::kX25519);
  const AgreementKey other = AgreementKey::Generate(AgreementCurve::kX25519);
  const std::string sealed = Seal(tam, Claims(), cose::kEatEncryption);
  const Result closed = Look(sealed);
  EXPECT_TRUE(closed.ok());
  EXPECT_THAT(closed.notes, Contains(HasSubstr("not decrypted; --key")));
  const Result wrong = Look(sealed, {{"other.pem", other}});
  EXPECT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.notes, Contains(HasSubstr("opens with none of the keys given")));
  EXPECT_THAT(Look(sealed, {{"tam.pem", tam}}).decrypted,
              ElementsAre(Field(&Decrypted::title, "EAT claims")));
}

TEST(InspectInside, RefusesWhatIsMalformedInside) {
  const AgreementKey tam = AgreementKey::Generate(AgreementCurve::kP256);
  const Result result =
      Look(Seal(tam, Claims() + "trailing", cose::kEatEncryption), {{"tam.pem", tam}});
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(result.problems[0].ToString(), HasSubstr("plaintext"));
}

TEST(InspectInside, NamesTheClaimsOfAnEar) {
  cbor::MapBuilder vector;
  vector.Set(2, cbor::Writer().Int(2)).Set(4, cbor::Writer().Int(96));
  cbor::MapBuilder appraisal;
  appraisal.Set(1000, cbor::Writer().Int(96)).Set(1001, cbor::Writer().Raw(vector.Encode()));
  cbor::MapBuilder submods;
  submods.Set("teep", cbor::Writer().Raw(appraisal.Encode()));
  cbor::MapBuilder verifier;
  verifier.Set(0, cbor::Writer().Text("someone")).Set(1, cbor::Writer().Text("1.0"));
  cbor::MapBuilder ear;
  ear.Set(6, cbor::Writer().Uint(1'790'000'000));
  ear.Set(265, cbor::Writer().Text("tag:ietf.org,2026:rats/ear#03"));
  ear.Set(266, cbor::Writer().Raw(submods.Encode()));
  ear.Set(1004, cbor::Writer().Raw(verifier.Encode()));
  const Result result = Look(ear.Encode());
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_EQ(result.title, "EAR claims");
  EXPECT_THAT(result.diagnostic,
              AllOf(HasSubstr("/ ear_verifier_id / 1004:"), HasSubstr("/ developer / 0:"),
                    HasSubstr("/ ear_status / 1000: 96 / contraindicated /"),
                    HasSubstr("/ executables / 2: 2 / affirming /"),
                    HasSubstr("/ hardware / 4: 96 / contraindicated /")));
}

// A bundle of one claims set, whose digest the token has or has not.
std::string BundleWith(const std::string& digest_of) {
  const std::string set = Claims();
  const auto digest = secret::Sha256(cbor::AsBytes(digest_of));
  cbor::MapBuilder submods;
  submods.Set("part", cbor::Writer().Array(2).Int(-16).ByteString(
                          cbor::Bytes(digest.data(), digest.size())));
  cbor::MapBuilder claims;
  claims.Set(10, cbor::Writer().ByteString(std::string(32, 'n')));
  claims.Set(266, cbor::Writer().Raw(submods.Encode()));
  eat::Bundle bundle;
  bundle.token = Sign(MakeKey(), claims.Encode());
  bundle.claims_sets["part"] = set;
  return eat::EncodeBundle(bundle);
}

TEST(InspectInside, ShowsADetachedBundleAndComparesItsDigests) {
  const Result good = Look(BundleWith(Claims()));
  EXPECT_TRUE(good.ok()) << ToText(good);
  EXPECT_EQ(good.title, "detached EAT bundle");
  EXPECT_THAT(good.diagnostic, AllOf(HasSubstr("/ detached claims-sets /"),
                                     HasSubstr("/ ueid / 256:"), HasSubstr("/ submods / 266:")));
  EXPECT_THAT(good.signatures, SizeIs(1));
  const Result bad = Look(BundleWith("another set"));
  EXPECT_FALSE(bad.ok());
}

TEST(InspectInside, ReadsOlderMessagesWhereItIsToldTo) {
  teep::Success success;
  success.token = kToken;
  const keys::PrivateKey agent = MakeKey();
  cose::SignOptions older;
  older.tagged = false;
  older.older_numbers = true;
  const std::string message =
      *cose::Sign1(agent, cbor::AsBytes(*teep::Encode(success, teep::WireProfile::kLegacy)), older);
  EXPECT_FALSE(Look(message).ok());
  Options options;
  options.wire = teep::WireProfile::kLegacy;
  const Result result = Look(message, {{"agent.pem", agent.public_key()}}, options);
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_EQ(result.title, "TEEP Success of an older draft in untagged COSE_Sign1");
  EXPECT_THAT(result.diagnostic,
              AllOf(HasSubstr("/ type / 5 / Success /"), HasSubstr("/ token / 20:")));
  EXPECT_THAT(result.notes, IsEmpty());

  teep::Error error;
  error.token = kToken;
  error.err_code = teep::ErrorCode::kManifestProcessingFailed;
  const Result shown = Look(*teep::Encode(error, teep::WireProfile::kLegacy), {}, options);
  EXPECT_THAT(shown.diagnostic,
              AllOf(HasSubstr("6 / Error /"), HasSubstr("17 / ERR_MANIFEST_PROCESSING_FAILED /")));
  EXPECT_THAT(shown.diagnostic, Not(HasSubstr("/ supported-freshness-mechanisms /")));
}

// {"en": {1: .., ["app"]: {6: ..}}} below a manifest's text, as a byte string or severed.
TEST(InspectInside, NamesTheTextsOfAManifest) {
  cbor::MapBuilder component;
  component.Set(1, cbor::Writer().Text("a vendor")).Set(6, cbor::Writer().Text("1.2"));
  cbor::Writer texts;
  texts.MapHead(2).Uint(1).Text("what it is").Array(1).ByteString("app").Raw(component.Encode());
  cbor::Writer languages;
  languages.MapHead(1).Text("en").Raw(texts.bytes());
  cbor::MapBuilder manifest;
  manifest.Set(1, cbor::Writer().Uint(1)).Set(2, cbor::Writer().Uint(7));
  manifest.Set(23, cbor::Writer().ByteString(languages.bytes()));
  const std::string bytes = *suit::SignManifest(manifest.Encode(), {}, MakeKey());
  EXPECT_THAT(Look(bytes).diagnostic,
              AllOf(HasSubstr("/ manifest-description / 1: \"what it is\""),
                    HasSubstr("['app']: {"), HasSubstr("/ vendor-name / 1: \"a vendor\""),
                    HasSubstr("/ component-version / 6: \"1.2\"")));
}

TEST(InspectInside, NamesWhatACapabilityReportLists) {
  cbor::MapBuilder capabilities;
  capabilities.Set(2, cbor::Writer().Array(2).Uint(3).Uint(28));
  capabilities.Set(3, cbor::Writer().Array(1).Uint(29));
  capabilities.Set(4, cbor::Writer().Array(1).Int(-9));
  capabilities.Set(6, cbor::Writer().Array(1).Uint(20));
  capabilities.Set(9, cbor::Writer().Array(2).Uint(3).Uint(99));
  suit::Report report;
  report.manifest_digest.bytes = std::string(32, 'd');
  const std::string plain = *suit::EncodeReport(report);
  const auto document = cbor::Document::Parse(cbor::AsBytes(plain));
  cbor::MapBuilder with;
  for (const auto [key, value] : document->root().each_pair()) {
    with.Set(*key.Int(), cbor::Writer().Raw(cbor::AsView(value.encoded())));
  }
  with.Set(8, cbor::Writer().Raw(capabilities.Encode()));
  EXPECT_THAT(Look(with.Encode()).diagnostic,
              AllOf(HasSubstr("/ commands / 2: [3 / condition-image-match /, "
                              "28 / condition-version /]"),
                    HasSubstr("/ parameters / 3: [29 / wait-info /]"),
                    HasSubstr("/ algorithms / 4: [-9 / ESP256 /]"),
                    HasSubstr("/ manifest / 6: [20 / install /]"),
                    HasSubstr("/ component-text / 9: [3 / vendor-domain /, 99]")));
}

}  // namespace
}  // namespace tam::inspect
