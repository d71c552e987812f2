// What the nouns around devices share.
#ifndef TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_H_
#define TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/tam/v1/registry.pb.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {

// By display name, UUID or full name.
absl::StatusOr<v1::Device> GetDevice(Context& context, const std::string& argument);

// Everything that is known about the device. In a table: what is installed at which sequence
// number, the last attestation with each claim that failed, open updates and keys.
absl::Status PrintDevice(Context& context, const v1::Device& device);

// --oemid and --hwmodel.
absl::Status ApplyClassFlags(Context& context, v1::DeviceClass* device_class);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_H_
