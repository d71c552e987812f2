#include "services/gateway/offline/check.h"

#include <cctype>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/nouns.h"

namespace tam::tamctl {
namespace {

using Verdict = gateway::CheckResult::Verdict;

constexpr size_t kMaxKeyFile = 64 << 10;
constexpr int kExitDrop = 1;
constexpr int kExitAnswer = 3;
constexpr uint64_t kAttestation = 1;  // bit of data-item-requested

absl::Status ReadKeys(Context& context, const std::string& flag,
                      std::vector<keys::PublicKey>& out) {
  for (const std::string& file : context.Flags(flag)) {
    auto key = ReadPublicKey(context, file);
    if (!key.ok()) return key.status();
    out.push_back(*std::move(key));
  }
  return absl::OkStatus();
}

absl::Status ReadDecryptKeys(Context& context, std::vector<keys::AgreementKey>& out) {
  for (const std::string& file : context.Flags("decrypt-key")) {
    const auto bytes = context.ReadFile(file, kMaxKeyFile);
    if (!bytes.ok()) return bytes.status();
    auto key = keys::ParseAgreementKeyFile(cbor::AsBytes(*bytes));
    if (!key.ok()) {
      return absl::InvalidArgumentError(Concat(file, ": ", StdView(key.status().message())));
    }
    out.push_back(*std::move(key));
  }
  return absl::OkStatus();
}

absl::Status ReadHex(const Context& context, const std::string& flag,
                     std::optional<std::string>& out) {
  const auto text = context.Flag(flag);
  if (!text.has_value()) return absl::OkStatus();
  bool is_hex = !text->empty() && text->size() % 2 == 0;
  for (const char c : *text) is_hex = is_hex && std::isxdigit(static_cast<unsigned char>(c)) != 0;
  if (!is_hex) {
    return UsageError(Concat("--", flag, ": want an even number of hex digits, got '", *text, "'"));
  }
  out = absl::HexStringToBytes(*text);
  return absl::OkStatus();
}

// Seconds since the Unix epoch, or RFC 3339; the present where the flag is absent.
absl::StatusOr<absl::Time> ReadTime(const Context& context) {
  const auto text = context.Flag("at");
  if (!text.has_value()) return absl::Now();
  int64_t seconds = 0;
  if (absl::SimpleAtoi(*text, &seconds)) return absl::FromUnixSeconds(seconds);
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, *text, &time, &error)) return time;
  return UsageError(Concat("--at: want RFC 3339 or Unix seconds, got '", *text, "'"));
}

absl::StatusOr<teep::WireProfile> ReadWire(const Context& context) {
  const std::string wire = context.Flag("wire").value_or("draft-26");
  if (wire == "draft-26") return teep::WireProfile::kDraft26;
  if (wire == "legacy") return teep::WireProfile::kLegacy;
  return UsageError(Concat("--wire: want draft-26 or legacy, got '", wire, "'"));
}

absl::StatusOr<gateway::CheckInput> ReadInput(Context& context) {
  gateway::CheckInput input;
  if (!context.Has("agent-key")) return UsageError("--agent-key is required");
  for (const absl::Status& status : {ReadKeys(context, "agent-key", input.agent_keys),
                                     ReadKeys(context, "verifier-key", input.verifier_keys),
                                     ReadKeys(context, "report-key", input.report_keys),
                                     ReadDecryptKeys(context, input.decrypt_keys),
                                     ReadHex(context, "sent-token", input.sent_token),
                                     ReadHex(context, "sent-challenge", input.sent_challenge)}) {
    if (!status.ok()) return status;
  }
  if (input.sent_token.has_value() && input.sent_challenge.has_value()) {
    return UsageError("--sent-token, --sent-challenge: want one of them, got both");
  }
  const auto requested =
      context.Number("requested", input.sent_challenge.has_value() ? kAttestation : 0, 15);
  if (!requested.ok()) return requested.status();
  input.requested = static_cast<uint8_t>(*requested);
  if (input.sent_challenge.has_value() && (input.requested & kAttestation) == 0) {
    return UsageError("--requested: want attestation (1) with --sent-challenge, got none");
  }
  const auto at = ReadTime(context);
  if (!at.ok()) return at.status();
  input.at = *at;
  const auto wire = ReadWire(context);
  if (!wire.ok()) return wire.status();
  input.wire = *wire;
  return input;
}

absl::Status Check(Context& context) {
  const auto input = ReadInput(context);
  if (!input.ok()) return input.status();
  const auto message = context.ReadFile(context.arguments()[0]);
  if (!message.ok()) return message.status();
  const auto result = gateway::CheckMessage(*message, *input);
  if (!result.ok()) return result.status();
  context.out() << gateway::ToText(*result) << "\n";
  if (result->verdict == Verdict::kDrop) return EndWith(kExitDrop);
  if (result->verdict == Verdict::kAnswer) return EndWith(kExitAnswer);
  return absl::OkStatus();
}

}  // namespace

std::vector<Command> CheckCommands() {
  return {
      {.noun = "check",
       .arguments = "FILE",
       .min_arguments = 1,
       .max_arguments = 1,
       .summary = "say what the TAM would do with a message from a device; needs no server",
       .details =
           "Runs the gateway's own code on the message and prints one line:\n"
           "  accept, accept:evidence, accept:flagged: REASON   exit code 0\n"
           "  drop: REASON                                      exit code 1\n"
           "  answer: err-code N: REASON                        exit code 3 (an Update with it)\n"
           "accept:evidence: the message is sound, and its evidence is for a verifier to judge.\n"
           "FILE is binary; - is standard input. Key files are PEM or COSE_Key.",
       .flags =
           {{"agent-key", "FILE", "a registered agent key; repeat for more devices"},
            {"verifier-key", "FILE", "whose Attestation Results are believed; repeat for more"},
            {"report-key", "FILE", "a registered key of SUIT reports; repeat for more"},
            {"decrypt-key", "FILE", "the TAM's own key that opens what is encrypted for it"},
            {"sent-token", "HEX", "the token that the TAM sent"},
            {"sent-challenge", "HEX", "the challenge that the TAM sent"},
            {"requested", "N", "data-item-requested, 0 to 15; default: 1 with a challenge, else 0"},
            {"at", "TIME", "instead of now: RFC 3339 or Unix seconds"},
            {"wire", "PROFILE",
             "draft-26 (default), or legacy: the numbering before it, -7 and -8, no tag, no kid"}},
       .example = "tamctl check response.cbor --agent-key agent.pem --sent-token 0011223344556677",
       .run = Check}};
}

}  // namespace tam::tamctl
