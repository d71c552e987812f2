#include "tests/conformance/vectors/teep_judge.h"

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"
#include "services/gateway/offline/check.h"
#include "teep/message/message.h"
#include "teep/message/older.h"
#include "teep/suit/envelope.h"

namespace tam::conformance {
namespace {

using cbor::AsBytes;
using gateway::CheckInput;
using gateway::CheckResult;
using testing::Judgement;
using testing::ReadFile;
using testing::Value;
using testing::VectorCase;

Judgement Verdict(const char* verdict, const absl::Status& status) {
  return {verdict, std::string(StdView(status.message()))};
}

absl::StatusOr<keys::PublicKey> ReadKey(const std::string& path) {
  return keys::ParsePublicKeyFile(AsBytes(ReadFile(path)));
}

// The key files under ctx.NAME, and under ctx.NAMEs.0 and so on.
absl::StatusOr<std::vector<keys::PublicKey>> ReadKeys(const VectorCase& row,
                                                      const std::string& folder,
                                                      const std::string& name) {
  std::vector<std::string> files = {Value(row, "ctx." + name)};
  for (int i = 0; row.contains(Concat("ctx.", name, "s.", i)); ++i) {
    files.push_back(Value(row, Concat("ctx.", name, "s.", i)));
  }
  std::vector<keys::PublicKey> all;
  for (const std::string& file : files) {
    if (file.empty()) continue;
    auto key = ReadKey(folder + file);
    if (!key.ok()) return key.status();
    all.push_back(*std::move(key));
  }
  return all;
}

std::optional<std::string> HexMember(const VectorCase& row, const std::string& name) {
  const std::string hex = Value(row, name);
  if (hex.empty()) return std::nullopt;
  return testing::FromHex(hex);
}

absl::StatusOr<CheckInput> InputOf(const VectorCase& row, const std::string& folder) {
  auto agents = ReadKeys(row, folder, "signer");
  if (!agents.ok()) return agents.status();
  auto verifiers = ReadKeys(row, folder, "verifier");
  if (!verifiers.ok()) return verifiers.status();
  auto reporters = ReadKeys(row, folder, "reportSigner");
  if (!reporters.ok()) return reporters.status();
  CheckInput input;
  input.agent_keys = *std::move(agents);
  input.report_keys = *std::move(reporters);
  input.verifier_keys = *std::move(verifiers);
  if (const std::string file = Value(row, "ctx.tamDecryptKey"); !file.empty()) {
    auto key = keys::ParseAgreementKeyFile(AsBytes(ReadFile(folder + file)));
    if (!key.ok()) return key.status();
    input.decrypt_keys.push_back(*std::move(key));
  }
  input.sent_token = HexMember(row, "ctx.sentToken");
  input.sent_challenge = HexMember(row, "ctx.sentChallenge");
  const std::string requested = Value(row, "ctx.dataItemRequested");
  input.requested = requested.empty() ? (input.sent_challenge.has_value() ? 1 : 0)
                                      : static_cast<uint8_t>(std::atoi(requested.c_str()));
  const std::string now = Value(row, "ctx.now");
  input.at = now.empty() ? absl::UnixEpoch() + absl::Hours(24 * 365 * 56)
                         : absl::FromUnixSeconds(std::atoll(now.c_str()));
  return input;
}

Judgement JudgeOfDevice(const VectorCase& row, const std::string& folder,
                        const std::string& bytes) {
  const auto input = InputOf(row, folder);
  if (!input.ok()) return Verdict("unreadable", input.status());
  const auto result = gateway::CheckMessage(bytes, *input);
  if (!result.ok()) return Verdict("failed", result.status());
  const std::string text = gateway::ToText(*result);
  if (result->verdict == CheckResult::Verdict::kAnswer) {
    return {Concat("answer:", result->err_code), text};
  }
  return {text.substr(0, text.find(": ")), text};
}

absl::Status CheckOfTam(const teep::Message& message) {
  if (const auto* request = std::get_if<teep::QueryRequest>(&message)) {
    return teep::CheckQueryRequest(*request, teep::PassportModel::kAllowed);
  }
  const teep::Update& update = std::get<teep::Update>(message);
  for (const std::string& bytes : update.manifest_list) {
    if (const auto envelope = suit::Envelope::Parse(AsBytes(bytes)); !envelope.ok()) {
      return envelope.status();
    }
  }
  return teep::CheckUpdate(update);
}

Judgement JudgeOfTam(const VectorCase& row, const std::string& folder, const cose::Message& cose) {
  const auto signers = ReadKeys(row, folder, "signer");
  if (!signers.ok()) return Verdict("unreadable", signers.status());
  if (signers->empty()) return {"invalid", "no signer is named"};
  for (const keys::PublicKey& key : *signers) {
    const auto verified = teep::VerifyMessage(cose, key, cose::AlgorithmPolicy::Strict());
    if (!verified.ok()) return Verdict("invalid", verified.status());
    if (const absl::Status rules = CheckOfTam(verified->message()); !rules.ok()) {
      return Verdict("invalid", rules);
    }
  }
  return {"valid", ""};
}

}  // namespace

Judgement JudgeMessage(const VectorCase& row, const std::string& folder) {
  const std::string bytes = ReadFile(folder + Value(row, "file"));
  const auto cose = cose::Message::Parse(AsBytes(bytes), cose::TagRule::kRequired);
  if (cose.ok() && cose->unverified_payload().has_value()) {
    const auto message = teep::Decode(AsBytes(*cose->unverified_payload()));
    const bool of_tam = message.ok() && (std::holds_alternative<teep::QueryRequest>(*message) ||
                                         std::holds_alternative<teep::Update>(*message));
    if (of_tam) return JudgeOfTam(row, folder, *cose);
  }
  return JudgeOfDevice(row, folder, bytes);
}

Judgement JudgePayload(const VectorCase& row, const std::string& folder) {
  const std::string file = Value(row, "file");
  const std::string bytes = ReadFile(folder + file);
  const bool legacy = file.find("/legacy/") != std::string::npos;
  // Nothing tells the two apart but the endpoint: what is of the older one must not pass here.
  if (legacy && teep::Decode(AsBytes(bytes)).ok()) return {"refused", "parses as draft-26"};
  if (teep::DescribeOlder(AsBytes(bytes)).has_value() != legacy) {
    return {"refused", "taken for the other numbering"};
  }
  const auto profile = legacy ? teep::WireProfile::kLegacy : teep::WireProfile::kDraft26;
  const auto message = teep::Decode(AsBytes(bytes), profile);
  if (!message.ok()) return Verdict("refused", message.status());
  const auto encoded = teep::Encode(*message, profile);
  if (!encoded.ok()) return Verdict("refused", encoded.status());
  const auto again = teep::Decode(AsBytes(*encoded), profile);
  if (!again.ok() || *again != *message) return {"refused", "encodes to another message"};
  return {"parses", ""};
}

}  // namespace tam::conformance
