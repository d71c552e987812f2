#include "crypto/text/text.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/device.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& Columns() {
  static const auto& columns = *new std::vector<Column>{{"Name", "name"},
                                                        {"Thumbprint", "thumbprint"},
                                                        {"State", "state"},
                                                        {"Endpoints", "endpoints"},
                                                        {"Created", "create_time"}};
  return columns;
}

// The full name of the device's key whose thumbprint starts with the second argument.
absl::StatusOr<std::string> KeyName(Context& context) {
  const auto device = GetDevice(context, context.arguments()[0]);
  if (!device.ok()) return device.status();
  const std::string& wanted = context.arguments()[1];
  std::string name;
  for (const v1::DeviceKey& key : device->keys()) {
    if (FieldText(key, {"", "thumbprint"}).rfind(wanted, 0) != 0) continue;
    if (!name.empty()) return UsageError("more than one key starts so");
    name = key.name();
  }
  if (name.empty() || wanted.empty()) {
    return absl::NotFoundError(Concat(device->name(), ": no key ", wanted));
  }
  return name;
}

absl::Status SetState(Context& context, v1::KeyState state) {
  const auto name = KeyName(context);
  if (!name.ok()) return name.status();
  v1::SetDeviceKeyStateRequest request;
  request.set_name(*name);
  request.set_state(state);
  const auto answer =
      Call<v1::SetDeviceKeyStateResponse>(context, "RegistryService/SetDeviceKeyState", request);
  return answer.ok() ? PrintOne(context, answer->key(), Columns()) : answer.status();
}

absl::Status Retire(Context& context) { return SetState(context, v1::KEY_STATE_RETIRED); }
absl::Status Ban(Context& context) { return SetState(context, v1::KEY_STATE_BANNED); }
absl::Status Activate(Context& context) { return SetState(context, v1::KEY_STATE_ACTIVE); }

absl::Status Import(Context& context) {
  const auto key = ReadPublicKey(context, context.arguments()[1]);
  if (!key.ok()) return key.status();
  v1::ImportDeviceKeyRequest request;
  request.set_parent(context.ResourceName("devices", context.arguments()[0]));
  v1::NewDeviceKey& added = *request.mutable_key();
  added.mutable_key()->set_cose_key(key->cose_key());
  added.set_state(context.Has("pending") ? v1::KEY_STATE_PENDING : v1::KEY_STATE_ACTIVE);
  for (const std::string& endpoint : context.Flags("endpoint")) {
    added.add_endpoints(context.ResourceName("endpoints", endpoint));
  }
  const auto answer =
      Call<v1::ImportDeviceKeyResponse>(context, "RegistryService/ImportDeviceKey", request);
  return answer.ok() ? PrintOne(context, answer->key(), Columns()) : answer.status();
}

Command KeyCommand(std::string_view verb, std::string_view summary, std::string_view example,
                   absl::Status (*run)(Context&)) {
  return {.noun = "device",
          .verb = verb,
          .arguments = "DEVICE THUMBPRINT",
          .min_arguments = 2,
          .max_arguments = 2,
          .summary = summary,
          .details = "The start of the thumbprint does where only one key has it.",
          .example = example,
          .run = run};
}

}  // namespace

std::vector<Command> DeviceKeyCommands() {
  return {{.noun = "device",
           .verb = "import-key",
           .arguments = "DEVICE FILE",
           .min_arguments = 2,
           .max_arguments = 2,
           .summary = "register one more agent key of a device",
           .flags = {{"endpoint", "NAME", "where it may be used; default: all of today"},
                     {"pending", "", "the key must prove itself first"}},
           .example = "tamctl device import-key meter-1 agent-2.pem --pending",
           .run = Import},
          KeyCommand("activate-key", "confirm a pending key",
                     "tamctl device activate-key meter-1 59bb426f22ff33d5", Activate),
          KeyCommand("retire-key", "replace a key: answers from it are ignored",
                     "tamctl device retire-key meter-1 59bb426f22ff33d5", Retire),
          KeyCommand("ban-key", "revoke a key for ever",
                     "tamctl device ban-key meter-1 59bb426f22ff33d5", Ban)};
}

}  // namespace tam::tamctl
