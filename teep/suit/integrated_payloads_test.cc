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
#include "tests/support/status_matchers.h"

namespace tam::suit {
namespace {

using ::tam::testing::StatusIs;
using testing::DigestItem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::ManifestBuilder;
using testing::SequenceBuilder;
using testing::TextItem;

const keys::PrivateKey& Author() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

std::string Pair(std::string_view name, std::string_view payload) {
  return std::move(cbor::Writer().Text(name).ByteString(payload)).Take();
}

Envelope Parsed(const std::string& bytes) {
  auto envelope = Envelope::Parse(cbor::AsBytes(bytes));
  EXPECT_OK(envelope);
  return *std::move(envelope);
}

void ExpectVerifies(const Envelope& envelope) {
  const keys::PublicKey anchors[] = {Author().public_key()};
  EXPECT_OK(VerifiedEnvelope::Verify(envelope, anchors));
}

// Two components with a payload each, and one payload that both fetch.
ManifestBuilder TwoComponents() {
  ManifestBuilder manifest;
  manifest.components = {{"TEE", "app", "ta"}, {"TEE", "app", "data"}};
  const auto fetch = [](uint64_t index, std::string uri, std::string_view image) {
    return SequenceBuilder()
        .Index(index)
        .Override({{parameter::kUri, TextItem(uri)}, {parameter::kImageDigest, DigestItem(image)}})
        .Command(command::kFetch)
        .Command(command::kImageMatch);
  };
  manifest.sections[20] = SequenceBuilder()
                              .Index(0)
                              .Run(fetch(0, "#ta", "ta"))
                              .Run(fetch(1, "#data", "data"))
                              .Run(fetch(0, "#both", "both"))
                              .Run(fetch(1, "#both", "both"));
  manifest.sections[24] = SequenceBuilder().Index(0).Command(command::kUnlink);
  return manifest;
}

TEST(WithoutPayloadTest, CutsThePairAndKeepsEveryOtherByte) {
  const ManifestBuilder manifest = ManifestBuilder::InstallOf("payload");
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes,
                           SignManifest(manifest.Encode(), {{"#tc", "payload"}}, Author()));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string without,
                           SignManifest(manifest.Encode(), {}, Author()));
  ASSERT_EQ(bytes[0], '\xa3');
  for (const std::string& tag : {std::string(), std::string("\xd8\x6b")}) {
    const Envelope whole = Parsed(tag + bytes);
    TAM_ASSERT_OK_AND_ASSIGN(const Envelope lighter, WithoutPayload(whole, "#tc"));
    std::string want = tag + bytes;
    want[tag.size()] = '\xa2';
    const std::string pair = Pair("#tc", "payload");
    want.erase(want.find(pair), pair.size());
    EXPECT_EQ(lighter.bytes(), want);
    EXPECT_EQ(lighter.computed_digest(), whole.computed_digest());
    EXPECT_THAT(lighter.integrated_payloads(), IsEmpty());
    ExpectVerifies(lighter);
    EXPECT_THAT(WithoutPayload(lighter, "#tc"), StatusIs(absl::StatusCode::kNotFound));
  }
}

// Members in an order that no encoder of ours makes; the head of the map changes its width.
TEST(WithoutPayloadTest, KeepsOrderAndMembersItDoesNotKnow) {
  const ManifestBuilder manifest = ManifestBuilder::InstallOf("payload");
  TAM_ASSERT_OK_AND_ASSIGN(const std::string two, SignManifest(manifest.Encode(), {}, Author()));
  std::string others;  // 21 of them
  for (int i = 0; i < 21; ++i) {
    others += std::move(cbor::Writer().Int(-1 - i).Uint(static_cast<uint64_t>(i))).Take();
  }
  const std::string pair = Pair("p", std::string(300, 'p'));
  const std::string decoy = Pair("decoy", pair);  // holds the same bytes as the pair
  const std::string members = two.substr(1);
  for (const auto& [before, after] : {std::pair(decoy, others), std::pair(others, decoy)}) {
    const Envelope whole = Parsed("\xb8\x19" + before + pair + members + after);
    TAM_ASSERT_OK_AND_ASSIGN(const Envelope lighter, WithoutPayload(whole, "p"));
    EXPECT_EQ(lighter.bytes(), "\xb8\x18" + before + members + after);
    ExpectVerifies(lighter);
    TAM_ASSERT_OK_AND_ASSIGN(const Envelope lightest, WithoutPayload(lighter, "decoy"));
    EXPECT_EQ(lightest.bytes(), "\xb7" + (before == decoy ? members + others : others + members));
  }
}

// Integer keys and severed members are no payloads, whatever they are called.
TEST(WithoutPayloadTest, TakesNothingElseAway) {
  TAM_ASSERT_OK_AND_ASSIGN(
      const std::string bytes,
      SignManifest(ManifestBuilder::InstallOf("payload").Encode(), {{"#tc", "payload"}}, Author()));
  const Envelope whole = Parsed(bytes);
  for (const char* name : {"2", "3", "\x02", "", "#t", "#tc "}) {
    EXPECT_THAT(WithoutPayload(whole, name), StatusIs(absl::StatusCode::kNotFound)) << name;
  }
}

TEST(PayloadsOfTest, NamesWhatOneComponentAloneFetches) {
  TAM_ASSERT_OK_AND_ASSIGN(
      const std::string bytes,
      SignManifest(TwoComponents().Encode(), {{"#ta", "ta"}, {"#data", "data"}, {"#both", "both"}},
                   Author()));
  const Envelope envelope = Parsed(bytes);
  EXPECT_THAT(*PayloadsOf(envelope, {"TEE", "app", "ta"}), ElementsAre("#ta"));
  EXPECT_THAT(*PayloadsOf(envelope, {"TEE", "app", "data"}), ElementsAre("#data"));
  EXPECT_THAT(*PayloadsOf(envelope, {"TEE", "app"}), IsEmpty());
  TAM_ASSERT_OK_AND_ASSIGN(const Envelope lighter, WithoutPayload(envelope, "#ta"));
  EXPECT_THAT(*PayloadsOf(lighter, {"TEE", "app", "ta"}), IsEmpty()) << "it is no longer there";
}

TEST(PayloadsOfTest, WhatLiesElsewhereIsNoPayload) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf("payload");
  manifest.sections[20] = SequenceBuilder()
                              .Override({{parameter::kUri, TextItem("https://files.example/ta")}})
                              .Command(command::kFetch)
                              .Command(command::kImageMatch);
  TAM_ASSERT_OK_AND_ASSIGN(const std::string bytes, SignManifest(manifest.Encode(), {}, Author()));
  EXPECT_THAT(*PayloadsOf(Parsed(bytes), manifest.components[0]), IsEmpty());
}

}  // namespace
}  // namespace tam::suit
