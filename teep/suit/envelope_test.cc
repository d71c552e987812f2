#include "teep/suit/envelope.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/author.h"
#include "teep/suit/commands.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::suit {
namespace {

using ::tam::testing::StatusIs;
using testing::BytesItem;
using testing::DigestItem;
using ::testing::HasSubstr;
using testing::ManifestBuilder;
using testing::SequenceBuilder;
using testing::TextItem;
using testing::UintItem;

constexpr char kPayload[] = "the payload of a component";

const keys::PrivateKey& Author() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

const keys::PrivateKey& Stranger() {
  static const auto& key =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  return key;
}

ManifestSpec Spec() {
  ManifestSpec spec;
  spec.component_id = {"TEE", "app", "ta"};
  spec.manifest_component_id = {"TEE", "app", "suit"};
  spec.sequence_number = 7;
  spec.vendor_id = testing::kVendor;
  spec.class_id = testing::kClass;
  spec.payload = kPayload;
  return spec;
}

std::string Sign(const ManifestBuilder& manifest) {
  return *SignManifest(manifest.Encode(), {{"#tc", kPayload}}, Author());
}

absl::StatusOr<Envelope> Parse(const std::string& bytes) {
  return Envelope::Parse(cbor::AsBytes(bytes));
}

absl::StatusOr<VerifiedEnvelope> Verify(const std::string& bytes) {
  auto envelope = Parse(bytes);
  if (!envelope.ok()) return envelope.status();
  const keys::PublicKey anchors[] = {Stranger().public_key(), Author().public_key()};
  return VerifiedEnvelope::Verify(*std::move(envelope), anchors);
}

// The members of an envelope map, written again with a change.
std::string Rebuild(const std::string& bytes,
                    const std::map<int64_t, std::optional<std::string>>& changes) {
  const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
  cbor::MapBuilder map;
  for (const auto [key, value] : document->root().each_pair()) {
    const auto label = key.Int();
    if (label.ok() && changes.contains(*label)) continue;
    map.SetRaw(cbor::AsString(key.encoded()), cbor::AsString(value.encoded()));
  }
  for (const auto& [label, value] : changes) {
    if (!value.has_value()) continue;
    cbor::Writer writer;
    writer.Raw(*value);
    map.Set(label, std::move(writer));
  }
  return map.Encode();
}

TEST(EnvelopeTest, AuthoredEnvelopeVerifiesAndSaysWhatItInstalls) {
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, CreateSignedEnvelope(Spec(), Author()));
  TAM_ASSERT_OK_AND_ASSIGN(const VerifiedEnvelope envelope, Verify(bytes));
  EXPECT_EQ(envelope.envelope().bytes(), bytes);
  EXPECT_EQ(envelope.envelope().without_tag(), bytes);
  EXPECT_EQ(envelope.signer(), Author().public_key());
  EXPECT_EQ(envelope.manifest_digest(), envelope.envelope().computed_digest());
  EXPECT_EQ(envelope.manifest().sequence_number, 7u);
  EXPECT_EQ(envelope.manifest().manifest_component_id, (ComponentId{"TEE", "app", "suit"}));
  EXPECT_EQ(envelope.envelope().integrated_payloads().at("#tc"), kPayload);
  TAM_ASSERT_OK_AND_ASSIGN(const auto facts, CollectComponentFacts(envelope.manifest()));
  ASSERT_EQ(facts.size(), 1u);
  EXPECT_EQ(facts[0].id, (ComponentId{"TEE", "app", "ta"}));
  EXPECT_EQ(BytesItem(EncodeDigest(*facts[0].image_digest)), DigestItem(kPayload));
  EXPECT_EQ(facts[0].image_size, sizeof kPayload - 1);
  EXPECT_EQ(facts[0].uri, "#tc");
  EXPECT_EQ(facts[0].vendor_id, testing::kVendor);
  EXPECT_EQ(facts[0].class_id, testing::kClass);
  EXPECT_OK(CheckPublishable(envelope));
}

TEST(EnvelopeTest, AuthoredRemoteEnvelopeCarriesItsUri) {
  ManifestSpec spec = Spec();
  spec.payload.reset();
  spec.remote = ManifestSpec::Remote{
      .uri = "https://files.example/ta", .digest = {kSha256, std::string(32, 'd')}, .size = 99};
  spec.reference_uri = "https://files.example/ta.suit";
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, CreateSignedEnvelope(spec, Stranger()));
  TAM_ASSERT_OK_AND_ASSIGN(const VerifiedEnvelope envelope, Verify(bytes));
  EXPECT_EQ(envelope.manifest().reference_uri, "https://files.example/ta.suit");
  TAM_ASSERT_OK_AND_ASSIGN(const auto facts, CollectComponentFacts(envelope.manifest()));
  EXPECT_EQ(facts[0].uri, "https://files.example/ta");
  EXPECT_EQ(facts[0].image_size, 99u);
  EXPECT_OK(CheckPublishable(envelope));
}

TEST(EnvelopeTest, AuthorNamesTheFieldItRefuses) {
  const std::vector<std::pair<std::string, std::function<void(ManifestSpec&)>>> cases = {
      {"component-id", [](ManifestSpec& s) { s.component_id.clear(); }},
      {"manifest-component-id", [](ManifestSpec& s) { s.manifest_component_id = s.component_id; }},
      {"vendor-id: want 16 bytes, got 1", [](ManifestSpec& s) { s.vendor_id = "v"; }},
      {"class-id", [](ManifestSpec& s) { s.class_id = ""; }},
      {"exactly one", [](ManifestSpec& s) { s.payload.reset(); }},
      {"exactly one", [](ManifestSpec& s) { s.remote.emplace(); }},
      {"remote.uri",
       [](ManifestSpec& s) {
         s.payload.reset();
         s.remote = ManifestSpec::Remote{.uri = "ftp://x/", .digest = {}, .size = 0};
       }},
  };
  for (const auto& [reason, change] : cases) {
    ManifestSpec spec = Spec();
    change(spec);
    EXPECT_THAT(CreateSignedEnvelope(spec, Author()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(reason)));
  }
}

TEST(EnvelopeTest, RefusesAnotherSigner) {
  TAM_ROW("S-05");
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, CreateSignedEnvelope(Spec(), Author()));
  TAM_ASSERT_OK_AND_ASSIGN(Envelope envelope, Parse(bytes));
  const keys::PublicKey anchors[] = {Stranger().public_key()};
  EXPECT_THAT(VerifiedEnvelope::Verify(envelope, anchors),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("envelope.authentication")));
  EXPECT_THAT(VerifiedEnvelope::Verify(envelope, {}),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("0 trust anchors")));
}

TEST(EnvelopeTest, RefusesAManifestThatIsNotTheSignedOne) {
  TAM_ROW("S-04");
  const std::string one = Sign(ManifestBuilder::InstallOf(kPayload, 1));
  const std::string two = BytesItem(ManifestBuilder::InstallOf(kPayload, 2).Encode());
  EXPECT_THAT(Verify(Rebuild(one, {{3, two}})),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("authentication.digest")));
}

TEST(EnvelopeTest, RefusesAnEnvelopeWithoutAuthenticationBlock) {
  TAM_ROW("S-05");
  const std::string signed_one = Sign(ManifestBuilder::InstallOf(kPayload));
  TAM_ASSERT_OK_AND_ASSIGN(const Envelope envelope, Parse(signed_one));
  cbor::Writer wrapper;
  wrapper.Array(1).ByteString(EncodeDigest(envelope.computed_digest()));
  EXPECT_THAT(Verify(Rebuild(signed_one, {{2, BytesItem(wrapper.bytes())}})),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("no authentication block")));
}

TEST(EnvelopeTest, RefusesBlocksWithAnAttachedPayloadOrAnAlgorithmOutOfPlace) {
  TAM_ROW("S-06");
  const std::string signed_one = Sign(ManifestBuilder::InstallOf(kPayload));
  TAM_ASSERT_OK_AND_ASSIGN(const Envelope envelope, Parse(signed_one));
  const std::string digest = EncodeDigest(envelope.computed_digest());
  const auto with_block = [&](const std::string& block) {
    cbor::Writer wrapper;
    wrapper.Array(2).ByteString(digest).ByteString(block);
    return Verify(Rebuild(signed_one, {{2, BytesItem(wrapper.bytes())}})).status();
  };
  EXPECT_OK(with_block(*cose::Sign1(Author(), cbor::AsBytes(digest), {.detached = true})));
  EXPECT_FALSE(with_block(*cose::Sign1(Author(), cbor::AsBytes(digest))).ok());
  // Signed over what these headers demand; alg in the unprotected bucket, and one of no policy.
  for (const auto& [body_protected, unprotected] :
       {std::pair(std::string(), std::string("\xa1\x01\x28")),
        std::pair(std::string("\xa1\x01\x05"), std::string("\xa0"))}) {
    const std::string signature = *Author().Sign(
        cbor::AsBytes(cose::Sign1ToBeSigned(cbor::AsBytes(body_protected), cbor::AsBytes(digest))));
    cbor::Writer block;
    block.Tag(18).Array(4).ByteString(body_protected).Raw(unprotected).Null().ByteString(signature);
    EXPECT_FALSE(with_block(block.bytes()).ok());
  }
}

TEST(EnvelopeTest, AcceptsTag107AndDropsItForDelivery) {
  TAM_ROW("S-02", "A9");
  const std::string bytes = Sign(ManifestBuilder::InstallOf(kPayload));
  const std::string tagged = "\xd8\x6b" + bytes;
  TAM_ASSERT_OK_AND_ASSIGN(const VerifiedEnvelope envelope, Verify(tagged));
  EXPECT_EQ(envelope.envelope().bytes(), tagged);
  EXPECT_EQ(envelope.envelope().without_tag(), bytes);
  EXPECT_THAT(Parse("\xd8\x6c" + bytes),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want tag 107")));
}

TEST(EnvelopeTest, RefusesTheManifestBeforeItsAuthentication) {
  TAM_ROW("S-03");
  const std::string bytes = Sign(ManifestBuilder::InstallOf(kPayload));
  const auto document = cbor::Document::Parse(cbor::AsBytes(bytes));
  cbor::Writer writer;
  writer.MapHead(2);
  writer.Uint(3).Raw(cbor::AsView(document->root().Get(3)->encoded()));
  writer.Uint(2).Raw(cbor::AsView(document->root().Get(2)->encoded()));
  EXPECT_THAT(Parse(writer.bytes()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key 2 before key 3")));
  EXPECT_THAT(Parse(Rebuild(bytes, {{3, std::nullopt}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key 3")));
}

TEST(EnvelopeTest, TakesASeveredMemberWhoseDigestIsInTheManifest) {
  TAM_ROW("S-16");
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  const std::string install = BytesItem(manifest.sections.at(20).Encode());
  const secret::Digest256 hash = secret::Sha256(cbor::AsBytes(install));
  manifest.raw_members[20] = EncodeDigest({kSha256, std::string(hash.begin(), hash.end())});
  const std::string severed = Sign(manifest);

  TAM_ASSERT_OK_AND_ASSIGN(const Envelope without, Parse(severed));
  EXPECT_TRUE(without.unverified_manifest().absent_severed.contains(20));
  EXPECT_FALSE(without.unverified_manifest().sequences.contains(Section::kInstall));

  TAM_ASSERT_OK_AND_ASSIGN(const Envelope with, Parse(Rebuild(severed, {{20, install}})));
  EXPECT_TRUE(with.unverified_manifest().absent_severed.empty());
  EXPECT_EQ(with.unverified_manifest().sequences.at(Section::kInstall).size(), 3u);

  const std::string other = BytesItem(SequenceBuilder().Command(command::kUnlink).Encode());
  EXPECT_THAT(Parse(Rebuild(severed, {{20, other}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("severed install")));
  // Once in the manifest, once severed.
  EXPECT_THAT(Parse(Rebuild(Sign(ManifestBuilder::InstallOf(kPayload)), {{20, install}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("want it once")));
  // Severed, but the manifest knows of none.
  EXPECT_THAT(Parse(Rebuild(Sign(ManifestBuilder::InstallOf(kPayload)), {{16, install}})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no member payload-fetch")));
}

struct Malformed {
  std::string reason;
  std::function<void(ManifestBuilder&)> change;
};

TEST(EnvelopeTest, RefusesMalformedManifestsByPath) {
  TAM_ROW("S-07");
  SequenceBuilder deep = SequenceBuilder().Command(command::kUnlink);
  for (int i = 0; i < 9; ++i) deep = SequenceBuilder().Run(deep);
  SequenceBuilder many;
  for (int i = 0; i < 1025; ++i) many.Command(command::kImageMatch);
  const std::vector<Malformed> cases = {
      {"want manifest version 1, got 2", [](ManifestBuilder& m) { m.version = 2; }},
      {"manifest.2", [](ManifestBuilder& m) { m.raw_members[2] = TextItem("1"); }},
      {"manifest.3", [](ManifestBuilder& m) { m.raw_members[3] = UintItem(1); }},
      {"manifest.5", [](ManifestBuilder& m) { m.raw_members[5] = TextItem("x"); }},
      {"manifest.common.2",
       [](ManifestBuilder& m) {
         m.components = {{"a"}, {"a"}};
       }},
      {"at least one component",
       [](ManifestBuilder& m) {
         m.components.clear();
         cbor::Writer empty;
         empty.MapHead(1).Uint(9).Uint(9);
         m.raw_members[3] = BytesItem(empty.bytes());
       }},
      {"want an index that no component has",
       [](ManifestBuilder& m) { m.dependencies[0] = {"x"}; }},
      {"manifest.common.2: want array of 1..64",
       [](ManifestBuilder& m) {
         m.components.clear();
         for (int i = 0; i < 65; ++i) m.components.push_back({std::to_string(i)});
       }},
      {"manifest.install", [](ManifestBuilder& m) { m.sections[20] = SequenceBuilder().Index(1); }},
      {"nested sequences", [&](ManifestBuilder& m) { m.sections[20] = deep; }},
      {"1024 commands", [&](ManifestBuilder& m) { m.sections[20] = many; }},
      {"manifest.install[1].3",
       [](ManifestBuilder& m) {
         m.sections[20] = SequenceBuilder().Override({{parameter::kImageDigest, BytesItem("x")}});
       }},
      {"manifest.install[1].19",
       [](ManifestBuilder& m) {
         m.sections[20] =
             SequenceBuilder().Override({{parameter::kEncryptionInfo, BytesItem("\x80")}});
       }},
      {"manifest.install[1]",
       [](ManifestBuilder& m) {
         m.sections[20] = SequenceBuilder().CommandRaw(command::kFetch, TextItem("now"));
       }},
      {"manifest.install[1]",
       [](ManifestBuilder& m) {
         m.sections[20] = SequenceBuilder().TryEach({SequenceBuilder().Command(command::kAbort)});
       }},
      {"pairs of command and argument",
       [](ManifestBuilder& m) {
         cbor::Writer odd;
         odd.Array(3).Uint(3).Uint(15).Uint(3);
         m.raw_members[20] = BytesItem(odd.bytes());
       }},
      {"manifest.text", [](ManifestBuilder& m) { m.raw_members[23] = BytesItem("\x01"); }},
  };
  for (const Malformed& malformed : cases) {
    ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
    malformed.change(manifest);
    EXPECT_THAT(Parse(Sign(manifest)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(malformed.reason)));
  }
}

TEST(EnvelopeTest, CommandsCarryTheirOffsets) {
  const std::string sequence =
      SequenceBuilder().Index(0).Command(command::kFetch).Command(command::kImageMatch).Encode();
  TAM_ASSERT_OK_AND_ASSIGN(const CommandSequence commands,
                           ParseCommandSequence(cbor::AsBytes(sequence), "sequence"));
  ASSERT_EQ(commands.size(), 3u);
  EXPECT_EQ(commands[0].offset, 1u);
  EXPECT_EQ(commands[1].offset, 3u);
  EXPECT_EQ(commands[1].argument_offset, 4u);
  EXPECT_EQ(commands[2].offset, 5u);
}

TEST(EnvelopeTest, FactsThatDependOnTheBranchAreLeftUnset) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  const auto slot = [](uint64_t number, std::string_view image) {
    return SequenceBuilder()
        .Override({{parameter::kComponentSlot, UintItem(number)}})
        .Command(command::kComponentSlot)
        .Override({{parameter::kImageDigest, DigestItem(image)}});
  };
  manifest.shared = SequenceBuilder()
                        .Override({{parameter::kImageSize, UintItem(5)}})
                        .TryEach({slot(0, "first"), slot(1, "other")});
  TAM_ASSERT_OK_AND_ASSIGN(const Envelope envelope, Parse(Sign(manifest)));
  TAM_ASSERT_OK_AND_ASSIGN(const auto facts, CollectComponentFacts(envelope.unverified_manifest()));
  EXPECT_EQ(facts[0].image_digest, std::nullopt);
  EXPECT_EQ(facts[0].image_size, 5u);
}

TEST(EnvelopeTest, ComponentIdTextShowsUnprintableElementsInHex) {
  EXPECT_EQ(ComponentIdText({"TEEP-Device", std::string("\x8d\x82", 2), "ta"}),
            "TEEP-Device/8d82/ta");
  EXPECT_EQ(ComponentIdText({"a/b"}), "612f62");
  const ComponentId id = {"a", std::string("\0", 1)};
  const std::string encoded = EncodeComponentId(id);
  TAM_ASSERT_OK_AND_ASSIGN(const ComponentId decoded,
                           ParseComponentId(cbor::AsBytes(encoded), "id"));
  EXPECT_EQ(decoded, id);
}

TEST(EnvelopeTest, DigestsHaveTheLengthOfTheirAlgorithm) {
  const std::string encoded = EncodeDigest({kSha256, std::string(31, 'x')});
  EXPECT_THAT(ParseDigest(cbor::AsBytes(encoded), "digest"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("digest[1]")));
  const std::string unknown = EncodeDigest({-9, std::string(32, 'x')});
  EXPECT_THAT(ParseDigest(cbor::AsBytes(unknown), "digest"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("digest algorithm")));
}

}  // namespace
}  // namespace tam::suit
