#include "tools/teepsim/device_file.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "crypto/text/text.h"
#include "tools/teepsim/durable_files.h"
#include "tools/teepsim/status_macros.h"

namespace tam::teepsim {
namespace {

std::string JsonText(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += absl::StrFormat("\\u%04x", static_cast<int>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string Hex(std::string_view bytes) { return absl::BytesToHexString(AbslView(bytes)); }

std::string JsonObject(const std::vector<std::pair<std::string, std::string>>& members,
                       std::string_view indent) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : members) {
    lines.push_back(Concat(indent, "  ", JsonText(name), ": ", value));
  }
  return Concat("{\n", absl::StrJoin(lines, ",\n"), "\n", indent, "}");
}

}  // namespace

std::string DeviceJson(const DeviceState& state) {
  const DeviceProfile& profile = state.record().profile;
  const keys::PublicKey& agent = state.agent_key().public_key();
  const keys::PublicKey& attestation = state.attestation_key().public_key();
  std::vector<std::pair<std::string, std::string>> measurements;
  for (const auto& [name, digest] : profile.measurements) {
    measurements.emplace_back(name, JsonText(Hex(digest)));
  }
  return JsonObject(
             {
                 {"ueid", JsonText(Hex(profile.ueid))},
                 {"oemid", JsonText(Hex(profile.oemid))},
                 {"hwmodel", JsonText(Hex(profile.hwmodel))},
                 {"hwversion", JsonText(profile.hwversion)},
                 {"suite", JsonText(profile.suite == keys::KeyType::kP256 ? "esp256" : "ed25519")},
                 {"agent_key", JsonText(agent.ToPem())},
                 {"agent_key_cose", JsonText(Hex(agent.cose_key()))},
                 {"agent_key_thumbprint", JsonText(keys::ThumbprintHex(agent.thumbprint()))},
                 {"attestation_key", JsonText(attestation.ToPem())},
                 {"attestation_key_thumbprint",
                  JsonText(keys::ThumbprintHex(attestation.thumbprint()))},
                 {"vendor_id", JsonText(Hex(profile.vendor_id))},
                 {"class_id", JsonText(Hex(profile.class_id))},
                 {"measurements", JsonObject(measurements, "  ")},
             },
             "") +
         "\n";
}

absl::Status WriteDeviceFiles(const DeviceState& state) {
  DurableFiles files(state.folder());
  const keys::PublicKey& agent = state.agent_key().public_key();
  TEEPSIM_RETURN_IF_ERROR(files.Replace("agent.pub.pem", agent.ToPem()));
  TEEPSIM_RETURN_IF_ERROR(files.Replace("agent.pub.cose", agent.cose_key()));
  TEEPSIM_RETURN_IF_ERROR(
      files.Replace("attestation.pub.pem", state.attestation_key().public_key().ToPem()));
  TEEPSIM_RETURN_IF_ERROR(files.Replace("report.pub.pem", state.report_key().public_key().ToPem()));
  return files.Replace("device.json", DeviceJson(state));
}

}  // namespace tam::teepsim
