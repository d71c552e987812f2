// A device in a folder of its own, and a TAM that says what a test gives it.
#ifndef TAMARACK_TOOLS_TEEPSIM_DEVICE_FIXTURE_H_
#define TAMARACK_TOOLS_TEEPSIM_DEVICE_FIXTURE_H_

#include <deque>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "teep/message/message.h"
#include "tools/teepsim/device.h"

namespace tam::teepsim {

inline constexpr char kPayload[] = "the payload of a component";
inline const suit::ComponentId kTa = {"TEE", "app", "ta"};
inline const suit::ComponentId kSuit = {"TEE", "app", "suit"};
inline const std::string kChallenge(32, 'c');
inline const std::string kToken(16, 't');

// The TAM's key of a type, and who signs manifests.
const keys::PrivateKey& KeyOf(keys::KeyType type);
const keys::PrivateKey& Author();

// Answers with what it was given, in order, and keeps what it got.
class FakeTam : public TamTransport {
 public:
  using Answer = std::optional<std::string>;  // nullopt: without content

  absl::StatusOr<Answer> Exchange(std::string_view message) override;

  std::optional<keys::PublicKey> agent;
  std::deque<Answer> answers;
  std::vector<teep::Message> received;
  std::vector<std::string> raw;
  absl::Status failure;  // instead of an answer
};

std::string SignBoth(const teep::Message& message);
std::string SignOne(const teep::Message& message, keys::KeyType type = keys::KeyType::kP256);
// Attested by challenge; everything but extensions.
teep::QueryRequest Request();
// The same by a token, without attestation.
teep::QueryRequest RequestWithToken();
std::string EnvelopeOf(uint64_t sequence_number, std::string payload = kPayload);
teep::Update UpdateWith(std::vector<std::string> envelopes, std::string token = kToken);

class DeviceFixture : public ::testing::Test {
 protected:
  // Trusts both keys of the TAM.
  void MakeDevice(keys::KeyType suite, keys::KeyType attestation = keys::KeyType::kP256);
  void TearDown() override;

  absl::StatusOr<SessionResult> Run(std::vector<std::optional<std::string>> answers,
                                    SessionOptions options = {});
  // A request, then that Update in the device's suite.
  absl::StatusOr<SessionResult> RunUpdate(const teep::Update& update, SessionOptions options = {});
  const teep::QueryResponse& Response(size_t index = 0) const {
    return std::get<teep::QueryResponse>(tam_.received.at(index));
  }
  const teep::Error& LastError() const { return std::get<teep::Error>(tam_.received.back()); }

  std::string folder_;
  std::unique_ptr<DeviceState> state_;
  FakeTam tam_;
  std::ostringstream transcript_;
};

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DEVICE_FIXTURE_H_
