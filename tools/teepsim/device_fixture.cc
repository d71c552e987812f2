#include "tools/teepsim/device_fixture.h"

#include <filesystem>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/suit/author.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/status_matchers.h"

namespace tam::teepsim {

using suit::testing::ManifestBuilder;

const keys::PrivateKey& KeyOf(keys::KeyType type) {
  static const auto& p256 =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  static const auto& ed25519 =
      *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kEd25519));
  return type == keys::KeyType::kP256 ? p256 : ed25519;
}

const keys::PrivateKey& Author() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

absl::StatusOr<FakeTam::Answer> FakeTam::Exchange(std::string_view message) {
  if (!failure.ok()) return failure;
  if (!message.empty()) {
    raw.emplace_back(message);
    const auto cose = cose::Message::Parse(cbor::AsBytes(message), cose::TagRule::kRequired);
    const auto verified = teep::VerifyMessage(*cose, *agent, cose::AlgorithmPolicy::Strict());
    if (!verified.ok()) return verified.status();
    received.push_back(verified->message());
  }
  if (answers.empty()) return std::nullopt;
  Answer answer = std::move(answers.front());
  answers.pop_front();
  return answer;
}

std::string SignBoth(const teep::Message& message) {
  const keys::PrivateKey* keys[] = {&KeyOf(keys::KeyType::kP256), &KeyOf(keys::KeyType::kEd25519)};
  return *cose::Sign(keys, cbor::AsBytes(*teep::Encode(message)));
}

std::string SignOne(const teep::Message& message, keys::KeyType type) {
  return *cose::Sign1(KeyOf(type), cbor::AsBytes(*teep::Encode(message)));
}

teep::QueryRequest Request() {
  teep::QueryRequest request;
  request.challenge = kChallenge;
  request.versions = {0};
  request.supported_cipher_suites = teep::MandatoryCipherSuites();
  request.supported_suit_cose_profiles = teep::MandatorySuitCoseProfiles();
  request.data_item_requested =
      teep::kRequestAttestation | teep::kRequestTrustedComponents | teep::kRequestSuitReports;
  return request;
}

teep::QueryRequest RequestWithToken() {
  teep::QueryRequest request = Request();
  request.challenge.reset();
  request.token = kToken;
  request.data_item_requested = teep::kRequestTrustedComponents | teep::kRequestSuitReports;
  return request;
}

std::string EnvelopeOf(uint64_t sequence_number, std::string payload) {
  return *suit::SignManifest(ManifestBuilder::InstallOf(kPayload, sequence_number).Encode(),
                             {{"#tc", std::move(payload)}}, Author());
}

teep::Update UpdateWith(std::vector<std::string> envelopes, std::string token) {
  teep::Update update;
  update.token = std::move(token);
  update.manifest_list = std::move(envelopes);
  return update;
}

void DeviceFixture::MakeDevice(keys::KeyType suite, keys::KeyType attestation) {
  folder_ = ::testing::TempDir() + "/agent";
  std::filesystem::remove_all(folder_);
  DeviceProfile profile = DefaultProfile(secret::RandomSource::System());
  profile.suite = suite;
  profile.vendor_id = suit::testing::kVendor;
  profile.class_id = suit::testing::kClass;
  TAM_ASSERT_OK_AND_ASSIGN(state_, DeviceState::Create(folder_, profile, attestation));
  ASSERT_OK(state_->AddTrust(
      {KeyOf(keys::KeyType::kP256).public_key(), KeyOf(keys::KeyType::kEd25519).public_key()},
      {Author().public_key()}));
  tam_.agent = state_->agent_key().public_key();
}

void DeviceFixture::TearDown() { std::filesystem::remove_all(folder_); }

absl::StatusOr<SessionResult> DeviceFixture::Run(std::vector<std::optional<std::string>> answers,
                                                 SessionOptions options) {
  tam_.received.clear();
  tam_.raw.clear();
  tam_.answers.assign(answers.begin(), answers.end());
  Transcript transcript(&transcript_);
  LoopbackPayloadSource payloads;
  return Device(*state_, tam_, payloads, transcript, std::move(options)).RunSession();
}

absl::StatusOr<SessionResult> DeviceFixture::RunUpdate(const teep::Update& update,
                                                       SessionOptions options) {
  return Run({SignBoth(Request()), SignOne(update, state_->agent_key().type())},
             std::move(options));
}

}  // namespace tam::teepsim
