#include "tools/teepsim/suit_processor/processor.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/author.h"
#include "teep/suit/commands.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/status_matchers.h"

namespace tam::teepsim {
namespace {

namespace command = suit::command;
namespace parameter = suit::parameter;
using suit::ComponentId;
using suit::ReportReason;
using suit::testing::BoolItem;
using suit::testing::BytesItem;
using suit::testing::DigestItem;
using suit::testing::ManifestBuilder;
using suit::testing::SequenceBuilder;
using suit::testing::TextItem;
using suit::testing::UintItem;
using ::testing::HasSubstr;

constexpr char kPayload[] = "the payload of a component";
const ComponentId kTa = {"TEE", "app", "ta"};
const ComponentId kSuit = {"TEE", "app", "suit"};

class FakeHoldings : public Holdings {
 public:
  std::optional<std::string> ReadComponent(const ComponentId& id) const override {
    const auto it = components.find(id);
    if (it == components.end()) return std::nullopt;
    return it->second;
  }
  std::optional<ComponentId> OwnerOf(const ComponentId& id) const override {
    const auto it = owners.find(id);
    if (it == owners.end()) return std::nullopt;
    return it->second;
  }
  std::optional<InstalledManifest> FindManifest(const ComponentId& id) const override {
    const auto it = manifests.find(id);
    if (it == manifests.end()) return std::nullopt;
    return it->second;
  }

  std::map<ComponentId, std::string> components;
  std::map<ComponentId, ComponentId> owners;
  std::map<ComponentId, InstalledManifest> manifests;
};

class FakePayloads : public PayloadSource {
 public:
  absl::StatusOr<std::string> Fetch(std::string_view uri, size_t) override {
    const auto it = payloads.find(std::string(uri));
    if (it == payloads.end()) return absl::UnavailableError("not served");
    return it->second;
  }
  std::map<std::string, std::string> payloads;
};

const keys::PrivateKey& Author() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

suit::VerifiedEnvelope Verified(const ManifestBuilder& manifest,
                                const std::map<std::string, std::string>& payloads = {}) {
  const std::string bytes = *suit::SignManifest(manifest.Encode(), payloads, Author());
  const keys::PublicKey anchors[] = {Author().public_key()};
  return *suit::VerifiedEnvelope::Verify(*suit::Envelope::Parse(cbor::AsBytes(bytes)), anchors);
}

class ProcessorTest : public ::testing::Test {
 protected:
  ProcessorTest() {
    identity_.vendor_id = suit::testing::kVendor;
    identity_.class_id = suit::testing::kClass;
    identity_.device_id = "device-id-16byte";
    identity_.reserved = {{"firmware"}};
  }

  Outcome Install(const suit::VerifiedEnvelope& envelope) {
    return SuitProcessor(identity_, holdings_, payloads_).Install(envelope);
  }
  Outcome Install(const ManifestBuilder& manifest) {
    return Install(Verified(manifest, {{"#tc", kPayload}}));
  }
  // Takes the outcome over, as a device does.
  void Commit(const suit::VerifiedEnvelope& envelope, const Outcome& outcome) {
    const ComponentId id = ManifestIdOf(envelope.manifest());
    for (const auto& [component, bytes] : outcome.changes) {
      if (bytes == nullptr) {
        holdings_.components.erase(component);
        holdings_.owners.erase(component);
      } else {
        holdings_.components[component] = *bytes;
        holdings_.owners[component] = id;
      }
    }
    holdings_.manifests[id] = {envelope.manifest().sequence_number, envelope.manifest_digest()};
  }

  // A manifest of one component whose install sequence is given; no shared sequence, no validate.
  static ManifestBuilder WithInstall(const SequenceBuilder& install) {
    ManifestBuilder manifest;
    manifest.sections[20] = install;
    return manifest;
  }

  ProcessorIdentity identity_;
  FakeHoldings holdings_;
  FakePayloads payloads_;
};

void ExpectFailure(const Outcome& outcome, ReportReason reason, const std::string& problem) {
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.report.failure->reason, reason)
      << suit::ReportReasonName(outcome.report.failure->reason);
  EXPECT_THAT(outcome.problem, HasSubstr(problem));
  EXPECT_TRUE(outcome.changes.empty());
}

TEST_F(ProcessorTest, InstallsAnIntegratedPayload) {
  const auto envelope = Verified(ManifestBuilder::InstallOf(kPayload, 3), {{"#tc", kPayload}});
  const Outcome outcome = Install(envelope);
  ASSERT_TRUE(outcome.ok()) << outcome.problem;
  ASSERT_EQ(outcome.changes.size(), 1u);
  EXPECT_EQ(*outcome.changes.at(kTa), kPayload);
  EXPECT_EQ(outcome.report.manifest_digest, envelope.manifest_digest());
  ASSERT_EQ(outcome.report.claims.size(), 1u);
  EXPECT_EQ(outcome.report.claims[0].parameters.at(parameter::kImageDigest), DigestItem(kPayload));
  EXPECT_EQ(outcome.report.claims[0].parameters.at(parameter::kImageSize),
            UintItem(sizeof kPayload - 1));
}

TEST_F(ProcessorTest, RecordsStandWhereTheirCommandStands) {
  const auto envelope = Verified(ManifestBuilder::InstallOf(kPayload), {{"#tc", kPayload}});
  const Outcome outcome = Install(envelope);
  const auto& install = envelope.manifest().sequences.at(suit::Section::kInstall);
  bool fetch_seen = false;
  for (const suit::Record& record : outcome.report.records) {
    if (record.section == 20 && record.offset == install[1].offset) fetch_seen = true;
    // Sections of the manifest alone: common, install, validate.
    EXPECT_THAT(record.section, ::testing::AnyOf(3, 7, 20));
  }
  EXPECT_TRUE(fetch_seen);
}

TEST_F(ProcessorTest, ANestedRecordCountsFromTheStartOfItsSection) {
  const SequenceBuilder branch = SequenceBuilder().Command(command::kAbort);
  const ManifestBuilder manifest = WithInstall(SequenceBuilder().TryEach({branch, branch}));
  const auto envelope = Verified(manifest);
  const Outcome outcome = Install(envelope);
  ExpectFailure(outcome, ReportReason::kConditionFailed, "aborted");
  const std::string section = manifest.sections.at(20).Encode();
  const uint64_t offset = outcome.report.failure->record.offset;
  ASSERT_LT(offset, section.size());
  EXPECT_EQ(section[offset], static_cast<char>(command::kAbort));
  EXPECT_EQ(offset, section.rfind(static_cast<char>(command::kAbort)));
}

TEST_F(ProcessorTest, FetchesFromAServer) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  manifest.sections[20] = SequenceBuilder()
                              .Override({{parameter::kUri, TextItem("http://127.0.0.1/ta")}})
                              .Command(command::kFetch)
                              .Command(command::kImageMatch);
  ExpectFailure(Install(manifest), ReportReason::kOperationFailed, "not served");
  payloads_.payloads["http://127.0.0.1/ta"] = kPayload;
  EXPECT_TRUE(Install(manifest).ok());
  payloads_.payloads["http://127.0.0.1/ta"] = "the payload of another one";
  ExpectFailure(Install(manifest), ReportReason::kConditionFailed, "image-match");
}

TEST_F(ProcessorTest, AnImageThatDoesNotMatchLeavesNothing) {
  const auto envelope = Verified(ManifestBuilder::InstallOf(kPayload), {{"#tc", "altered"}});
  const Outcome outcome = Install(envelope);
  ExpectFailure(outcome, ReportReason::kConditionFailed, "install: image-match of component 0");
  // The record shows what was found.
  EXPECT_EQ(outcome.report.failure->record.parameters.at(parameter::kImageDigest),
            DigestItem("altered"));
  EXPECT_EQ(outcome.report.failure->record.section, 20);
}

TEST_F(ProcessorTest, AFailureOfValidateAfterInstallLeavesNothing) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  manifest.sections[7] = SequenceBuilder()
                             .Override({{parameter::kImageDigest, DigestItem("something else")}})
                             .Command(command::kImageMatch);
  ExpectFailure(Install(manifest), ReportReason::kConditionFailed, "validate: image-match");
}

TEST_F(ProcessorTest, RefusesRollbackAndAcceptsTheSameAgain) {
  const auto third = Verified(ManifestBuilder::InstallOf(kPayload, 3), {{"#tc", kPayload}});
  Commit(third, Install(third));
  const Outcome again = Install(third);
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(again.unchanged);
  EXPECT_TRUE(again.changes.empty());
  const Outcome older = Install(ManifestBuilder::InstallOf(kPayload, 2));
  ExpectFailure(older, ReportReason::kConditionFailed, "rollback: sequence number 2");
  EXPECT_EQ(older.report.failure->record.section, 2);
  EXPECT_TRUE(Install(ManifestBuilder::InstallOf(kPayload, 4)).ok());
}

TEST_F(ProcessorTest, InstallsTheSameAgainWhenItsComponentIsDamaged) {
  const auto envelope = Verified(ManifestBuilder::InstallOf(kPayload, 3), {{"#tc", kPayload}});
  Commit(envelope, Install(envelope));
  holdings_.components[kTa] = "damaged";
  const Outcome outcome = Install(envelope);
  ASSERT_TRUE(outcome.ok()) << outcome.problem;
  EXPECT_FALSE(outcome.unchanged);
  EXPECT_EQ(*outcome.changes.at(kTa), kPayload);
}

TEST_F(ProcessorTest, UninstallRemovesTheComponent) {
  const auto envelope = Verified(ManifestBuilder::InstallOf(kPayload, 3), {{"#tc", kPayload}});
  Commit(envelope, Install(envelope));
  const Outcome outcome = SuitProcessor(identity_, holdings_, payloads_).Uninstall(envelope);
  ASSERT_TRUE(outcome.ok()) << outcome.problem;
  EXPECT_EQ(outcome.changes.at(kTa), nullptr);
  EXPECT_TRUE(outcome.report.claims.empty());
}

TEST_F(ProcessorTest, AnotherVendorClassOrDeviceIsRefused) {
  const ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  identity_.class_id = "another class id";
  ExpectFailure(Install(manifest), ReportReason::kConditionFailed,
                "shared-sequence: class-identifier of component 0");
  identity_.vendor_id = "another-vendorid";
  ExpectFailure(Install(manifest), ReportReason::kConditionFailed, "vendor-identifier");
  ManifestBuilder for_one =
      WithInstall(SequenceBuilder()
                      .Override({{parameter::kDeviceId, BytesItem("another-deviceid")}})
                      .Command(command::kDeviceIdentifier));
  ExpectFailure(Install(for_one), ReportReason::kConditionFailed, "device-identifier");
}

TEST_F(ProcessorTest, TryEachTakesTheFirstBranchThatSucceedsWithoutTheEffectsOfOthers) {
  const auto branch = [](uint64_t slot, std::string_view content) {
    return SequenceBuilder()
        .Override({{parameter::kComponentSlot, UintItem(slot)},
                   {parameter::kContent, BytesItem(content)}})
        .Command(command::kWrite)
        .Command(command::kComponentSlot);
  };
  identity_.slot = 1;
  Outcome outcome = Install(WithInstall(
      SequenceBuilder().TryEach({branch(0, "zero"), branch(1, "one"), branch(1, "x")})));
  ASSERT_TRUE(outcome.ok()) << outcome.problem;
  EXPECT_EQ(*outcome.changes.at(kTa), "one");
  outcome = Install(WithInstall(SequenceBuilder().TryEach({branch(0, "a"), branch(2, "b")})));
  ExpectFailure(outcome, ReportReason::kConditionFailed, "component-slot");
  outcome = Install(WithInstall(
      SequenceBuilder().TryEach({branch(0, "a"), branch(2, "b")}, /*or_nothing=*/true)));
  EXPECT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome.changes.empty());
}

TEST_F(ProcessorTest, ASubsequenceFailsUnlessItIsSoft) {
  const SequenceBuilder failing = SequenceBuilder().Command(command::kAbort);
  ExpectFailure(Install(WithInstall(SequenceBuilder().Run(failing))),
                ReportReason::kConditionFailed, "aborted");
  const SequenceBuilder soft = SequenceBuilder()
                                   .Override({{parameter::kSoftFailure, BoolItem(true)},
                                              {parameter::kContent, BytesItem("undone")}})
                                   .Command(command::kWrite)
                                   .Command(command::kAbort);
  const Outcome outcome = Install(WithInstall(SequenceBuilder().Run(soft)));
  EXPECT_TRUE(outcome.ok()) << outcome.problem;
  EXPECT_TRUE(outcome.changes.empty());
}

TEST_F(ProcessorTest, CopiesAndSwapsBetweenComponents) {
  ManifestBuilder manifest = WithInstall(SequenceBuilder()
                                             .Index(0)
                                             .Override({{parameter::kContent, BytesItem("first")}})
                                             .Command(command::kWrite)
                                             .Index(1)
                                             .Override({{parameter::kSourceComponent, UintItem(0)}})
                                             .Command(command::kCopy)
                                             .Index(0)
                                             .Override({{parameter::kContent, BytesItem("second")},
                                                        {parameter::kSourceComponent, UintItem(1)}})
                                             .Command(command::kWrite)
                                             .Command(command::kSwap)
                                             .Override({{parameter::kContent, BytesItem("first")}})
                                             .Command(command::kCheckContent)
                                             .Command(command::kInvoke));
  manifest.components.push_back({"TEE", "app", "copy"});
  const Outcome outcome = Install(manifest);
  ASSERT_TRUE(outcome.ok()) << outcome.problem;
  EXPECT_EQ(*outcome.changes.at(kTa), "first");
  EXPECT_EQ(*outcome.changes.at({"TEE", "app", "copy"}), "second");
  EXPECT_THAT(outcome.invoked, ::testing::ElementsAre(kTa));
}

TEST_F(ProcessorTest, SetParametersDoesNotReplace) {
  const Outcome outcome =
      Install(WithInstall(SequenceBuilder()
                              .SetParameters({{parameter::kContent, BytesItem("first")}})
                              .SetParameters({{parameter::kContent, BytesItem("second")}})
                              .Command(command::kWrite)));
  EXPECT_EQ(*outcome.changes.at(kTa), "first");
}

TEST_F(ProcessorTest, AComponentOfAnotherManifestIsRefused) {
  holdings_.components[kTa] = "theirs";
  holdings_.owners[kTa] = {"other", "suit"};
  holdings_.manifests[{"other", "suit"}] = {1, {}};
  ExpectFailure(Install(ManifestBuilder::InstallOf(kPayload)), ReportReason::kComponentUnauthorised,
                "belongs to other/suit");
  ManifestBuilder firmware = ManifestBuilder::InstallOf(kPayload);
  firmware.components = {{"firmware"}};
  ExpectFailure(Install(firmware), ReportReason::kComponentUnauthorised, "belongs to the device");
}

TEST_F(ProcessorTest, WhatIsNotSupportedIsRefusedByItsReason) {
  ManifestBuilder dependent = WithInstall(SequenceBuilder().Index(1).Command(11));
  dependent.dependencies[1] = {"other", "suit"};
  ExpectFailure(Install(dependent), ReportReason::kCommandUnsupported, "dependencies");
  dependent.sections[20] = SequenceBuilder().Index(1).Command(command::kFetch);
  ExpectFailure(Install(dependent), ReportReason::kComponentUnsupported, "dependencies");
  ExpectFailure(Install(WithInstall(SequenceBuilder().Command(command::kUseBefore))),
                ReportReason::kCommandUnsupported, "use-before");
  ExpectFailure(Install(WithInstall(SequenceBuilder().Command(-7))),
                ReportReason::kCommandUnsupported, "command -7");
  cbor::Writer info;
  info.Tag(96).Array(4).ByteString("").MapHead(1).Uint(1).Int(-65534).Null();
  info.Array(1).Array(3).ByteString("").MapHead(0).ByteString("key");
  ExpectFailure(
      Install(WithInstall(SequenceBuilder()
                              .Override({{parameter::kEncryptionInfo, BytesItem(info.bytes())},
                                         {parameter::kContent, BytesItem("ciphertext")}})
                              .Command(command::kWrite))),
      ReportReason::kParameterUnsupported, "encrypted");
  const std::string sha384 = suit::EncodeDigest({-43, std::string(48, 'x')});
  ExpectFailure(Install(WithInstall(SequenceBuilder()
                                        .Override({{parameter::kImageDigest, BytesItem(sha384)}})
                                        .Command(command::kImageMatch))),
                ReportReason::kAlgorithmUnsupported, "SHA-256");
}

TEST_F(ProcessorTest, ASeveredSequenceThatIsNotThereIsRefused) {
  ManifestBuilder manifest = ManifestBuilder::InstallOf(kPayload);
  manifest.raw_members[20] = suit::EncodeDigest({suit::kSha256, std::string(32, 'x')});
  ExpectFailure(Install(manifest), ReportReason::kSeveringUnsupported, "install is severed");
}

TEST_F(ProcessorTest, CommandsAreBounded) {
  // 8 levels of 5 branches each would be 5^8 runs.
  SequenceBuilder sequence = SequenceBuilder().Command(command::kCheckContent, 0);
  for (int level = 0; level < 4; ++level) {
    sequence = SequenceBuilder().TryEach({sequence, sequence, sequence, sequence, sequence});
  }
  ManifestBuilder manifest = WithInstall(sequence);
  const Outcome outcome = Install(manifest);
  EXPECT_FALSE(outcome.ok());
  EXPECT_LE(outcome.report.records.size(), 256u);
}

TEST_F(ProcessorTest, EveryReportCanBeEncoded) {
  const Outcome outcome = Install(ManifestBuilder::InstallOf(kPayload));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string encoded, suit::EncodeReport(outcome.report));
  EXPECT_THAT(suit::ParseReport(cbor::AsBytes(encoded)),
              tam::testing::IsOkAndHolds(outcome.report));
}

}  // namespace
}  // namespace tam::teepsim
