// Any bytes as what a TAM answers, to a device that asks it. The first byte says whether the device
// gets them as they are (bit 0 clear) or as a payload that its TAM key signs; the message stands
// again behind each of its answers. Sessions end, a refusal says why, nothing is installed that no
// trusted author signed, and what the device sends verifies under its key.
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "teep/message/message.h"
#include "tools/teepsim/device.h"

namespace tam::teepsim {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

const keys::PrivateKey& TamKey() {
  static const auto& key = *new keys::PrivateKey(*keys::PrivateKey::Generate(keys::KeyType::kP256));
  return key;
}

// Gone when the process ends.
struct Folder {
  Folder() {
    const char* base = getenv("TEST_TMPDIR");
    std::string pattern = std::string(base == nullptr ? "/tmp" : base) + "/device_fuzz.XXXXXX";
    Require(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

struct TestDevice {
  Folder folder;
  std::unique_ptr<DeviceState> state;

  TestDevice() {
    const DeviceProfile profile = DefaultProfile(secret::RandomSource::System());
    auto made = DeviceState::Create(folder.path, profile);
    Require(made.ok());
    state = *std::move(made);
    // No author whose signature an input could hold.
    const auto author = keys::PrivateKey::Generate(keys::KeyType::kEd25519);
    Require(state->AddTrust({TamKey().public_key()}, {author->public_key()}).ok());
  }
};

class NoPayloads : public PayloadSource {
 public:
  absl::StatusOr<std::string> Fetch(std::string_view, size_t) override {
    return absl::UnavailableError("nothing is served");
  }
};

class SameAnswer : public TamTransport {
 public:
  SameAnswer(std::string answer, const keys::PublicKey& agent)
      : answer_(std::move(answer)), agent_(agent) {}

  absl::StatusOr<std::optional<std::string>> Exchange(std::string_view message) override {
    if (!message.empty()) CheckSent(message);
    return std::optional<std::string>(answer_);
  }

 private:
  void CheckSent(std::string_view message) const {
    const auto cose = cose::Message::Parse(cbor::AsBytes(message), cose::TagRule::kRequired);
    Require(cose.ok());
    const auto verified = teep::VerifyMessage(*cose, agent_, cose::AlgorithmPolicy::Strict());
    Require(verified.ok());
  }

  const std::string answer_;
  const keys::PublicKey& agent_;
};

void CheckAnswer(std::string answer) {
  static TestDevice device;
  NoPayloads payloads;
  SameAnswer tam(std::move(answer), device.state->agent_key().public_key());
  Transcript quiet(nullptr);
  const auto result = Device(*device.state, tam, payloads, quiet).RunSession();
  Require(result.ok() || !result.status().message().empty());
  Require(device.state->record().manifests.empty() && device.state->record().owners.empty());
}

}  // namespace
}  // namespace tam::teepsim

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) {
    auto is_signed = tam::cose::Sign1(tam::teepsim::TamKey(), tam::cbor::AsBytes(bytes));
    tam::teepsim::Require(is_signed.ok());
    bytes = *std::move(is_signed);
  }
  tam::teepsim::CheckAnswer(std::move(bytes));
  return 0;
}
