#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/author.h"
#include "teep/suit/commands.h"
#include "teep/suit/envelope.h"
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
using ::testing::StartsWith;
using testing::TextItem;
using testing::UintItem;

constexpr char kPayload[] = "the payload of a component";
using Payloads = std::map<std::string, std::string>;

const keys::PrivateKey& Author() {
  static const auto& key =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  return key;
}

absl::Status Check(const ManifestBuilder& manifest, const Payloads& payloads) {
  const auto bytes = SignManifest(manifest.Encode(), payloads, Author());
  if (!bytes.ok()) return bytes.status();
  auto envelope = Envelope::Parse(cbor::AsBytes(*bytes));
  if (!envelope.ok()) return envelope.status();
  const keys::PublicKey anchors[] = {Author().public_key()};
  const auto verified = VerifiedEnvelope::Verify(*std::move(envelope), anchors);
  return verified.ok() ? CheckPublishable(*verified) : verified.status();
}

SequenceBuilder Install(const Parameters& parameters, std::vector<int64_t> commands) {
  SequenceBuilder sequence;
  if (!parameters.empty()) sequence.Override(parameters);
  for (const int64_t code : commands) sequence.Command(code);
  return sequence;
}

constexpr int64_t kGcm = 1;
constexpr int64_t kCtr = -65534;

// A COSE_Encrypt of a detached ciphertext, its key wrapped by `recipient`. CTR has its number in
// the unprotected bucket, what authenticates in the protected one.
std::string EncryptionInfo(int64_t content, int64_t recipient = -3) {
  cbor::Writer protected_map, info;
  protected_map.MapHead(1).Int(1).Int(content);
  info.Tag(96).Array(4);
  if (content == kCtr) {
    info.ByteString("").MapHead(2).Int(1).Int(content).Int(5).ByteString(std::string(16, 'i'));
  } else {
    info.ByteString(protected_map.bytes()).MapHead(1).Int(5).ByteString(std::string(12, 'i'));
  }
  info.Null().Array(1).Array(3).ByteString("").MapHead(1).Int(1).Int(recipient);
  return BytesItem(info.ByteString(std::string(24, 'w')).bytes());
}

SequenceBuilder WriteEncrypted(std::string info) {
  return Install({{parameter::kContent, BytesItem("ciphertext")},
                  {parameter::kEncryptionInfo, std::move(info)}},
                 {command::kWrite});
}

struct Refused {
  std::string row;
  std::string reason;
  std::function<void(ManifestBuilder&, Payloads&)> change;
};

std::vector<Refused> Cases() {
  return {
      {"S-10", "manifest-component-id (5): missing",
       [](ManifestBuilder& m, Payloads&) { m.manifest_component_id.reset(); }},
      {"S-10", "no component's",
       [](ManifestBuilder& m, Payloads&) { m.manifest_component_id = m.components[0]; }},
      {"S-10", "uninstall (24): missing",
       [](ManifestBuilder& m, Payloads&) { m.sections.erase(24); }},
      {"S-12", "no image-match follows",
       [](ManifestBuilder& m, Payloads&) {
         m.sections.erase(7);
         m.sections[20] = Install({{parameter::kUri, TextItem("#tc")}}, {command::kFetch});
       }},
      {"S-12", "without an image-digest", [](ManifestBuilder& m, Payloads&) { m.shared.reset(); }},
      {"S-12", "set by override-parameters",
       [](ManifestBuilder& m, Payloads&) {
         m.shared.reset();
         m.sections[20] = SequenceBuilder()
                              .SetParameters({{parameter::kImageDigest, DigestItem(kPayload)},
                                              {parameter::kUri, TextItem("#tc")}})
                              .Command(command::kFetch)
                              .Command(command::kImageMatch);
       }},
      {"S-12", "write of component 0 without content",
       [](ManifestBuilder& m, Payloads& p) {
         p.clear();
         m.sections[20] = Install({}, {command::kWrite});
       }},
      {"S-12", "no image-match follows",
       [](ManifestBuilder& m, Payloads& p) {
         p.clear();
         m.sections.erase(7);
         m.sections[20] = WriteEncrypted(EncryptionInfo(kCtr));
       }},
      {"S-12", "ways through the manifest",
       [](ManifestBuilder& m, Payloads&) {
         for (int i = 0; i < 6; ++i) {
           m.sections[20].TryEach({Install({{parameter::kSourceComponent, UintItem(i)}}, {}),
                                   Install({{parameter::kSourceComponent, UintItem(0)}}, {})});
         }
       }},
      {"S-13", "#other names no member",
       [](ManifestBuilder& m, Payloads&) {
         m.sections[20] = Install({{parameter::kUri, TextItem("#other")}}, {command::kFetch});
       }},
      {"S-13", "got file:///etc/passwd",
       [](ManifestBuilder& m, Payloads&) {
         m.sections[20] =
             Install({{parameter::kUri, TextItem("file:///etc/passwd")}}, {command::kFetch});
       }},
      {"S-13", "https or http",
       [](ManifestBuilder& m, Payloads&) {
         m.sections[20] =
             Install({{parameter::kUri, TextItem("https://me@host/x")}}, {command::kFetch});
       }},
      {"S-13", "without a URI",
       [](ManifestBuilder& m, Payloads&) { m.sections[20] = Install({}, {command::kFetch}); }},
      {"S-14", "does not have the image-digest",
       [](ManifestBuilder&, Payloads& p) { p["#tc"] = "the payload of a componenT"; }},
      {"S-14", "want image-size 26, got 27",
       [](ManifestBuilder& m, Payloads& p) {
         p["#tc"] = "the payload of a component!";
         m.sections[20] = Install(
             {{parameter::kUri, TextItem("#tc")}, {parameter::kImageDigest, DigestItem(p["#tc"])}},
             {command::kFetch, command::kImageMatch});
       }},
      {"S-15", "#extra: no URI",
       [](ManifestBuilder&, Payloads& p) { p["#extra"] = "nobody signed this"; }},
      {"S-18", "want content algorithm 1, 2, 3, 24 or -65534, got 10",
       [](ManifestBuilder& m, Payloads&) { m.sections[20] = WriteEncrypted(EncryptionInfo(10)); }},
      {"S-18", "want recipients of algorithm -3 or -29, got -5",
       [](ManifestBuilder& m, Payloads&) {
         m.sections[20] = WriteEncrypted(EncryptionInfo(kGcm, -5));
       }},
      {"S-18", "want algorithm -29 in the protected bucket",
       [](ManifestBuilder& m, Payloads&) {
         m.sections[20] = WriteEncrypted(EncryptionInfo(kGcm, -29));
       }},
      {"S-19", "fetch may not stand there",
       [](ManifestBuilder& m, Payloads&) { m.shared->Command(command::kFetch); }},
      {"S-19", "custom (negative) parameter",
       [](ManifestBuilder& m, Payloads&) {
         m.shared->Override({{-1, UintItem(1)}});
       }},
      {"S-20", "want set-component-index first, got override-parameters",
       [](ManifestBuilder& m, Payloads&) {
         m.components.push_back({"TEE", "app", "data"});
       }},
  };
}

TEST(PublishChecksTest, RefusesByRowAndReason) {
  TAM_ROW("S-10", "S-12", "S-13", "S-14", "S-15", "S-18", "S-19", "S-20");
  for (const Refused& refused : Cases()) {
    ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
    Payloads payloads = {{"#tc", kPayload}};
    refused.change(manifest, payloads);
    EXPECT_THAT(Check(manifest, payloads),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         ::testing::AllOf(StartsWith(refused.row), HasSubstr(refused.reason))));
  }
}

TEST(PublishChecksTest, WarnsWhereNoConditionLooksAtVendorOrClass) {
  TAM_ROW("S-11");
  const auto warnings = [](const ManifestBuilder& manifest) {
    const auto bytes = SignManifest(manifest.Encode(), {{"#tc", kPayload}}, Author());
    const keys::PublicKey anchors[] = {Author().public_key()};
    const auto verified =
        VerifiedEnvelope::Verify(*Envelope::Parse(cbor::AsBytes(*bytes)), anchors);
    EXPECT_OK(CheckPublishable(*verified));
    return PublishWarnings(*verified);
  };
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  EXPECT_THAT(warnings(manifest), ::testing::IsEmpty());

  const Parameters image = {{parameter::kImageDigest, DigestItem(kPayload)},
                            {parameter::kImageSize, UintItem(sizeof kPayload - 1)}};
  manifest.shared = Install(image, {});
  EXPECT_THAT(warnings(manifest),
              ::testing::ElementsAre(HasSubstr("S-11: manifest: vendor-identifier is not set"),
                                     HasSubstr("S-11: manifest: class-identifier is not set")));
  Parameters with_ids = image;
  with_ids[parameter::kVendorId] = BytesItem(testing::kVendor);
  with_ids[parameter::kClassId] = BytesItem(testing::kClass);
  manifest.shared = Install(with_ids, {command::kVendorIdentifier});
  EXPECT_THAT(warnings(manifest),
              ::testing::ElementsAre(HasSubstr("class-identifier is set, and no condition 2")));

  // One way through the manifest that compares nothing is enough.
  manifest.shared = SequenceBuilder().Override(with_ids).TryEach(
      {Install({}, {command::kVendorIdentifier, command::kClassIdentifier})}, /*or_nothing=*/true);
  EXPECT_THAT(warnings(manifest), ::testing::SizeIs(2));
}

TEST(PublishChecksTest, AcceptsAnIntegratedPayload) {
  EXPECT_OK(Check(ManifestBuilder::InstallOf(kPayload), {{"#tc", kPayload}}));
}

TEST(PublishChecksTest, AcceptsContentInsideTheSignedManifest) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  manifest.sections.erase(7);
  manifest.sections[20] = Install({{parameter::kContent, BytesItem("content")}}, {command::kWrite});
  EXPECT_OK(Check(manifest, {}));
  manifest.sections[20] = WriteEncrypted(EncryptionInfo(kGcm));
  EXPECT_OK(Check(manifest, {}));
}

TEST(PublishChecksTest, MatchesEachSlotWithItsOwnPayload) {
  const auto slot = [](uint64_t number, const Parameters& parameters) {
    return SequenceBuilder()
        .Override({{parameter::kComponentSlot, UintItem(number)}})
        .Command(command::kComponentSlot)
        .Override(parameters);
  };
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  manifest.shared =
      SequenceBuilder().TryEach({slot(0, {{parameter::kImageDigest, DigestItem("first")}}),
                                 slot(1, {{parameter::kImageDigest, DigestItem("other")}})});
  manifest.sections[20] = SequenceBuilder()
                              .TryEach({slot(0, {{parameter::kUri, TextItem("#first")}}),
                                        slot(1, {{parameter::kUri, TextItem("#other")}})})
                              .Command(command::kFetch)
                              .Command(command::kImageMatch);
  EXPECT_OK(Check(manifest, {{"#first", "first"}, {"#other", "other"}}));
  EXPECT_THAT(Check(manifest, {{"#first", "other"}, {"#other", "first"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("S-14")));
}

TEST(PublishChecksTest, AnIntegratedDependencyMatchesByItsManifestDigest) {
  const ManifestBuilder inner = ManifestBuilder::InstallOf(kPayload);
  const std::string inner_member = BytesItem(inner.Encode());
  TAM_ASSERT_OK_AND_ASSIGN(const std::string envelope,
                           SignManifest(inner.Encode(), {{"#tc", kPayload}}, Author()));
  ManifestBuilder manifest;
  manifest.components = {{"TEE", "app", "data"}};
  manifest.manifest_component_id = ComponentId{"TEE", "app", "data.suit"};
  manifest.dependencies[1] = *inner.manifest_component_id;
  const auto fetch = [](std::string digest) {
    return SequenceBuilder()
        .Index(1)
        .Override(
            {{parameter::kImageDigest, std::move(digest)}, {parameter::kUri, TextItem("#inner")}})
        .Command(command::kFetch)
        .Command(command::kImageMatch);
  };
  manifest.sections[15] = fetch(DigestItem(inner_member));
  manifest.sections[24] = SequenceBuilder().Index(0).Command(command::kUnlink);
  EXPECT_OK(Check(manifest, {{"#inner", envelope}}));
  manifest.sections[15] = fetch(DigestItem("something else"));
  EXPECT_THAT(Check(manifest, {{"#inner", envelope}}),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("S-14")));
  EXPECT_THAT(Check(manifest, {{"#inner", "no envelope"}}),
              StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("S-17")));
}

}  // namespace
}  // namespace tam::suit
