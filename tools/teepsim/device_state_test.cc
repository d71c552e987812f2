#include "tools/teepsim/device_state.h"

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/author.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_file.h"
#include "tools/teepsim/journal.h"

namespace tam::teepsim {
namespace {

using suit::ComponentId;
using suit::testing::ManifestBuilder;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

const ComponentId kTa = {"TEE", "app", "ta"};
const ComponentId kSuit = {"TEE", "app", "suit"};

// Holds everything that a crash must not tear apart.
struct Snapshot {
  std::string state;
  std::map<std::string, std::string> files;
  bool operator==(const Snapshot&) const = default;
};

class DeviceStateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "/device-" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    TAM_ASSERT_OK_AND_ASSIGN(
        const auto state,
        DeviceState::Create(folder_, DefaultProfile(secret::RandomSource::System())));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static suit::Envelope EnvelopeOf(uint64_t sequence_number) {
    static const auto& key =
        *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
    const auto bytes =
        suit::SignManifest(ManifestBuilder::InstallOf("x", sequence_number).Encode(), {}, key);
    return *suit::Envelope::Parse(cbor::AsBytes(*bytes));
  }
  static ComponentChanges Change(const ComponentId& id, std::string bytes) {
    return {{id, std::make_shared<const std::string>(std::move(bytes))}};
  }
  static absl::Status InstallFirst(DeviceState& state) {
    return state.CommitInstall(EnvelopeOf(1), Change(kTa, "version one"));
  }

  // What a device finds when it starts: opening finishes a commit that was under way.
  Snapshot Take() {
    auto state = DeviceState::Open(folder_);
    EXPECT_OK(state);
    Snapshot snapshot{EncodeState((*state)->record()), {}};
    for (const char* sub : {"components", "manifests"}) {
      for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/" + sub)) {
        const std::string name = std::string(sub) + "/" + entry.path().filename().string();
        if (name.ends_with(".new")) continue;
        snapshot.files[name] = *DurableFiles(folder_).Read(name);
      }
    }
    return snapshot;
  }

  std::string folder_;
};

TEST_F(DeviceStateTest, KeepsIdentityKeysTrustAndInstallations) {
  std::string thumbprint;
  DeviceProfile profile;
  {
    TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
    thumbprint = keys::ThumbprintHex(state->agent_key().public_key().thumbprint());
    profile = state->record().profile;
    ASSERT_OK(state->AddTrust({state->agent_key().public_key()},
                              {state->attestation_key().public_key()}));
    ASSERT_OK(InstallFirst(*state));
    ASSERT_OK(state->SetLastAnswer({"token", "digest", "answer"}));
  }
  TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
  EXPECT_EQ(keys::ThumbprintHex(state->agent_key().public_key().thumbprint()), thumbprint);
  EXPECT_EQ(state->record().profile, profile);
  EXPECT_EQ(state->record().tam_keys.size(), 1u);
  EXPECT_EQ(state->record().manifest_anchors.size(), 1u);
  EXPECT_EQ(state->record().last_answer, (LastAnswer{"token", "digest", "answer"}));
  EXPECT_EQ(state->ReadComponent(kTa), "version one");
  EXPECT_EQ(state->OwnerOf(kTa), kSuit);
  EXPECT_EQ(state->FindManifest(kSuit)->sequence_number, 1u);
  EXPECT_THAT(DeviceState::Create(folder_, profile), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(DeviceStateTest, OneProcessHoldsAFolder) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
  EXPECT_THAT(DeviceState::Open(folder_),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("in use")));
  EXPECT_THAT(DeviceState::Open(folder_ + "-none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(DeviceStateTest, AnUpdateReplacesManifestAndComponent) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
  ASSERT_OK(InstallFirst(*state));
  const suit::Envelope second = EnvelopeOf(2);
  ASSERT_OK(state->CommitInstall(second, Change(kTa, "version two")));
  EXPECT_EQ(state->record().manifests.size(), 1u);
  EXPECT_EQ(state->ReadComponent(kTa), "version two");
  EXPECT_THAT(state->ReadEnvelope(EnvelopeOf(1).claimed_digest()),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(state->ReadEnvelope(second.claimed_digest()),
              tam::testing::IsOkAndHolds(second.bytes()));
}

TEST_F(DeviceStateTest, UninstallDeletesTheFiles) {
  {
    TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
    ASSERT_OK(InstallFirst(*state));
    EXPECT_TRUE(std::filesystem::exists(folder_ + "/components/TEE+app+ta"));
    ASSERT_OK(state->CommitUninstall(kSuit, {{kTa, nullptr}}));
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/components/TEE+app+ta"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ + "/manifests"));
  EXPECT_TRUE(Take().files.empty());
}

// Stops at every step of a commit in turn.
TEST_F(DeviceStateTest, ACrashAtAnyStepLeavesTheOldStateOrTheNewOne) {
  {
    TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
    ASSERT_OK(InstallFirst(*state));
  }
  const Snapshot before = Take();
  const std::string copy = folder_ + "-copy";
  std::filesystem::remove_all(copy);
  std::filesystem::copy(folder_, copy, std::filesystem::copy_options::recursive);
  const suit::Envelope second = EnvelopeOf(2);
  std::optional<Snapshot> after;
  int old_left = 0;
  int new_left = 0;
  for (int crash_at = 0;; ++crash_at) {
    ASSERT_LT(crash_at, 100);
    std::filesystem::remove_all(folder_);
    std::filesystem::copy(copy, folder_, std::filesystem::copy_options::recursive);
    int step = 0;
    absl::Status status;
    {
      TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_, [&](std::string_view) {
                                 return step++ == crash_at ? absl::AbortedError("crash")
                                                           : absl::OkStatus();
                               }));
      ComponentChanges changes = Change({"TEE", "app", "more"}, "another file");
      changes[kTa] = std::make_shared<const std::string>("version two");
      status = state->CommitInstall(second, changes);
    }
    const Snapshot found = Take();
    if (status.ok()) {
      after = found;
      break;
    }
    if (found == before) {
      ++old_left;
      continue;
    }
    ++new_left;
    EXPECT_EQ(found.files.at("components/TEE+app+ta"), "version two") << "step " << crash_at;
    EXPECT_EQ(found.files.at("components/TEE+app+more"), "another file") << "step " << crash_at;
    EXPECT_EQ(DecodeState(cbor::AsBytes(found.state))->manifests[0].sequence_number, 2u);
  }
  EXPECT_NE(*after, before);
  EXPECT_GT(old_left, 0);
  EXPECT_GT(new_left, 0);
  std::filesystem::remove_all(copy);
}

TEST_F(DeviceStateTest, ADamagedStateIsNotTakenForAnEmptyOne) {
  ASSERT_OK(DurableFiles(folder_).Replace("state.cbor", "damaged"));
  EXPECT_THAT(DeviceState::Open(folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("state.cbor")));
}

TEST_F(DeviceStateTest, AnUnknownSuiteIsNotTakenForAKnownOne) {
  TAM_ASSERT_OK_AND_ASSIGN(std::string state, DurableFiles(folder_).Read("state.cbor"));
  const std::string known = "esp256";
  ASSERT_NE(state.find(known), std::string::npos);
  state.replace(state.find(known), known.size(), "esp384");
  ASSERT_OK(DurableFiles(folder_).Replace("state.cbor", state));
  EXPECT_THAT(DeviceState::Open(folder_),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr("want suite esp256 or ed25519, got 'esp384'")));
}

// Nothing of it is begun: not what a later part forbids, and nothing outside the two folders.
TEST_F(DeviceStateTest, ADamagedJournalIsNotCarriedOut) {
  const Snapshot before = Take();
  const std::string key = *DurableFiles(folder_).Read("keys/agent.pem");
  for (const std::string name : {"keys/agent.pem", "components/../keys/agent.pem", "state.cbor",
                                 "components/", "manifests/..", "/etc/teepsim"}) {
    const Journal journal{before.state, {{"components/first", "x"}, {name, "x"}}};
    ASSERT_OK(DurableFiles(folder_).Replace("journal.cbor", EncodeJournal(journal)));
    EXPECT_THAT(DeviceState::Open(folder_),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("journal.cbor")))
        << name;
  }
  const Journal no_state{"no state", {{"components/first", "x"}}};
  ASSERT_OK(DurableFiles(folder_).Replace("journal.cbor", EncodeJournal(no_state)));
  EXPECT_THAT(DeviceState::Open(folder_),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("journal.cbor")));
  ASSERT_OK(DurableFiles(folder_).Remove("journal.cbor"));
  EXPECT_EQ(Take(), before);
  EXPECT_EQ(*DurableFiles(folder_).Read("keys/agent.pem"), key);
}

TEST_F(DeviceStateTest, PrivateKeysAreForTheOwnerAlone) {
  for (const char* name : {"/keys/agent.pem", "/keys/attestation.pem"}) {
    const auto mode = std::filesystem::status(folder_ + name).permissions();
    EXPECT_EQ(mode, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

TEST_F(DeviceStateTest, DeviceJsonHoldsWhatAnOperatorRegisters) {
  TAM_ASSERT_OK_AND_ASSIGN(const auto state, DeviceState::Open(folder_));
  ASSERT_OK(WriteDeviceFiles(*state));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string json, DurableFiles(folder_).Read("device.json"));
  EXPECT_THAT(json, HasSubstr("\"agent_key\": \"-----BEGIN PUBLIC KEY-----\\n"));
  EXPECT_THAT(json, HasSubstr("\"ueid\": \"01"));
  EXPECT_THAT(json, HasSubstr("\"hwmodel\": \"7465657073696d2d31\""));
  EXPECT_THAT(json, HasSubstr("\"firmware\": \""));
  EXPECT_THAT(json, ::testing::Not(HasSubstr("PRIVATE")));
  TAM_ASSERT_OK_AND_ASSIGN(const std::string cose, DurableFiles(folder_).Read("agent.pub.cose"));
  EXPECT_THAT(keys::PublicKey::FromCoseKey(cbor::AsBytes(cose)),
              tam::testing::IsOkAndHolds(state->agent_key().public_key()));
}

TEST(ComponentFileNameTest, DiffersForDifferentComponentsAndStaysInsideTheFolder) {
  EXPECT_EQ(ComponentFileName({"TEEP-Device", std::string("\x8d\x82", 2), "ta"}),
            "TEEP-Device+0x8d82+ta");
  EXPECT_EQ(ComponentFileName({"..", "a/b"}), "0x2e2e+0x612f62");
  EXPECT_NE(ComponentFileName({"0x8d82"}), ComponentFileName({std::string("\x8d\x82", 2)}));
  EXPECT_NE(ComponentFileName({"a", "b"}), ComponentFileName({"a+b"}));
  const std::string digest = ComponentFileName({std::string(300, 'a')});
  EXPECT_LT(digest.size(), 100u);
  EXPECT_NE(ComponentFileName({"sha256", digest.substr(digest.find('+') + 1)}), digest);
  EXPECT_NE(ComponentFileName({}), ComponentFileName({""}));
  EXPECT_NE(ComponentFileName({}), "");
}

}  // namespace
}  // namespace tam::teepsim
