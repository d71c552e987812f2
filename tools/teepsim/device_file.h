// device.json: what an operator registers about a simulated device. README.md documents it.
#ifndef TAMARACK_TOOLS_TEEPSIM_DEVICE_FILE_H_
#define TAMARACK_TOOLS_TEEPSIM_DEVICE_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "tools/teepsim/device_state.h"

namespace tam::teepsim {

// JSON object, public information alone.
std::string DeviceJson(const DeviceState& state);

// Writes device.json, agent.pub.pem, agent.pub.cose and attestation.pub.pem into the folder.
absl::Status WriteDeviceFiles(const DeviceState& state);

}  // namespace tam::teepsim

#endif  // TAMARACK_TOOLS_TEEPSIM_DEVICE_FILE_H_
