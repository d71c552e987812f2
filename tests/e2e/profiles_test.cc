// What draft -26 section 8.2 says of encryption, between the programs: the four SUIT COSE profiles
// under both cipher suites, and what is encrypted as the TAM cannot or must not open it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/keys/agreement.h"
#include "nlohmann/json.hpp"
#include "teep/message/message.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

struct Profile {
  std::string authentication;  // of Evidence and SUIT reports
  std::string encryption;
};

class ProfilesTest : public SharedTamTest {
 protected:
  StackOptions Options() const override {
    StackOptions options = OptionsOf(GetParam());
    options.replicas = 1;
    options.flags[""] = {"--log_level=debug"};
    return options;
  }
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, "payload");
    scenario().Deploy("sample");
    scenario().Do("operator", {"key", "create", "--purpose", "decryption"});
    scenario().Do("operator", {"key", "export", "--purpose", "decryption", "-o", KeyFile()});
  }

  static std::string KeyFile() { return stack().Path("tam-encryption.pem"); }
  static keys::AgreementPublicKey TamKey() {
    return *keys::AgreementPublicKey::FromPem(ContentOf(KeyFile()));
  }

  // The one message of that type that a session's folder has.
  static std::string Saved(const std::string& folder, const std::string& type) {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().filename().string().find("sent-" + type) == std::string::npos) continue;
      found.push_back(ContentOf(entry.path()));
    }
    EXPECT_THAT(found, SizeIs(1)) << type;
    return found.empty() ? "" : found.front();
  }

  template <typename Type>
  static Type Sent(const std::string& folder, const std::string& type) {
    const std::string bytes = Saved(folder, type);
    auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
    if (!cose.ok()) return Type();
    auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
    if (!message.ok() || !std::holds_alternative<Type>(*message)) return Type();
    return std::get<Type>(*std::move(message));
  }

  static std::string Ueid(const std::string& device) {
    const auto json = nlohmann::json::parse(ContentOf(scenario().Folder(device) + "/device.json"),
                                            nullptr, false);
    return absl::HexStringToBytes(json["ueid"].get<std::string>());
  }
  static std::string ManifestDigest() {
    std::string hex = stack().Sql(
        "SELECT encode(digest, 'hex') FROM registry.device_manifests "
        "WHERE digest IS NOT NULL LIMIT 1");
    hex.resize(hex.find('\n'));
    return absl::HexStringToBytes(hex);
  }

  // A COSE_Encrypt for the TAM's key by that algorithm.
  static void ExpectSealed(const std::string& part, const std::string& encryption) {
    const auto parsed =
        cose::EncryptedMessage::Parse(cbor::AsBytes(part), cose::TagRule::kRequired);
    ASSERT_THAT(parsed, IsOk());
    const auto algorithm = encryption == "a128ctr"   ? cose::ContentAlgorithm::kA128Ctr
                           : encryption == "a128gcm" ? cose::ContentAlgorithm::kA128Gcm
                                                     : cose::ContentAlgorithm::kChaCha20Poly1305;
    EXPECT_EQ(parsed->algorithm(), algorithm);
    ASSERT_THAT(parsed->recipients(), SizeIs(1));
    EXPECT_EQ(parsed->recipients()[0].algorithm, cose::kEcdhEsA128Kw);
    EXPECT_EQ(parsed->recipients()[0].kid, cbor::AsString(TamKey().thumbprint()));
  }

  // Its manifests in the TAM's record, and what its file system holds.
  static void ExpectInstalled(const std::string& device) {
    EXPECT_EQ(scenario().OnDisk(device), "payload");
    EXPECT_EQ(stack().Sql(absl::StrCat(
                  "SELECT count(*) FROM registry.device_manifests m JOIN registry.devices d "
                  "USING (tenant_id, device_id) WHERE d.name = '",
                  device, "' AND m.digest IS NOT NULL")),
              "1\n");
  }

  // How many messages came with one report that could be opened, by the log.
  static int ReportsRead() {
    constexpr char kText[] = "1 reports succeeded, 0 failed, 0 unreadable";
    const std::string log = stack().TamdLog();
    int count = 0;
    for (size_t at = log.find(kText); at != std::string::npos; at = log.find(kText, at + 1)) {
      ++count;
    }
    return count;
  }

  static void CompleteSession(const Profile& profile, const std::string& suite) {
    const std::string device =
        absl::StrCat(suite, "-", profile.authentication, "-", profile.encryption);
    SCOPED_TRACE(device);
    scenario().AddDevice(device, {"--suite", suite, "--attestation-suite", profile.authentication});
    const std::string folder = stack().Path("messages-" + device);
    const std::vector<std::string> flags = {"--encrypt", profile.encryption, "--tam-encryption-key",
                                            KeyFile(), "--protect-reports"};
    std::vector<std::string> first = flags;
    first.insert(first.end(), {"--save-messages", folder});
    const Finished done = scenario().Session(device, first);
    ASSERT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
    ExpectInstalled(device);

    const auto response = Sent<teep::QueryResponse>(folder, "QueryResponse");
    ExpectSealed(response.attestation_payload.value_or(""), profile.encryption);
    EXPECT_THAT(Saved(folder, "QueryResponse"), Not(HasSubstr(Ueid(device))));
    const auto success = Sent<teep::Success>(folder, "Success");
    ASSERT_THAT(success.suit_reports, SizeIs(1));
    ExpectSealed(success.suit_reports[0], profile.encryption);
    EXPECT_THAT(Saved(folder, "Success"), Not(HasSubstr(ManifestDigest())));

    // The TAM could read the reports, too.
    const int before = ReportsRead();
    EXPECT_EQ(scenario().Session(device, flags).exit_code, 0);
    EXPECT_EQ(ReportsRead(), before + 1);
  }

  static void CompleteSessions(const Profile& profile) {
    for (const char* suite : {"esp256", "ed25519"}) CompleteSession(profile, suite);
  }
};

INSTANTIATE_IN_LAYOUTS(ProfilesTest);

// That the bytes which the other tests miss are there otherwise.
TEST_P(ProfilesTest, WithoutEncryptionEverythingIsReadable) {
  const std::string folder = stack().Path("messages-one");
  const Finished done = scenario().Session("one", {"--save-messages", folder});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  ExpectInstalled("one");
  EXPECT_THAT(Saved(folder, "QueryResponse"), HasSubstr(Ueid("one")));
  EXPECT_THAT(Saved(folder, "Success"), HasSubstr(ManifestDigest()));
}

TEST_P(ProfilesTest, Esp256WithA128CtrPassesASession) {
  TAM_ROW("T-49", "T-50", "T-55");
  CompleteSessions({"esp256", "a128ctr"});
}

TEST_P(ProfilesTest, Ed25519WithA128CtrPassesASession) {
  TAM_ROW("T-49", "T-50", "T-55");
  CompleteSessions({"ed25519", "a128ctr"});
}

TEST_P(ProfilesTest, Esp256WithA128GcmPassesASession) {
  TAM_ROW("T-49", "T-50", "T-55");
  CompleteSessions({"esp256", "a128gcm"});
}

TEST_P(ProfilesTest, Ed25519WithChaCha20PassesASession) {
  TAM_ROW("T-49", "T-50", "T-55");
  CompleteSessions({"ed25519", "chacha20"});
}

// Messages by hand, of a device that would get the payload.
class SealedEvidenceTest : public ProfilesTest {
 protected:
  void SetUpTam() override {
    ProfilesTest::SetUpTam();
    scenario().AddDevice("sealed");
  }
  void SetUp() override {
    ProfilesTest::SetUp();
    if (!HasFatalFailure()) agent_.emplace(stack(), scenario().Folder("sealed"));
  }

  static std::string Seal(const std::string& evidence, const keys::AgreementPublicKey& key,
                          std::string_view other) {
    return *cose::Encrypt(key, cbor::AsBytes(evidence), cose::ContentAlgorithm::kA128Gcm, other,
                          secret::RandomSource::System());
  }
  // The same without its ciphertext.
  static std::string Detach(const std::string& sealed) {
    const auto document = cbor::Document::Parse(cbor::AsBytes(sealed));
    const cbor::Item array = document->root().at(0);
    cbor::Writer writer;
    writer.Tag(96)
        .Array(4)
        .Raw(cbor::AsView(array.at(0).encoded()))
        .Raw(cbor::AsView(array.at(1).encoded()));
    writer.Null().Raw(cbor::AsView(array.at(3).encoded()));
    return writer.bytes();
  }

  // Sends fresh and otherwise good Evidence, sealed by `seal`.
  template <typename Sealer>
  Reply SendSealed(Sealer seal) {
    teep::QueryResponse response = agent_->UnsignedResponse(agent_->Challenge(kMainPath));
    response.attestation_payload = seal(*response.attestation_payload);
    before_ = stack().DatabaseDigest();
    return agent_->Post(kMainPath, agent_->Sign(response));
  }
  // It is told so, gets nothing, and no row changed.
  void ExpectRefused(const Reply& reply) {
    EXPECT_EQ(reply.update().err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_THAT(reply.update().manifest_list, SizeIs(0));
    EXPECT_FALSE(reply.update().token.has_value());
    EXPECT_EQ(stack().DatabaseDigest(), before_);
    EXPECT_EQ(stack().Sql("SELECT count(*) FROM registry.updates"), "0\n");
  }

  std::optional<HandMadeAgent> agent_;
  std::string before_;
};

INSTANTIATE_TEST_SUITE_P(Together, SealedEvidenceTest,
                         ::testing::ValuesIn(OnlyIn(Layout::kTogether)), LayoutName);

// In this order on one TAM: the last one is what the others would have come to.
TEST_P(SealedEvidenceTest, ADetachedCiphertextIsRefused) {
  TAM_ROW("T-54");
  ExpectRefused(SendSealed([](const std::string& evidence) {
    return Detach(Seal(evidence, TamKey(), cose::kEatEncryption));
  }));
}

TEST_P(SealedEvidenceTest, AnotherKdfContextIsRefused) {
  TAM_ROW("T-55");
  for (const std::string_view other : {cose::kSuitReportEncryption, std::string_view()}) {
    ExpectRefused(
        SendSealed([&](const std::string& evidence) { return Seal(evidence, TamKey(), other); }));
  }
}

TEST_P(SealedEvidenceTest, AnotherTamsKeyIsRefused) {
  const auto other = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  ExpectRefused(SendSealed([&](const std::string& evidence) {
    return Seal(evidence, other.public_key(), cose::kEatEncryption);
  }));
}

TEST_P(SealedEvidenceTest, WhatIsSealedAsTheDraftSaysGetsThePayload) {
  const Reply reply = SendSealed(
      [](const std::string& evidence) { return Seal(evidence, TamKey(), cose::kEatEncryption); });
  EXPECT_EQ(reply.update().err_code, std::nullopt);
  EXPECT_THAT(reply.update().manifest_list, SizeIs(1));
}

}  // namespace
}  // namespace tam::testing
