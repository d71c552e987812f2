// teepsim: one simulated device. `teepsim help` says what it does.
#include <chrono>
#include <csignal>
#include <iostream>
#include <set>
#include <thread>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "crypto/text/text.h"
#include "tools/teepsim/command_line.h"
#include "tools/teepsim/device.h"
#include "tools/teepsim/device_file.h"
#include "tools/teepsim/key_files.h"
#include "tools/teepsim/run_options.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

constexpr char kHelp[] =
    R"(teepsim: a device with a TEEP Agent, an attestation key and a SUIT processor, in software.

teepsim init --state DIR [--suite esp256|ed25519] [--attestation-suite esp256|ed25519] [--ueid HEX]
        [--oemid HEX] [--hwmodel TEXT] [--hwversion TEXT] [--vendor-id HEX] [--class-id HEX]
        [--measurement NAME=HEX...]
    Makes keys and identity, and writes DIR/device.json for the operator. The attestation suite is
    that of Evidence and SUIT reports.
teepsim trust --state DIR [--tam-key FILE...] [--manifest-anchor FILE...]
    Trusts TAM keys and signers of manifests (PEM, COSE_Key or JWK).
teepsim run --state DIR --tam URL [--tam-ca FILE] [--once] [--interval SECONDS] [--quiet]
        [--save-messages DIR]
    Runs sessions with the TAM; with --once a single one. Ctrl-C ends it. An https URL's certificate
    has to be of a root in FILE (PEM; else of this machine's bundle) and for the URL's host.
teepsim show --state DIR
    Prints what is installed.

What a device may do besides, all of `run`:
    --encrypt a128ctr|a128gcm|chacha20 --tam-encryption-key FILE
                                 Evidence and SUIT reports are encrypted to this key of the TAM
                                 (tamctl key export --purpose decryption)
    --protect-reports            SUIT reports are signed by the device's report key
    --require-tam-attestation FILE...
                                 nothing is said to a TAM before it has attested itself by one of
                                 these keys (tamctl key export --purpose tam-evidence)
    --tam-key-ca FILE            QueryRequests bear a certificate chain of the TAM's key that leads
                                 to a root in FILE (PEM)
    --freshness timestamp        Evidence says when it was made and for whom, instead of a nonce
    --passport-verifier-key FILE Attestation Results by this private key of a Verifier, whom the
                                 device plays, where a TAM asks for them (Passport model)
    --request COMPONENT[=NUMBER]...
                                 components to be installed (requested-tc-list), by a manifest of
                                 this sequence number or a greater one
    --have-binary COMPONENT=FILE...
                                 requested, and FILE is installed when the manifest comes alone
    --unneeded COMPONENT...      manifests to be removed (unneeded-manifest-list)
    --unsolicited                begins with a QueryResponse; only when the last QueryRequest had
                                 neither token nor challenge; Evidence is in it with
                                 --freshness timestamp alone

Faults, for testers, all of `run`:
    --evidence-nonce HEX         another eat_nonce than the challenge
    --evidence-key FILE          Evidence signed by another private key
    --evidence FILE              another device's Evidence
    --measurement NAME=HEX...    another measurement in the Evidence
    --clock-ahead SECONDS        the device's clock is wrong by so much; may be negative
    --stop-after query-response  the Update is neither processed nor answered
    --wire legacy                the numbering of drafts up to -24
    --older-algorithms           -7 and -8 instead of -9 and -19
    --no-kid, --untagged         messages that name no key, or have no COSE tag
    --resend FILE                posts a saved message, prints the answer's status, saves its body

Exit code: 0 done; 1 the TAM refused, a manifest failed or an error; 2 usage.
)";

absl::StatusOr<keys::KeyType> ReadSuite(const CommandLine& line, const std::string& flag) {
  TEEPSIM_ASSIGN_OR_RETURN(const auto suite, line.One(flag));
  if (suite.value_or("esp256") == "esp256") return keys::KeyType::kP256;
  if (suite == "ed25519") return keys::KeyType::kEd25519;
  return absl::InvalidArgumentError(Concat("--", flag, ": want esp256 or ed25519, got ", *suite));
}

absl::StatusOr<DeviceProfile> ReadProfile(const CommandLine& line) {
  DeviceProfile profile = DefaultProfile(secret::RandomSource::System());
  TEEPSIM_ASSIGN_OR_RETURN(profile.suite, ReadSuite(line, "suite"));
  for (const auto& [name, target] :
       {std::pair{"ueid", &profile.ueid}, std::pair{"oemid", &profile.oemid},
        std::pair{"vendor-id", &profile.vendor_id}, std::pair{"class-id", &profile.class_id}}) {
    TEEPSIM_ASSIGN_OR_RETURN(const auto value, line.Hex(name));
    if (value.has_value()) *target = *value;
  }
  for (const auto& [name, target] :
       {std::pair{"hwmodel", &profile.hwmodel}, std::pair{"hwversion", &profile.hwversion}}) {
    TEEPSIM_ASSIGN_OR_RETURN(const auto value, line.One(name));
    if (value.has_value()) *target = *value;
  }
  if (profile.vendor_id.size() != 16 || profile.class_id.size() != 16) {
    return absl::InvalidArgumentError("--vendor-id, --class-id: want 16 bytes");
  }
  TEEPSIM_ASSIGN_OR_RETURN(const auto measurements, ReadMeasurements(line));
  for (const auto& [name, digest] : measurements) profile.measurements[name] = digest;
  return profile;
}

absl::StatusOr<int> Init(const std::vector<std::string>& arguments) {
  TEEPSIM_ASSIGN_OR_RETURN(
      const CommandLine line,
      CommandLine::Parse(arguments,
                         {"state", "suite", "attestation-suite", "ueid", "oemid", "hwmodel",
                          "hwversion", "vendor-id", "class-id", "measurement"},
                         {}));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string folder, line.Required("state"));
  TEEPSIM_ASSIGN_OR_RETURN(const DeviceProfile profile, ReadProfile(line));
  TEEPSIM_ASSIGN_OR_RETURN(const keys::KeyType attestation, ReadSuite(line, "attestation-suite"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto state, DeviceState::Create(folder, profile, attestation));
  TEEPSIM_RETURN_IF_ERROR(WriteDeviceFiles(*state));
  std::cout << "device " << keys::ThumbprintHex(state->agent_key().public_key().thumbprint())
            << "\nregister it with " << folder << "/device.json" << std::endl;
  return 0;
}

absl::StatusOr<int> Trust(const std::vector<std::string>& arguments) {
  TEEPSIM_ASSIGN_OR_RETURN(
      const CommandLine line,
      CommandLine::Parse(arguments, {"state", "tam-key", "manifest-anchor"}, {}));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string folder, line.Required("state"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto tam_keys, ReadPublicKeys(line.All("tam-key")));
  TEEPSIM_ASSIGN_OR_RETURN(const auto anchors, ReadPublicKeys(line.All("manifest-anchor")));
  TEEPSIM_ASSIGN_OR_RETURN(const auto state, DeviceState::Open(folder));
  TEEPSIM_RETURN_IF_ERROR(state->AddTrust(tam_keys, anchors));
  std::cout << "trusts " << state->record().tam_keys.size() << " TAM keys and "
            << state->record().manifest_anchors.size() << " manifest signers" << std::endl;
  return 0;
}

absl::StatusOr<int> Show(const std::vector<std::string>& arguments) {
  TEEPSIM_ASSIGN_OR_RETURN(const CommandLine line, CommandLine::Parse(arguments, {"state"}, {}));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string folder, line.Required("state"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto state, DeviceState::Open(folder));
  for (const auto& manifest : state->record().manifests) {
    std::cout << "manifest " << suit::ComponentIdText(manifest.id) << " seq "
              << manifest.sequence_number << " digest "
              << absl::BytesToHexString(manifest.digest.bytes) << "\n";
    for (const auto& [component, owner] : state->record().owners) {
      if (owner != manifest.id) continue;
      std::cout << "  component " << suit::ComponentIdText(component) << " "
                << state->ReadComponent(component).value_or("").size() << " bytes\n";
    }
  }
  if (state->record().manifests.empty()) std::cout << "nothing is installed\n";
  return 0;
}

absl::StatusOr<HttpClient::Options> ReadClientOptions(const CommandLine& line) {
  HttpClient::Options options;
  TEEPSIM_ASSIGN_OR_RETURN(const auto roots, line.One("tam-ca"));
  if (roots.has_value()) {
    TEEPSIM_ASSIGN_OR_RETURN(options.tls, ReadTlsRoots(*roots));
  }
  return options;
}

// Posts a saved message as it is; what the TAM answers is shown, not processed.
absl::StatusOr<int> Resend(const CommandLine& line, HttpClient& client, const Url& url,
                           Transcript& transcript) {
  TEEPSIM_ASSIGN_OR_RETURN(const std::string path, line.Required("resend"));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string message, ReadFile(path));
  TEEPSIM_ASSIGN_OR_RETURN(const HttpReply reply, client.Post(url, message));
  std::cout << "resent " << path << ": status " << reply.status << ", " << reply.body.size()
            << " bytes" << std::endl;
  if (!reply.body.empty()) TEEPSIM_RETURN_IF_ERROR(transcript.SaveReceived("answer", reply.body));
  return reply.status >= 200 && reply.status < 300 ? 0 : 1;
}

volatile std::sig_atomic_t g_stop = 0;

// False when the process was told to stop meanwhile.
bool WaitFor(int seconds) {
  for (int tenth = 0; tenth < seconds * 10 && g_stop == 0; ++tenth) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return g_stop == 0;
}

// One session; 0 when all went well.
int RunOnce(DeviceState& state, HttpClient& client, const Url& url, Transcript& transcript,
            const SessionOptions& options) {
  HttpTamTransport tam(url, client);
  LoopbackPayloadSource payloads;
  const auto result = Device(state, tam, payloads, transcript, options).RunSession();
  if (!result.ok()) {
    std::cerr << "teepsim: " << result.status().message() << std::endl;
    return 1;
  }
  for (const std::string& problem : result->problems) {
    std::cerr << "teepsim: " << problem << std::endl;
  }
  if (result->tam_error.has_value()) {
    std::cerr << "teepsim: the TAM says " << teep::ErrorCodeName(*result->tam_error) << ": "
              << result->tam_error_message << std::endl;
  }
  return result->ok() ? 0 : 1;
}

absl::StatusOr<int> Run(const std::vector<std::string>& arguments) {
  std::set<std::string> flags = {"state", "tam", "tam-ca", "interval", "save-messages", "resend"};
  flags.insert(SessionFlags().begin(), SessionFlags().end());
  std::set<std::string> switches = {"once", "quiet"};
  switches.insert(SessionSwitches().begin(), SessionSwitches().end());
  TEEPSIM_ASSIGN_OR_RETURN(const CommandLine line, CommandLine::Parse(arguments, flags, switches));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string folder, line.Required("state"));
  TEEPSIM_ASSIGN_OR_RETURN(const std::string tam, line.Required("tam"));
  TEEPSIM_ASSIGN_OR_RETURN(const Url url, ParseUrl(tam));
  TEEPSIM_ASSIGN_OR_RETURN(const auto save, line.One("save-messages"));
  TEEPSIM_ASSIGN_OR_RETURN(const auto interval_text, line.One("interval"));
  int interval = 30;
  if (interval_text.has_value() && (!absl::SimpleAtoi(*interval_text, &interval) || interval < 1)) {
    return absl::InvalidArgumentError("--interval: want a number of seconds");
  }
  TEEPSIM_ASSIGN_OR_RETURN(const SessionOptions options, ReadSessionOptions(line));
  Transcript transcript(line.Has("quiet") ? nullptr : &std::cout, save.value_or(""));
  TEEPSIM_ASSIGN_OR_RETURN(HttpClient::Options client_options, ReadClientOptions(line));
  HttpClient client(std::move(client_options));
  if (line.Has("resend")) return Resend(line, client, url, transcript);
  TEEPSIM_ASSIGN_OR_RETURN(const auto state, DeviceState::Open(folder));
  std::signal(SIGINT, [](int) { g_stop = 1; });
  std::signal(SIGTERM, [](int) { g_stop = 1; });
  int code = RunOnce(*state, client, url, transcript, options);
  while (!line.Has("once") && WaitFor(interval)) {
    code = RunOnce(*state, client, url, transcript, options);
  }
  return code;
}

int Main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  const std::vector<std::string> arguments(argv + std::min(argc, 2), argv + argc);
  absl::StatusOr<int> code = absl::InvalidArgumentError(
      command.empty() ? "want a command" : Concat("unknown command '", command, "'"));
  if (command == "help" || command == "--help") {
    std::cout << kHelp;
    return 0;
  }
  if (command == "init") code = Init(arguments);
  if (command == "trust") code = Trust(arguments);
  if (command == "run") code = Run(arguments);
  if (command == "show") code = Show(arguments);
  if (code.ok()) return *code;
  std::cerr << "teepsim: " << code.status().message() << std::endl;
  if (!absl::IsInvalidArgument(code.status())) return 1;
  std::cerr << "teepsim help says how it is used" << std::endl;
  return 2;
}

}  // namespace
}  // namespace tam::teepsim

int main(int argc, char** argv) { return tam::teepsim::Main(argc, argv); }
