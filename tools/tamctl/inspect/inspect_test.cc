#include "tools/tamctl/inspect/inspect.h"

#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/x509/chain.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/message/message.h"
#include "teep/suit/author.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tools/tamctl/inspect/inspect_fixture.h"

namespace tam::inspect {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using State = SignatureResult::State;

NamedKey Named(std::string name, const keys::PrivateKey& key) {
  return {std::move(name), key.public_key()};
}

std::string SuccessPayload() {
  teep::Success success;
  success.token = std::string(16, 't');
  return *teep::Encode(success);
}

std::string EnvelopeFor(const keys::PrivateKey& key) {
  suit::ManifestSpec spec;
  spec.component_id = {"app"};
  spec.manifest_component_id = {"suit"};
  spec.sequence_number = 7;
  spec.vendor_id = std::string(16, 'v');
  spec.class_id = std::string(16, 'c');
  spec.payload = "payload bytes";
  return *suit::CreateSignedEnvelope(spec, key);
}

std::string FirstProblem(const Result& result) {
  return result.problems.empty() ? "" : result.problems[0].ToString();
}

TEST(Inspect, NamesAMessageItsFieldsAndItsSignature) {
  const keys::PrivateKey key = MakeKey();
  const Result result = Look(Sign(key, SuccessPayload()), {Named("agent.pem", key)});
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_EQ(result.title, "TEEP Success in COSE_Sign1");
  EXPECT_THAT(result.diagnostic,
              AllOf(HasSubstr("/ type / 4 / Success /"), HasSubstr("/ token / 19: h'74747474"),
                    HasSubstr("/ alg / 1: -9 / ESP256 /")));
  EXPECT_THAT(result.signatures, ElementsAre(Field(&SignatureResult::key_name, "agent.pem")));
}

TEST(Inspect, NamesTheCertificatesBesideASignature) {
  const keys::PrivateKey key = MakeKey();
  const tam::testing::CertificateAuthority authority;
  const auto chain =
      x509::ChainFromPem(authority.Certify(key.public_key().ToPem()) + authority.pem());
  ASSERT_TRUE(chain.ok()) << chain.status();
  const auto message = cose::Sign1(key, cbor::AsBytes(SuccessPayload()), {.x5chain = *chain});
  const Result result = Look(*message);
  EXPECT_THAT(result.diagnostic,
              AllOf(HasSubstr("/ x5chain / 33: ["), HasSubstr(" / CN=tam, of CN=test authority "),
                    HasSubstr("/ CN=test authority ")));
  const auto single = cose::Sign1(key, cbor::AsBytes(SuccessPayload()), {.x5chain = {"no DER"}});
  EXPECT_THAT(Look(*single).diagnostic, HasSubstr("/ x5chain / 33: h'"));
}

TEST(Inspect, IsWellFormedWithoutAKeyAndSaysThatNothingWasVerified) {
  const Result result = Look(Sign(MakeKey(keys::KeyType::kEd25519), SuccessPayload()));
  EXPECT_TRUE(result.ok());
  EXPECT_THAT(result.signatures, ElementsAre(Field(&SignatureResult::state, State::kNotChecked)));
}

TEST(Inspect, RefusesAnotherKeyAndNamesIt) {
  const Result result = Look(Sign(MakeKey(), SuccessPayload()), {Named("other.pem", MakeKey())});
  EXPECT_THAT(FirstProblem(result), HasSubstr("no signature verifies with other.pem"));
}

TEST(Inspect, OneOfSeveralSignaturesIsEnoughAndTheOthersAreNamed) {
  const keys::PrivateKey p256 = MakeKey();
  const keys::PrivateKey ed25519 = MakeKey(keys::KeyType::kEd25519);
  const std::string message = *cose::Sign({&p256, &ed25519}, cbor::AsBytes(SuccessPayload()));
  const Result one = Look(message, {Named("ed.pem", ed25519)});
  EXPECT_TRUE(one.ok()) << ToText(one);
  EXPECT_THAT(one.signatures, ElementsAre(Field(&SignatureResult::state, State::kNotChecked),
                                          Field(&SignatureResult::state, State::kVerifies)));
  const Result extra = Look(message, {Named("ed.pem", ed25519), Named("extra.pem", MakeKey())});
  EXPECT_THAT(FirstProblem(extra), HasSubstr("extra.pem"));
}

TEST(Inspect, RefusesTheOlderNumberingByName) {
  // Success was 5 and the token 20.
  cbor::Writer token;
  token.ByteString(std::string(16, 't'));
  cbor::MapBuilder options;
  options.Set(20, std::move(token));
  cbor::Writer message;
  message.Array(2).Uint(5);
  options.WriteTo(message);
  const std::string payload = std::move(message).Take();
  const Result result = Look(Sign(MakeKey(), payload));
  EXPECT_THAT(FirstProblem(result),
              AllOf(HasSubstr("draft-ietf-teep-protocol-26"), HasSubstr("offset ")));
}

TEST(Inspect, GivesOffsetAndPathOfABoundThatIsBroken) {
  cbor::Writer token;
  token.ByteString("1234567");
  cbor::MapBuilder options;
  options.Set(19, std::move(token));
  cbor::Writer message;
  message.Array(2).Uint(4);
  options.WriteTo(message);
  const std::string payload = std::move(message).Take();
  const std::string file = Sign(MakeKey(), payload);
  const Result result = Look(file);
  ASSERT_THAT(result.problems, SizeIs(1));
  EXPECT_THAT(result.problems[0].path, HasSubstr("token"));
  ASSERT_TRUE(result.problems[0].offset.has_value());
  EXPECT_EQ(*result.problems[0].offset, file.find("1234567") - 1);
}

TEST(Inspect, RefusesAnUntaggedMessageUnlessToldToLookAtTheContainer) {
  const keys::PrivateKey key = MakeKey();
  cose::SignOptions untagged;
  untagged.tagged = false;
  const std::string file = Sign(key, SuccessPayload(), untagged);
  EXPECT_THAT(FirstProblem(Look(file)), HasSubstr("tag 18 or 98"));
  EXPECT_TRUE(Look(file, {Named("k", key)}, {.as = Kind::kCose}).ok());
}

TEST(Inspect, RefusesAPayloadThatIsMeantAsCborAndIsNot) {
  const Result result = Look(Sign(MakeKey(), "\x82\x04\xa2\x01\x02\x01\x02"));
  EXPECT_THAT(FirstProblem(result), HasSubstr("map key once"));
}

TEST(Inspect, VerifiesAnEnvelopeAndItsPayload) {
  const keys::PrivateKey key = MakeKey();
  std::string envelope = EnvelopeFor(key);
  const Result result = Look(envelope, {Named("dev.pem", key)});
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_EQ(result.title, "SUIT_Envelope");
  EXPECT_THAT(result.diagnostic, AllOf(HasSubstr("/ manifest-sequence-number / 2: 7"),
                                       HasSubstr("/ directive-fetch / 21")));
  envelope[envelope.rfind("payload bytes")] ^= 1;
  EXPECT_THAT(FirstProblem(Look(envelope)), HasSubstr("want image digest"));
}

TEST(Inspect, RefusesAnEnvelopeWhoseManifestWasChanged) {
  std::string envelope = EnvelopeFor(MakeKey());
  envelope[envelope.find(std::string(16, 'v'))] ^= 1;
  EXPECT_THAT(FirstProblem(Look(envelope)), HasSubstr("want the manifest's SHA-256"));
}

TEST(Inspect, LooksIntoTheEnvelopesOfAnUpdate) {
  const keys::PrivateKey tam = MakeKey();
  const keys::PrivateKey developer = MakeKey(keys::KeyType::kEd25519);
  teep::Update update;
  update.token = std::string(16, 't');
  update.manifest_list = {EnvelopeFor(developer)};
  const std::string file = Sign(tam, *teep::Encode(update));
  const Result both = Look(file, {Named("tam", tam), Named("developer", developer)});
  EXPECT_TRUE(both.ok()) << ToText(both);
  EXPECT_THAT(both.signatures, SizeIs(2));
  // The inner signature alone does not vouch for the message.
  EXPECT_THAT(FirstProblem(Look(file, {Named("developer", developer)})),
              HasSubstr("outermost signature"));
}

TEST(Inspect, ShowsAKeyWithoutItsSecret) {
  const keys::PrivateKey key = MakeKey();
  const secret::SecretBytes secret = key.ToCoseKey();
  const std::string file = cbor::AsString(secret.Reveal());
  const Result result = Look(file);
  EXPECT_EQ(result.title, "COSE_Key");
  EXPECT_TRUE(result.ok()) << ToText(result);
  EXPECT_THAT(result.diagnostic, HasSubstr("secret, 32 bytes, not shown"));
  EXPECT_THAT(ToText(result), HasSubstr(keys::ThumbprintHex(key.public_key().thumbprint())));
}

TEST(Inspect, TakesPlainCborAndRefusesAnythingElse) {
  EXPECT_EQ(Look("\x83\x01\x02\x03").title, "CBOR");
  EXPECT_TRUE(Look("\x83\x01\x02\x03").ok());
  EXPECT_THAT(FirstProblem(Look("")), HasSubstr("got 0 bytes"));
  EXPECT_THAT(FirstProblem(Look("hello, world")), HasSubstr("offset 9"));
  EXPECT_THAT(FirstProblem(Look("\x01\x02")), HasSubstr("trailing"));
  EXPECT_THAT(FirstProblem(Look("\x01", {Named("k", MakeKey())})),
              HasSubstr("nothing here is signed"));
}

TEST(Inspect, ReadsTwoMegabytesAndCutsWhatItShows) {
  cbor::Writer writer;
  writer.ByteString(std::string(2 << 20, 'x'));
  const Result result = Look(writer.bytes());
  EXPECT_TRUE(result.ok()) << FirstProblem(result);
  EXPECT_LT(result.diagnostic.size(), size_t{8192});
}

TEST(Inspect, NestingWithoutEndIsRefusedNotFollowed) {
  std::string inner = Sign(MakeKey(), SuccessPayload());
  for (int i = 0; i < 20; ++i) inner = Sign(MakeKey(), inner);
  EXPECT_THAT(FirstProblem(Look(inner)), HasSubstr("structures in each other"));
}

TEST(Inspect, TextOfTheFileCannotDriveTheTerminal) {
  cbor::Writer writer;
  writer.Text("\x1b[2J");
  EXPECT_THAT(ToText(Look(writer.bytes())), Not(HasSubstr("\x1b")));
}

TEST(ParseKind, ListsTheKinds) {
  EXPECT_THAT(ParseKind("suit"), testing::IsOkAndHolds(Kind::kEnvelope));
  EXPECT_THAT(ParseKind("x"),
              testing::StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("teep, suit")));
}

}  // namespace
}  // namespace tam::inspect
