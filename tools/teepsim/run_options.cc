#include "tools/teepsim/run_options.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "crypto/text/text.h"
#include "crypto/x509/credentials.h"
#include "tools/tamctl/component_text.h"
#include "tools/teepsim/key_files.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

absl::StatusOr<EvidenceFaults> ReadEvidenceFaults(const CommandLine& line) {
  EvidenceFaults faults;
  TEEPSIM_ASSIGN_OR_RETURN(faults.nonce, line.Hex("evidence-nonce"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto key, line.One("evidence-key"));
  if (key.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(faults.key, ReadPrivateKey(*key));
  }
  TEEPSIM_ASSIGN_OR_RETURN(const auto evidence, line.One("evidence"));
  if (evidence.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(faults.replay, ReadFile(*evidence));
  }
  TEEPSIM_ASSIGN_OR_RETURN(faults.measurements, ReadMeasurements(line));
  return faults;
}

absl::StatusOr<AttestationOptions> ReadAttestation(const CommandLine& line) {
  AttestationOptions options;
  TEEPSIM_ASSIGN_OR_RETURN(const auto freshness, line.One("freshness"));
  if (freshness.has_value() && *freshness != "nonce" && *freshness != "timestamp") {
    return absl::InvalidArgumentError(
        Concat("--freshness: want nonce or timestamp, got ", *freshness));
  }
  options.timestamps = freshness == "timestamp";
  TEEPSIM_ASSIGN_OR_RETURN(const std::string tam, line.Required("tam"));
  TEEPSIM_ASSIGN_OR_RETURN(const Url url, ParseUrl(tam));
  options.audience = url.target;
  TEEPSIM_ASSIGN_OR_RETURN(const auto verifier, line.One("passport-verifier-key"));
  if (verifier.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(options.passport_verifier, ReadPrivateKey(*verifier));
  }
  return options;
}

absl::Status ReadCertificates(const CommandLine& line, SessionOptions& options) {
  TEEPSIM_ASSIGN_OR_RETURN(const auto authorities, line.One("tam-key-ca"));
  if (authorities.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(const std::string pem, ReadFile(*authorities));
    auto parsed = x509::Authorities::Parse(pem);
    if (!parsed.ok()) {
      return absl::InvalidArgumentError(
          Concat(*authorities, ": ", StdView(parsed.status().message())));
    }
    options.certificates.authorities = *std::move(parsed);
  }
  TEEPSIM_ASSIGN_OR_RETURN(const auto ahead, line.One("clock-ahead"));
  if (!ahead.has_value()) return absl::OkStatus();
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(*ahead, &seconds)) {
    return absl::InvalidArgumentError("--clock-ahead: want a number of seconds");
  }
  const auto clock = [seconds] { return absl::Now() + absl::Seconds(seconds); };
  options.certificates.clock = clock;
  options.attestation.clock = clock;
  return absl::OkStatus();
}

absl::StatusOr<WireOptions> ReadWire(const CommandLine& line) {
  WireOptions options;
  TEEPSIM_ASSIGN_OR_RETURN(const auto wire, line.One("wire"));
  if (wire.has_value() && *wire != "draft-26" && *wire != "legacy") {
    return absl::InvalidArgumentError(Concat("--wire: want draft-26 or legacy, got ", *wire));
  }
  if (wire == "legacy") options.profile = teep::WireProfile::kLegacy;
  options.older_algorithms = line.Has("older-algorithms");
  options.without_kid = line.Has("no-kid");
  options.untagged = line.Has("untagged");
  return options;
}

absl::StatusOr<ProtectionOptions> ReadProtection(const CommandLine& line) {
  ProtectionOptions options;
  options.sign_reports = line.Has("protect-reports");
  TEEPSIM_ASSIGN_OR_RETURN(const auto algorithm, line.One("encrypt"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto key, line.One("tam-encryption-key"));
  if (algorithm.has_value() != key.has_value()) {
    return absl::InvalidArgumentError("--encrypt, --tam-encryption-key: want both or none");
  }
  if (!key.has_value()) return options;
  TEEPSIM_ASSIGN_OR_RETURN(options.algorithm, ParseContentAlgorithm(*algorithm));
  TEEPSIM_ASSIGN_OR_RETURN(options.tam_key, ReadAgreementKey(*key));
  return options;
}

absl::StatusOr<std::vector<suit::ComponentId>> ReadComponents(const CommandLine& line,
                                                              const std::string& flag) {
  std::vector<suit::ComponentId> components;
  for (const std::string& text : line.All(flag)) {
    TEEPSIM_ASSIGN_OR_RETURN(suit::ComponentId id, tamctl::ParseComponentText(text));
    components.push_back(std::move(id));
  }
  return components;
}

// COMPONENT=FILE: asked for, as a manifest of any sequence number for what FILE holds.
absl::Status ReadBinaries(const CommandLine& line, SessionOptions& options) {
  for (const std::string& pair : line.All("have-binary")) {
    const size_t equals = pair.rfind('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(
          Concat("--have-binary: want COMPONENT=FILE, got '", pair, "'"));
    }
    TEEPSIM_ASSIGN_OR_RETURN(const suit::ComponentId id,
                             tamctl::ParseComponentText(pair.substr(0, equals)));
    TEEPSIM_ASSIGN_OR_RETURN(options.binaries[id], ReadFile(pair.substr(equals + 1)));
    options.requested.push_back(
        {.component_id = id, .manifest_sequence_number = 0, .have_binary = true});
  }
  return absl::OkStatus();
}

// COMPONENT or COMPONENT=NUMBER: from which sequence number on its manifest is wanted.
absl::StatusOr<teep::RequestedTcInfo> ReadRequest(const std::string& text) {
  const size_t equals = text.rfind('=');
  const std::string number = equals == std::string::npos ? "" : text.substr(equals + 1);
  const bool has_number =
      !number.empty() && std::all_of(number.begin(), number.end(),
                                     [](unsigned char c) { return c >= '0' && c <= '9'; });
  teep::RequestedTcInfo info;
  TEEPSIM_ASSIGN_OR_RETURN(info.component_id,
                           tamctl::ParseComponentText(has_number ? text.substr(0, equals) : text));
  if (!has_number) return info;
  if (!absl::SimpleAtoi(number, &info.manifest_sequence_number.emplace())) {
    return absl::InvalidArgumentError(Concat("--request: want a sequence number, got ", number));
  }
  return info;
}

absl::Status ReadAgentRequests(const CommandLine& line, SessionOptions& options) {
  for (const std::string& text : line.All("request")) {
    TEEPSIM_ASSIGN_OR_RETURN(teep::RequestedTcInfo info, ReadRequest(text));
    options.requested.push_back(std::move(info));
  }
  TEEPSIM_RETURN_IF_ERROR(ReadBinaries(line, options));
  TEEPSIM_ASSIGN_OR_RETURN(options.unneeded, ReadComponents(line, "unneeded"));
  options.unsolicited = line.Has("unsolicited");
  return absl::OkStatus();
}

}  // namespace

const std::set<std::string>& SessionFlags() {
  static const auto& names = *new std::set<std::string>{"clock-ahead",  "tam-key-ca",
                                                        "encrypt",      "evidence",
                                                        "evidence-key", "evidence-nonce",
                                                        "have-binary",  "measurement",
                                                        "request",      "require-tam-attestation",
                                                        "stop-after",   "tam-encryption-key",
                                                        "unneeded",     "wire",
                                                        "freshness",    "passport-verifier-key"};
  return names;
}

const std::set<std::string>& SessionSwitches() {
  static const auto& names = *new std::set<std::string>{
      "no-kid", "older-algorithms", "protect-reports", "unsolicited", "untagged"};
  return names;
}

absl::StatusOr<std::map<std::string, std::string>> ReadMeasurements(const CommandLine& line) {
  std::map<std::string, std::string> measurements;
  for (const std::string& pair : line.All("measurement")) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return absl::InvalidArgumentError(Concat("--measurement: want NAME=HEX, got '", pair, "'"));
    }
    TEEPSIM_ASSIGN_OR_RETURN(measurements[pair.substr(0, equals)],
                             ParseHex("measurement", pair.substr(equals + 1)));
  }
  return measurements;
}

absl::StatusOr<SessionOptions> ReadSessionOptions(const CommandLine& line) {
  SessionOptions options;
  TEEPSIM_ASSIGN_OR_RETURN(options.evidence, ReadEvidenceFaults(line));
  TEEPSIM_ASSIGN_OR_RETURN(options.attestation, ReadAttestation(line));
  TEEPSIM_ASSIGN_OR_RETURN(options.wire, ReadWire(line));
  TEEPSIM_ASSIGN_OR_RETURN(options.protection, ReadProtection(line));
  TEEPSIM_ASSIGN_OR_RETURN(options.tam_evidence_keys,
                           ReadPublicKeys(line.All("require-tam-attestation")));
  TEEPSIM_RETURN_IF_ERROR(ReadAgentRequests(line, options));
  TEEPSIM_RETURN_IF_ERROR(ReadCertificates(line, options));
  TEEPSIM_ASSIGN_OR_RETURN(const auto stop, line.One("stop-after"));
  if (stop.has_value() && *stop != "query-response") {
    return absl::InvalidArgumentError(Concat("--stop-after: want query-response, got ", *stop));
  }
  options.stop_after_query_response = stop.has_value();
  return options;
}

}  // namespace tam::teepsim
