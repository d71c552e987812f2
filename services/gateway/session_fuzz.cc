// The gateway's whole way of a message, by CheckMessage. The first byte says what had been sent and
// asked for (bit 1: a challenge, else a token; bits 4 to 7: the data items), at what endpoint (bit
// 2: a legacy one), and whether the rest is a message (bit 0 clear) or a payload that the
// registered agent signs. Whatever is not accepted has a reason; nothing is accepted that does not
// verify under the agent's key and carry what was sent.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <variant>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "services/gateway/offline/check.h"
#include "teep/message/message.h"

namespace {

using tam::cbor::AsBytes;
using tam::gateway::CheckInput;
using tam::gateway::CheckResult;
using Verdict = tam::gateway::CheckResult::Verdict;
namespace cose = tam::cose;
namespace keys = tam::keys;
namespace teep = tam::teep;

void Check(bool holds) {
  if (!holds) std::abort();
}

keys::PrivateKey FixedKey(char seed) {
  tam::cbor::Writer writer;  // an Ed25519 COSE_Key of its private part alone
  writer.MapHead(3).Int(1).Int(1).Int(-1).Int(6).Int(-4).ByteString(std::string(32, seed));
  auto key = keys::PrivateKey::FromCoseKey(AsBytes(writer.bytes()));
  Check(key.ok());
  return *std::move(key);
}

const keys::PrivateKey& Agent() {
  static const auto& key = *new keys::PrivateKey(FixedKey('a'));
  return key;
}

CheckInput InputOf(uint8_t mode) {
  static const auto& verifier = *new keys::PrivateKey(FixedKey('v'));
  CheckInput input;
  input.agent_keys = {Agent().public_key()};
  input.verifier_keys = {verifier.public_key()};
  input.requested = mode >> 4;
  input.at = absl::FromUnixSeconds(1'790'000'000);
  if ((mode & 4) != 0) input.wire = teep::WireProfile::kLegacy;
  if ((mode & 2) != 0) {
    input.requested |= 1;
    input.sent_challenge = std::string(32, 'c');
  } else {
    input.sent_token = std::string(16, 't');
  }
  return input;
}

// What the payload of an accepted message must be.
void CheckAccepted(const std::string& message, const CheckInput& input) {
  const bool legacy = input.wire == teep::WireProfile::kLegacy;
  const auto parsed = cose::Message::Parse(
      AsBytes(message), legacy ? cose::TagRule::kOptional : cose::TagRule::kRequired);
  Check(parsed.ok());
  const auto policy =
      legacy ? cose::AlgorithmPolicy::WithOlderNumbers() : cose::AlgorithmPolicy::Strict();
  const auto verified = teep::VerifyMessage(*parsed, input.agent_keys[0], policy, input.wire);
  Check(verified.ok());
  if (const auto* response = std::get_if<teep::QueryResponse>(&verified->message())) {
    Check(response->selected_version.value_or(0) == 0);
    if (input.sent_token.has_value()) {
      Check(response->token == input.sent_token);
    } else {
      Check(response->attestation_payload.has_value());
    }
    Check((input.requested & teep::kRequestTrustedComponents) == 0 ||
          response->tc_list.has_value());
    Check((input.requested & teep::kRequestExtensions) == 0 || response->ext_list.has_value());
    return;
  }
  if (const auto* success = std::get_if<teep::Success>(&verified->message())) {
    Check(input.sent_token.has_value() && success->token == input.sent_token);
    return;
  }
  const auto* error = std::get_if<teep::Error>(&verified->message());
  Check(error != nullptr);
  Check(!error->token.has_value() || error->token == input.sent_token);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const CheckInput input = InputOf(data[0]);
  std::string message(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) {
    auto is_signed = cose::Sign1(Agent(), AsBytes(message));
    Check(is_signed.ok());
    message = *std::move(is_signed);
  }
  const auto result = tam::gateway::CheckMessage(message, input);
  Check(result.ok());
  const bool accepted = result->verdict == Verdict::kAccept ||
                        result->verdict == Verdict::kEvidence ||
                        result->verdict == Verdict::kFlagged;
  if (accepted) {
    CheckAccepted(message, input);
    Check(result->verdict != Verdict::kFlagged || !result->reason.empty());
    return 0;
  }
  Check(!result->reason.empty());
  Check((result->verdict == Verdict::kAnswer) == (result->err_code != 0));
  return 0;
}
