#include "tools/tamctl/nouns/device_file.h"

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key_file.h"
#include "crypto/text/text.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tools/tamctl/component_text.h"

namespace tam::tamctl {
namespace {

using google::protobuf::Value;

// What a key file with this key would hold.
absl::StatusOr<std::string> KeyFileContent(const Value& value) {
  if (value.has_struct_value()) {
    std::string jwk;
    if (!google::protobuf::util::MessageToJsonString(value, &jwk).ok()) {
      return absl::InvalidArgumentError("not a JWK");
    }
    return jwk;
  }
  const std::string& text = value.string_value();
  if (text.find("-----BEGIN") != std::string::npos) return text;
  return ParseHex(text);
}

absl::Status ReadKeyMember(const google::protobuf::Struct& file, const std::string& member,
                           std::optional<keys::PublicKey>* key) {
  const auto entry = file.fields().find(member);
  if (entry == file.fields().end()) return absl::OkStatus();
  const auto content = KeyFileContent(entry->second);
  if (!content.ok()) {
    return absl::InvalidArgumentError(Concat(member, ": ", StdView(content.status().message())));
  }
  auto parsed = keys::ParsePublicKeyFile(cbor::AsBytes(*content));
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(Concat(member, ": ", StdView(parsed.status().message())));
  }
  *key = *std::move(parsed);
  return absl::OkStatus();
}

absl::Status ReadHexMember(const google::protobuf::Struct& file, const std::string& member,
                           std::string* bytes) {
  const auto entry = file.fields().find(member);
  if (entry == file.fields().end()) return absl::OkStatus();
  if (entry->second.kind_case() != Value::kStringValue) {
    return absl::InvalidArgumentError(Concat(member, ": want hex digits in a string"));
  }
  auto parsed = ParseHex(entry->second.string_value());
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(Concat(member, ": ", StdView(parsed.status().message())));
  }
  *bytes = *std::move(parsed);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<DeviceFile> ParseDeviceFile(std::string_view text) {
  google::protobuf::Struct file;
  if (!google::protobuf::util::JsonStringToMessage({text.data(), text.size()}, &file).ok()) {
    return absl::InvalidArgumentError("want a JSON object");
  }
  DeviceFile device;
  for (const absl::Status& status :
       {ReadKeyMember(file, "agent_key", &device.agent_key),
        ReadKeyMember(file, "attestation_key", &device.attestation_key),
        ReadHexMember(file, "oemid", device.device_class.mutable_oemid()),
        ReadHexMember(file, "hwmodel", device.device_class.mutable_hwmodel())}) {
    if (!status.ok()) return status;
  }
  return device;
}

}  // namespace tam::tamctl
