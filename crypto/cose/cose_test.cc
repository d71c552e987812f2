#include "crypto/cose/cose.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::cose {
namespace {

using cbor::AsBytes;
using cbor::AsString;
using cbor::AsView;
using cbor::Writer;
using keys::KeyType;
using keys::PrivateKey;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnauthenticated = absl::StatusCode::kUnauthenticated;
constexpr char kPayload[] = "payload";

std::string Unhex(std::string_view hex) { return absl::HexStringToBytes({hex.data(), hex.size()}); }

const PrivateKey& P256() {
  static const auto& key = *new PrivateKey(*PrivateKey::Generate(KeyType::kP256));
  return key;
}

const PrivateKey& Ed25519() {
  static const auto& key = *new PrivateKey(*PrivateKey::Generate(KeyType::kEd25519));
  return key;
}

// A COSE_Sign1 whose headers are given; `signature` is made by `key` over what they demand.
std::string Sign1With(const PrivateKey& key, std::string_view protected_hex,
                      std::string_view unprotected_hex) {
  const std::string body_protected = Unhex(protected_hex);
  const std::string signature =
      *key.Sign(AsBytes(Sign1ToBeSigned(AsBytes(body_protected), AsBytes(kPayload))));
  Writer writer;
  writer.Tag(18).Array(4).ByteString(body_protected).Raw(Unhex(unprotected_hex));
  writer.ByteString(kPayload).ByteString(signature);
  return std::move(writer).Take();
}

absl::Status VerifyStrict(const std::string& bytes, const keys::PublicKey& key) {
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kRequired);
  if (!message.ok()) return message.status();
  return message->Verify(key, AlgorithmPolicy::Strict()).status();
}

absl::Status VerifyOlder(const std::string& bytes, const keys::PublicKey& key) {
  const auto message = Message::Parse(AsBytes(bytes), TagRule::kRequired);
  if (!message.ok()) return message.status();
  return message->Verify(key, AlgorithmPolicy::WithOlderNumbers()).status();
}

class EitherKeyTest : public ::testing::TestWithParam<const PrivateKey* (*)()> {};
INSTANTIATE_TEST_SUITE_P(Keys, EitherKeyTest,
                         ::testing::Values([] { return &P256(); }, [] { return &Ed25519(); }));

TEST_P(EitherKeyTest, Sign1VerifiesAndYieldsThePayload) {
  const PrivateKey& key = *GetParam()();
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Sign1(key, AsBytes(kPayload)));
  TAM_ASSERT_OK_AND_ASSIGN(const Message message,
                           Message::Parse(AsBytes(bytes), TagRule::kRequired));
  EXPECT_EQ(message.structure(), Structure::kSign1);
  ASSERT_EQ(message.signers().size(), 1u);
  EXPECT_EQ(message.signers()[0].kid, AsString(key.public_key().thumbprint()));
  TAM_ASSERT_OK_AND_ASSIGN(const VerifiedPayload payload,
                           message.Verify(key.public_key(), AlgorithmPolicy::Strict()));
  EXPECT_EQ(AsView(payload.bytes()), kPayload);
  EXPECT_EQ(payload.algorithm(), key.type() == KeyType::kP256 ? kEsp256 : kEd25519);
  EXPECT_TRUE(payload.key() == key.public_key());
}

TEST_P(EitherKeyTest, NoBitOfAMessageCanChange) {
  TAM_ROW("T-07");
  const PrivateKey& key = *GetParam()();
  SignOptions options;
  options.with_kid = false;  // The one part that no signature covers.
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Sign1(key, AsBytes(kPayload), options));
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string altered = bytes;
    altered[i / 8] = static_cast<char>(altered[i / 8] ^ (1 << (i % 8)));
    const absl::Status status = VerifyStrict(altered, key.public_key());
    EXPECT_FALSE(status.ok()) << "bit " << i;
    EXPECT_FALSE(status.message().empty()) << "bit " << i;
  }
}

TEST_P(EitherKeyTest, DetachedPayloadIsGivenFromOutside) {
  const PrivateKey& key = *GetParam()();
  SignOptions options;
  options.detached = true;
  options.tagged = false;
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Sign1(key, AsBytes(kPayload), options));
  EXPECT_THAT(Message::Parse(AsBytes(bytes), TagRule::kRequired),
              StatusIs(kInvalid, HasSubstr("want tag 18 or 98, got array")));
  TAM_ASSERT_OK_AND_ASSIGN(const Message message,
                           Message::Parse(AsBytes(bytes), TagRule::kOptional));
  EXPECT_EQ(message.unverified_payload(), std::nullopt);
  const AlgorithmPolicy policy = AlgorithmPolicy::Strict();
  EXPECT_THAT(message.VerifyDetached(key.public_key(), AsBytes(kPayload), policy), IsOk());
  EXPECT_THAT(message.VerifyDetached(key.public_key(), AsBytes("other"), policy),
              StatusIs(kUnauthenticated, "cose: signature does not verify"));
  EXPECT_THAT(message.Verify(key.public_key(), policy),
              StatusIs(kInvalid, HasSubstr("want an attached payload, got nil")));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string attached, Sign1(key, AsBytes(kPayload)));
  EXPECT_THAT(Message::Parse(AsBytes(attached), TagRule::kRequired)
                  ->VerifyDetached(key.public_key(), AsBytes(kPayload), policy),
              StatusIs(kInvalid, HasSubstr("got an attached one")));
}

TEST(AlgorithmTest, MustFitTheKeyAndThePolicy) {
  TAM_ROW("R-05");
  const keys::PublicKey& p256 = P256().public_key();
  const keys::PublicKey& ed25519 = Ed25519().public_key();
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a10128", "a0"), p256), IsOk());        // -9
  EXPECT_THAT(VerifyStrict(Sign1With(Ed25519(), "a10132", "a0"), ed25519), IsOk());  // -19
  // Polymorphic numbers only where the policy allows them.
  EXPECT_THAT(VerifyOlder(Sign1With(P256(), "a10126", "a0"), p256), IsOk());        // -7
  EXPECT_THAT(VerifyOlder(Sign1With(Ed25519(), "a10127", "a0"), ed25519), IsOk());  // -8
  EXPECT_THAT(
      VerifyStrict(Sign1With(P256(), "a10126", "a0"), p256),
      StatusIs(kUnauthenticated, HasSubstr("fully specified algorithm (-9 or -19), got -7")));
  EXPECT_THAT(VerifyStrict(Sign1With(Ed25519(), "a10127", "a0"), ed25519),
              StatusIs(kUnauthenticated, HasSubstr("got -8")));
  // Signed by the right key, but the number names another kind: ESP256 and ES256 on Ed25519, EdDSA
  // and Ed25519 on P-256, HMAC, ES384, 0.
  for (const char* alg : {"a10128", "a10126", "a10105", "a1013822", "a10100"}) {
    EXPECT_THAT(VerifyOlder(Sign1With(Ed25519(), alg, "a0"), ed25519),
                StatusIs(kUnauthenticated, HasSubstr("want an algorithm of a Ed25519 key")));
  }
  for (const char* alg : {"a10127", "a10132", "a10105", "a1013822", "a10100"}) {
    EXPECT_THAT(VerifyOlder(Sign1With(P256(), alg, "a0"), p256),
                StatusIs(kUnauthenticated, HasSubstr("want an algorithm of a P-256 key")));
  }
  // The right number, another kind of key.
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a10128", "a0"), ed25519),
              StatusIs(kUnauthenticated, HasSubstr("want an algorithm of a Ed25519 key, got -9")));
  for (const char* none : {"", "a0", "a10300"}) {
    EXPECT_THAT(VerifyOlder(Sign1With(P256(), none, "a0"), p256),
                StatusIs(kUnauthenticated, HasSubstr("got none")));
  }
}

TEST(HeaderTest, UnprotectedHeadersCannotSteer) {
  TAM_ROW("R-05");
  const keys::PublicKey& key = P256().public_key();
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a10300", "a10128"), key),
              StatusIs(kInvalid, HasSubstr("cose[1].1: want it in the protected bucket")));
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a10128", "a10128"), key),
              StatusIs(kInvalid, HasSubstr("cose[1].1: want it in the protected bucket")));
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a10128", "a1028101"), key),
              StatusIs(kInvalid, HasSubstr("cose[1].2: want it in the protected bucket")));
}

TEST(HeaderTest, RefusesMalformedHeaders) {
  TAM_ROW("T-06");
  const struct {
    const char* protected_hex;
    const char* unprotected_hex;
    const char* reason;
  } cases[] = {
      {"a2012804410a", "a104410a", "cose[1].4: want the label in one bucket, got it in both"},
      {"a201286178f6", "a16178f6", "cose[1].x: want the label in one bucket"},
      {"a201280128", "a0", "cose[0].1: want every map key once"},
      {"a10128", "a204410a04410a", "cose[1].4: want every map key once"},
      {"a1012800", "a0", "cose[0]: want the end of the input, got 1 trailing bytes"},
      {"8101", "a0", "cose[0]: want map, got array"},
      {"a1", "a0", "cose[0]: want 1 pairs"},
      {"a10128", "80", "cose[1]: want map, got array"},
      {"a101654553323536", "a0", "cose[0].1: want integer, got text string"},
      {"a2012841ff00", "a0", "cose[0].{key 1}: want integer, got byte string"},
      {"a10128", "a180f6", "cose[1].{key 0}: want integer, got array"},
      {"a10128", "a1046161", "cose[1].4: want byte string"},
      {"a10128", "a10520", "cose[1].5: want byte string"},
      {"a2012803f6", "a0", "cose[0].3: want text string"},
      {"a10128", "a11821f6", "cose[1].33: want byte string"},
      {"a10128", "a118218141aa", "cose[1].33: want array of at least 2"},
      {"a201280280", "a0", "cose[0].2: want array of at least 1"},
      {"a201280201", "a0", "cose[0].2: want array"},
      {"a30128028118641864f6", "a0", "cose[0].2[0]: want a label that is understood"},
      {"a30128028161786178f6", "a0", "cose[0].2[0]: want a label that is understood"},
      // An x5chain is read here and minded nowhere.
      {"a3012802811821182141aa", "a0", "cose[0].2[0]: want a label that is understood"},
      {"a20128028104", "a104410a", "cose[0].2[0]: want a label of the protected bucket"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(
        VerifyStrict(Sign1With(P256(), c.protected_hex, c.unprotected_hex), P256().public_key()),
        StatusIs(kInvalid, HasSubstr(c.reason)))
        << c.protected_hex << " " << c.unprotected_hex;
  }
}

TEST(HeaderTest, IgnoresUnknownParametersAndObeysCriticalOnes) {
  TAM_ROW("T-06");
  const keys::PublicKey& key = P256().public_key();
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a201281864f6", "a1617880"), key), IsOk());
  // crit = [alg, content type], both there.
  EXPECT_THAT(VerifyStrict(Sign1With(P256(), "a30128028201030312", "a0"), key), IsOk());
}

TEST(HeaderTest, ShowsContentTypeKidAndCertificates) {
  const std::string bytes = Sign1With(P256(), "a201280363612f62", "a2044241421821824101420202");
  TAM_ASSERT_OK_AND_ASSIGN(const Message message,
                           Message::Parse(AsBytes(bytes), TagRule::kRequired));
  EXPECT_EQ(message.content_type(), "a/b");
  EXPECT_EQ(message.signers()[0].kid, "AB");
  EXPECT_EQ(message.signers()[0].x5chain, (std::vector<std::string>{"\x01", "\x02\x02"}));
  TAM_ASSERT_OK_AND_ASSIGN(
      const Message number,
      Message::Parse(AsBytes(Sign1With(P256(), "a2012803183c", "a0")), TagRule::kRequired));
  EXPECT_EQ(number.content_type(), "60");
}

// RFC 9052 section 3: recipients must take h'' and h'a0' for an empty bucket; section 4.4: both are
// h'' in the Sig_structure.
TEST(HeaderTest, TakesBothFormsOfAnEmptyBucketAsTheSame) {
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes,
                           Sign(std::vector{&P256(), &Ed25519()}, AsBytes(kPayload)));
  ASSERT_EQ(bytes.substr(0, 4), Unhex("d8628440"));
  const std::string encoded_map = Unhex("d8628441a0") + bytes.substr(4);
  EXPECT_THAT(VerifyStrict(encoded_map, P256().public_key()), IsOk());
  EXPECT_EQ(Sign1ToBeSigned(AsBytes(Unhex("a0")), AsBytes("p")),
            Sign1ToBeSigned(Bytes(), AsBytes("p")));
}

TEST(SignatureTest, RefusesEveryFormButTheFixedOne) {
  const std::string good = Sign1With(P256(), "a10128", "a0");
  const std::string front = good.substr(0, good.size() - 66);
  const auto with_signature = [&front](const std::string& signature) {
    Writer writer;
    writer.Raw(front).ByteString(signature);
    return std::move(writer).Take();
  };
  const keys::PublicKey& key = P256().public_key();
  const std::string signature = good.substr(good.size() - 64);
  ASSERT_THAT(VerifyStrict(with_signature(signature), key), IsOk());
  // The same signature in DER, as X.509 has it.
  std::string der =
      Unhex("3046022100") + signature.substr(0, 32) + Unhex("022100") + signature.substr(32);
  EXPECT_THAT(VerifyStrict(with_signature(der), key),
              StatusIs(kUnauthenticated, HasSubstr("want 64 bytes, got 72")));
  EXPECT_THAT(VerifyStrict(with_signature(""), key),
              StatusIs(kUnauthenticated, HasSubstr("want 64 bytes, got 0")));
  const std::string zeros(32, '\0');
  for (const std::string& bad : {zeros + zeros, zeros + signature.substr(32),
                                 signature.substr(0, 32) + zeros, std::string(64, '\xff')}) {
    EXPECT_THAT(VerifyStrict(with_signature(bad), key),
                StatusIs(kUnauthenticated, HasSubstr("signature does not verify")));
  }
}

TEST(StructureTest, RefusesWhatIsNoCoseMessage) {
  TAM_ROW("T-05");
  const std::string good = Sign1With(P256(), "a10128", "a0");
  const std::string array = good.substr(1);
  const std::pair<std::string, const char*> cases[] = {
      {"", "cose: want an item"},
      {good + '\0', "trailing"},
      {"\xd2" + good, "cose: want array of 4 elements, got tag"},
      {Unhex("d861") + array, "cose: want tag 17, 18 or 98, got 97"},
      {Unhex("d83d") + good, "cose: want tag 17, 18 or 98, got 61"},
      {array, "cose: want tag 18 or 98, got array"},
      {Unhex("d28343a10128a040"), "cose: want array of 4 elements, got 3"},
      {Unhex("d28543a10128a0404040"), "cose: want array of 4 elements, got 5"},
      {Unhex("d284a10128a04040"), "cose[0]: want byte string, got map"},
      {Unhex("d28443a10128a0614140"), "cose[2]: want byte string, got text string"},
      {Unhex("d28443a10128a0f740"), "cose[2]: want byte string, got undefined"},
      {Unhex("d28443a10128a040f6"), "cose[3]: want byte string, got null"},
      {Unhex("d8628440a04040"), "cose[3]: want array of 1..16 elements, got byte string"},
      {Unhex("d8628440a04080"), "cose[3]: want array of 1..16 elements, got 0"},
      {Unhex("d8628440a0408180"), "cose[3][0]: want array of 3 elements, got 0"},
      {Unhex("d8628440a0408183a10128a040"), "cose[3][0][0]: want byte string, got map"},
      {Unhex("d8628440a040818343a10128a10128f6"), "cose[3][0][1].1: want it in the protected"},
      {Unhex("d28443a10128a04080"), "cose[3]: want byte string, got array"},
  };
  for (const auto& [bytes, reason] : cases) {
    EXPECT_THAT(Message::Parse(AsBytes(bytes), TagRule::kRequired),
                StatusIs(kInvalid, HasSubstr(reason)))
        << absl::BytesToHexString(bytes);
  }
}

TEST(StructureTest, RefusesMoreThanSixteenSigners) {
  const auto with_signers = [](int count) {
    Writer writer;
    writer.Tag(98).Array(4).ByteString("").MapHead(0).ByteString(kPayload).Array(count);
    for (int i = 0; i < count; ++i) {
      writer.Array(3).ByteString(Unhex("a10128")).MapHead(0).ByteString(std::string(64, 's'));
    }
    return std::move(writer).Take();
  };
  EXPECT_THAT(Message::Parse(AsBytes(with_signers(16)), TagRule::kRequired), IsOk());
  EXPECT_THAT(Message::Parse(AsBytes(with_signers(17)), TagRule::kRequired),
              StatusIs(kInvalid, HasSubstr("want array of 1..16 elements, got 17")));
  EXPECT_THAT(Sign({}, AsBytes(kPayload)), StatusIs(kInvalid, HasSubstr("want 1..16")));
  EXPECT_THAT(Sign(std::vector(17, &P256()), AsBytes(kPayload)),
              StatusIs(kInvalid, HasSubstr("want 1..16 signing keys, got 17")));
}

TEST(SignTest, EachSignerVerifiesAloneAndStrangersDoNot) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey stranger, PrivateKey::Generate(KeyType::kP256));
  for (const bool with_kid : {true, false}) {
    SignOptions options;
    options.with_kid = with_kid;
    TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes,
                             Sign(std::vector{&P256(), &Ed25519()}, AsBytes(kPayload), options));
    EXPECT_THAT(VerifyStrict(bytes, P256().public_key()), IsOk());
    EXPECT_THAT(VerifyStrict(bytes, Ed25519().public_key()), IsOk());
    EXPECT_THAT(VerifyStrict(bytes, stranger.public_key()),
                StatusIs(kUnauthenticated, HasSubstr("no signature by this key among 2")));
  }
}

TEST(SignTest, AWrongSignerAmongRightOnesHarmsOnlyItself) {
  TAM_ASSERT_OK_AND_ASSIGN(const PrivateKey third, PrivateKey::Generate(KeyType::kP256));
  TAM_ASSERT_OK_AND_ASSIGN(std::string bytes,
                           Sign(std::vector{&P256(), &third, &Ed25519()}, AsBytes(kPayload)));
  // The middle signature ends where the last COSE_Signature (109 bytes) begins.
  const size_t last_signer = 1 + 4 + 1 + 37 + 66;
  bytes[bytes.size() - last_signer - 1] ^= 1;
  EXPECT_THAT(VerifyStrict(bytes, P256().public_key()), IsOk());
  EXPECT_THAT(VerifyStrict(bytes, Ed25519().public_key()), IsOk());
  EXPECT_THAT(VerifyStrict(bytes, third.public_key()),
              StatusIs(kUnauthenticated, "cose: signature does not verify"));
}

TEST(SignTest, ASignatureOfSign1IsNoneOfSign) {
  const std::string sign1 = Sign1With(P256(), "a10128", "a0");
  Writer writer;
  writer.Tag(98).Array(4).ByteString("").MapHead(0).ByteString(kPayload).Array(1);
  writer.Array(3).ByteString(Unhex("a10128")).MapHead(0);
  writer.ByteString(sign1.substr(sign1.size() - 64));
  EXPECT_THAT(VerifyStrict(writer.bytes(), P256().public_key()),
              StatusIs(kUnauthenticated, "cose: signature does not verify"));
}

TEST(SignTest, CarriesACertificateChain) {
  SignOptions options;
  options.x5chain = {"leaf", "root"};
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, Sign1(P256(), AsBytes(kPayload), options));
  TAM_ASSERT_OK_AND_ASSIGN(const Message message,
                           Message::Parse(AsBytes(bytes), TagRule::kRequired));
  EXPECT_EQ(message.signers()[0].x5chain, options.x5chain);
  EXPECT_THAT(Sign(std::vector{&P256(), &Ed25519()}, AsBytes(kPayload), options),
              StatusIs(kInvalid, HasSubstr("want one signing key beside an x5chain")));
}

TEST(StructureTest, TellsUntaggedStructuresApart) {
  const auto structure = [](const char* hex) {
    return Message::Parse(AsBytes(Unhex(hex)), TagRule::kOptional)->structure();
  };
  EXPECT_EQ(structure("8443a10128a04040"), Structure::kSign1);
  EXPECT_EQ(structure("8443a10105a04040"), Structure::kMac0);
  EXPECT_EQ(structure("8440a040818343a10128a040"), Structure::kSign);
}

}  // namespace
}  // namespace tam::cose
