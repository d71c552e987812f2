// device.json: what a device says about itself when it is made, for enrolment.
#ifndef TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_FILE_H_
#define TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_FILE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "proto/tam/v1/types.pb.h"

namespace tam::tamctl {

struct DeviceFile {
  std::optional<keys::PublicKey> agent_key;
  std::optional<keys::PublicKey> attestation_key;
  v1::DeviceClass device_class;  // empty parts: not known
};

// A JSON object with the members "agent_key" and "attestation_key" (a PEM text, a COSE_Key in hex,
// or a JWK object; the key's public part is taken), "oemid" and "hwmodel" (hex). Other members
// are left alone. InvalidArgument names the member.
absl::StatusOr<DeviceFile> ParseDeviceFile(std::string_view text);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_NOUNS_DEVICE_FILE_H_
