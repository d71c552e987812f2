#include "tools/teepsim/protection.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/report.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"

namespace tam::teepsim {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const keys::AgreementKey& TamKey() {
  static const auto& key =
      *new keys::AgreementKey(keys::AgreementKey::Generate(keys::AgreementCurve::kP256));
  return key;
}

absl::StatusOr<std::string> OpenFor(std::string_view sealed, std::string_view use) {
  const auto message =
      cose::EncryptedMessage::Parse(cbor::AsBytes(sealed), cose::TagRule::kRequired);
  if (!message.ok()) return message.status();
  const auto opened = message->Decrypt(TamKey(), use);
  if (!opened.ok()) return opened.status();
  return cbor::AsString(opened->bytes());
}

SessionOptions EncryptedBy(cose::ContentAlgorithm algorithm) {
  SessionOptions options;
  options.protection.tam_key = TamKey().public_key();
  options.protection.algorithm = algorithm;
  options.protection.sign_reports = true;
  return options;
}

class ProtectionTest : public DeviceFixture {};

TEST_F(ProtectionTest, EvidenceAndReportsAreEncryptedAndReportsSignedByAKeyOfTheirOwn) {
  for (const teep::SuitCoseProfile& profile : teep::MandatorySuitCoseProfiles()) {
    const auto authentication =
        profile.authentication == cose::kEsp256 ? keys::KeyType::kP256 : keys::KeyType::kEd25519;
    MakeDevice(keys::KeyType::kP256, authentication);
    const auto algorithm = static_cast<cose::ContentAlgorithm>(profile.encryption);
    TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result,
                             RunUpdate(UpdateWith({EnvelopeOf(3)}), EncryptedBy(algorithm)));
    EXPECT_TRUE(result.ok());
    TAM_ASSERT_OK_AND_ASSIGN(const std::string evidence,
                             OpenFor(*Response().attestation_payload, cose::kEatEncryption));
    TAM_ASSERT_OK_AND_ASSIGN(
        const auto token, cose::Message::Parse(cbor::AsBytes(evidence), cose::TagRule::kRequired));
    EXPECT_OK(
        token.Verify(state_->attestation_key().public_key(), cose::AlgorithmPolicy::Strict()));

    const auto& success = std::get<teep::Success>(tam_.received.at(1));
    ASSERT_THAT(success.suit_reports, SizeIs(1));
    EXPECT_THAT(OpenFor(success.suit_reports[0], cose::kEatEncryption),
                StatusIs(absl::StatusCode::kUnauthenticated));
    const keys::PublicKey& agent = state_->agent_key().public_key();
    const keys::PublicKey report_key = state_->report_key().public_key();
    suit::ReportKeys keys;
    keys.report_keys = absl::MakeConstSpan(&report_key, 1);
    keys.message_key = &agent;
    keys.decrypt = [](suit::Bytes sealed) {
      return OpenFor(cbor::AsView(sealed), cose::kSuitReportEncryption);
    };
    TAM_ASSERT_OK_AND_ASSIGN(const suit::ContainedReport report,
                             suit::OpenReport(cbor::AsBytes(success.suit_reports[0]), keys));
    EXPECT_TRUE(report.encrypted);
    EXPECT_EQ(report.protection, suit::ReportProtection::kVerified);
    EXPECT_EQ(report.report.nonce, kToken);
    EXPECT_EQ(report_key.type(), authentication);
    EXPECT_FALSE(report_key == agent);
  }
}

TEST_F(ProtectionTest, ReportsInAQueryResponseAreProtectedToo) {
  MakeDevice(keys::KeyType::kP256);
  ASSERT_OK(RunUpdate(UpdateWith({EnvelopeOf(3)})));
  ASSERT_OK(Run({SignBoth(RequestWithToken())}, EncryptedBy(cose::ContentAlgorithm::kA128Gcm)));
  ASSERT_THAT(Response().suit_reports, SizeIs(1));
  EXPECT_OK(OpenFor(Response().suit_reports[0], cose::kSuitReportEncryption));
}

// Ed25519 with A128GCM is no profile of the draft.
TEST_F(ProtectionTest, NothingIsSentWhenTheTamDoesNotListTheProfile) {
  MakeDevice(keys::KeyType::kP256, keys::KeyType::kEd25519);
  EXPECT_THAT(Run({SignBoth(Request())}, EncryptedBy(cose::ContentAlgorithm::kA128Gcm)),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("[-16, -19, -29, 1]")));
  EXPECT_THAT(tam_.raw, SizeIs(0));
}

// A folder of before there were report keys gets one, and keeps it.
TEST_F(ProtectionTest, TheReportKeyStays) {
  MakeDevice(keys::KeyType::kP256, keys::KeyType::kEd25519);
  state_.reset();
  std::filesystem::remove(folder_ + "/keys/report.pem");
  TAM_ASSERT_OK_AND_ASSIGN(state_, DeviceState::Open(folder_));
  const keys::PublicKey made = state_->report_key().public_key();
  EXPECT_EQ(made.type(), keys::KeyType::kEd25519);
  state_.reset();
  TAM_ASSERT_OK_AND_ASSIGN(state_, DeviceState::Open(folder_));
  EXPECT_EQ(state_->report_key().public_key(), made);
}

}  // namespace
}  // namespace tam::teepsim
