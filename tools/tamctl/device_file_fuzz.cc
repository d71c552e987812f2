// Any text as a device.json. A refusal says why; what is read, written down again in the plainest
// way, is read as the same.
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "crypto/text/text.h"
#include "tools/tamctl/nouns/device_file.h"

namespace {

using tam::Concat;

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string HexMember(std::string_view name, std::string_view bytes) {
  return Concat("\"", name, "\":\"", absl::BytesToHexString(tam::AbslView(bytes)), "\",");
}

std::string Plain(const tam::tamctl::DeviceFile& device) {
  std::string text = "{";
  if (device.agent_key.has_value()) text += HexMember("agent_key", device.agent_key->cose_key());
  if (device.attestation_key.has_value()) {
    text += HexMember("attestation_key", device.attestation_key->cose_key());
  }
  text += HexMember("oemid", device.device_class.oemid());
  text += HexMember("hwmodel", device.device_class.hwmodel());
  text.back() = '}';
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto device = tam::tamctl::ParseDeviceFile({reinterpret_cast<const char*>(data), size});
  if (!device.ok()) {
    Require(!device.status().message().empty());
    return 0;
  }
  const auto again = tam::tamctl::ParseDeviceFile(Plain(*device));
  Require(again.ok() && again->agent_key == device->agent_key &&
          again->attestation_key == device->attestation_key &&
          again->device_class.oemid() == device->device_class.oemid() &&
          again->device_class.hwmodel() == device->device_class.hwmodel());
  return 0;
}
