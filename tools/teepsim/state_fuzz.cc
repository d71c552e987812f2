// Any bytes as a device's state.cbor: decode(encode(decode(x))) == decode(x), a refusal says why.
#include <cstdlib>

#include "crypto/cbor/cbor.h"
#include "tools/teepsim/device_state.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto record = tam::teepsim::DecodeState(tam::suit::Bytes(data, size));
  if (!record.ok()) {
    Require(!record.status().message().empty());
    return 0;
  }
  const std::string encoded = tam::teepsim::EncodeState(*record);
  const auto again = tam::teepsim::DecodeState(tam::cbor::AsBytes(encoded));
  Require(again.ok() && *again == *record);
  for (const auto& [component, manifest] : record->owners) {
    const std::string name = tam::teepsim::ComponentFileName(component);
    // A component's file stays in the folder of components.
    Require(!name.empty());
    Require(name.find('/') == std::string::npos && name != "." && name != "..");
  }
  return 0;
}
