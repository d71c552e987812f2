#include "tools/tamctl/nouns/device.h"

#include "absl/strings/str_split.h"
#include "crypto/text/text.h"
#include "proto/tam/v1/attestation.pb.h"
#include "tools/tamctl/call.h"
#include "tools/tamctl/component_text.h"
#include "tools/tamctl/key_files.h"
#include "tools/tamctl/nouns/device_file.h"
#include "tools/tamctl/nouns/nouns.h"
#include "tools/tamctl/output.h"

namespace tam::tamctl {
namespace {

const std::vector<Column>& ListColumns() {
  static const auto& columns = *new std::vector<Column>{{"NAME", "display_name"},
                                                        {"UUID", "name", Show::kLastSegment},
                                                        {"LABELS", "labels"},
                                                        {"LAST CONTACT", "last_contact_time"},
                                                        {"CREATED", "create_time"}};
  return columns;
}

// "name=value" of each --label.
absl::Status ApplyLabels(Context& context, v1::Device* device) {
  for (const std::string& label : context.Flags("label")) {
    const size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return UsageError(Concat("--label: want NAME=VALUE, got '", label, "'"));
    }
    (*device->mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  for (const std::string& label : context.Flags("remove-label")) {
    device->mutable_labels()->erase(label);
  }
  return absl::OkStatus();
}

absl::Status AddKey(Context& context, const keys::PublicKey& key,
                    v1::CreateDeviceRequest* request) {
  v1::NewDeviceKey& added = *request->add_new_keys();
  added.mutable_key()->set_cose_key(key.cose_key());
  added.set_state(context.Has("pending") ? v1::KEY_STATE_PENDING : v1::KEY_STATE_ACTIVE);
  for (const std::string& endpoint : context.Flags("endpoint")) {
    added.add_endpoints(context.ResourceName("endpoints", endpoint));
  }
  return absl::OkStatus();
}

// What is known of a new device: from its device.json, from flags, or from both.
absl::StatusOr<DeviceFile> ReadDevice(Context& context) {
  DeviceFile device;
  if (context.arguments().size() > 1) {
    const std::string& path = context.arguments()[1];
    const auto text = context.ReadFile(path, 1 << 20);
    if (!text.ok()) return text.status();
    auto read = ParseDeviceFile(*text);
    if (!read.ok()) {
      return absl::InvalidArgumentError(Concat(path, ": ", StdView(read.status().message())));
    }
    device = *std::move(read);
  }
  for (const auto& [flag, target] : {std::pair{"agent-key", &device.agent_key},
                                     std::pair{"attestation-key", &device.attestation_key}}) {
    if (!context.Has(flag)) continue;
    auto key = ReadPublicKey(context, *context.Flag(flag));
    if (!key.ok()) return key.status();
    *target = *std::move(key);
  }
  const absl::Status status = ApplyClassFlags(context, &device.device_class);
  if (!status.ok()) return status;
  if (!device.agent_key.has_value()) {
    return UsageError("want the device's device.json, or --agent-key FILE");
  }
  return device;
}

absl::Status ImportAttestationKey(Context& context, const std::string& device,
                                  const keys::PublicKey& key) {
  v1::ImportAttestationKeyRequest request;
  request.set_parent(device);
  request.mutable_key()->set_cose_key(key.cose_key());
  return Call<v1::ImportAttestationKeyResponse>(context, "AttestationService/ImportAttestationKey",
                                                request)
      .status();
}

absl::Status Create(Context& context) {
  const auto device = ReadDevice(context);
  if (!device.ok()) return device.status();
  v1::CreateDeviceRequest request;
  request.set_parent(context.TenantName());
  request.set_request_id(context.FlagOr("request-id", ""));
  request.mutable_device()->set_display_name(context.arguments()[0]);
  const v1::DeviceClass& device_class = device->device_class;
  if (!device_class.oemid().empty() || !device_class.hwmodel().empty()) {
    *request.mutable_device()->mutable_device_class() = device_class;
  }
  absl::Status status = ApplyLabels(context, request.mutable_device());
  if (status.ok()) status = AddKey(context, *device->agent_key, &request);
  if (!status.ok()) return status;
  const auto answer =
      Call<v1::CreateDeviceResponse>(context, "RegistryService/CreateDevice", request);
  if (!answer.ok()) return answer.status();
  if (device->attestation_key.has_value()) {
    status = ImportAttestationKey(context, answer->device().name(), *device->attestation_key);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          AbslView(Concat("the device was created as ", answer->device().name(),
                                          ", but its attestation key was not imported: ",
                                          StdView(status.message()))));
    }
  }
  return PrintDevice(context, answer->device());
}

absl::Status List(Context& context) {
  v1::ListDevicesRequest request;
  request.set_parent(context.TenantName());
  const auto answer = CallPages<v1::ListDevicesResponse>(
      context, "RegistryService/ListDevices", request,
      [](const v1::ListDevicesResponse& all) { return all.devices_size(); });
  return answer.ok() ? PrintList(context, *answer, "devices", ListColumns()) : answer.status();
}

absl::Status ShowOne(Context& context) {
  const auto device = GetDevice(context, context.arguments()[0]);
  return device.ok() ? PrintDevice(context, *device) : device.status();
}

absl::Status Update(Context& context) {
  const auto device = GetDevice(context, context.arguments()[0]);
  if (!device.ok()) return device.status();
  v1::UpdateDeviceRequest request;
  request.set_name(device->name());
  v1::Device& changed = *request.mutable_device();
  changed.set_display_name(context.FlagOr("display-name", device->display_name()));
  if (device->has_device_class()) *changed.mutable_device_class() = device->device_class();
  *changed.mutable_labels() = device->labels();
  changed.set_etag(context.FlagOr("etag", device->etag()));
  absl::Status status = ApplyLabels(context, &changed);
  if (status.ok() && (context.Has("oemid") || context.Has("hwmodel"))) {
    status = ApplyClassFlags(context, changed.mutable_device_class());
  }
  if (!status.ok()) return status;
  const auto answer =
      Call<v1::UpdateDeviceResponse>(context, "RegistryService/UpdateDevice", request);
  return answer.ok() ? PrintDevice(context, answer->device()) : answer.status();
}

absl::Status Delete(Context& context) {
  v1::DeleteDeviceRequest request;
  request.set_name(context.ResourceName("devices", context.arguments()[0]));
  request.set_etag(context.FlagOr("etag", ""));
  return Call<v1::DeleteDeviceResponse>(context, "RegistryService/DeleteDevice", request).status();
}

}  // namespace

absl::StatusOr<v1::Device> GetDevice(Context& context, const std::string& argument) {
  v1::GetDeviceRequest request;
  request.set_name(context.ResourceName("devices", argument));
  const auto answer = Call<v1::GetDeviceResponse>(context, "RegistryService/GetDevice", request);
  if (!answer.ok()) return answer.status();
  return answer->device();
}

// Hex where it can be; anything else is text, which is how vendors write a model.
absl::Status ApplyClassFlags(Context& context, v1::DeviceClass* device_class) {
  if (const auto oemid = context.Flag("oemid"); oemid.has_value()) {
    const auto bytes = ParseHex(*oemid);
    if (!bytes.ok()) return UsageError(Concat("--oemid: ", StdView(bytes.status().message())));
    device_class->set_oemid(*bytes);
  }
  if (const auto model = context.Flag("hwmodel"); model.has_value()) {
    const auto bytes = ParseHex(*model);
    device_class->set_hwmodel(bytes.ok() ? *bytes : *model);
  }
  return absl::OkStatus();
}

std::vector<Command> DeviceCommands() {
  const std::vector<Flag> class_flags = {
      {"oemid", "HEX", "hardware vendor, as in the EAT claim"},
      {"hwmodel", "HEX|TEXT", "hardware model, as in the EAT claim"},
      {"label", "NAME=VALUE", "for selecting; repeat for more"}};
  std::vector<Flag> create = class_flags;
  create.insert(create.end(),
                {{"agent-key", "FILE", "public key of its TEEP agent"},
                 {"attestation-key", "FILE", "public key that signs its evidence"},
                 {"endpoint", "NAME", "where the agent key may be used; default: all of today"},
                 {"pending", "", "the agent key must prove itself first"},
                 kRequestIdFlag});
  std::vector<Flag> update = class_flags;
  update.insert(update.end(), {{"display-name", "NAME", "a new name"},
                               {"remove-label", "NAME", "repeat for more"},
                               kEtagFlag});
  return {{.noun = "device",
           .verb = "create",
           .arguments = "NAME [DEVICE.JSON]",
           .min_arguments = 1,
           .max_arguments = 2,
           .summary = "enrol a device with its keys",
           .details = "DEVICE.JSON is what a device writes about itself (teepsim does): its public "
                      "keys and its hardware class. Flags replace what it says.",
           .flags = create,
           .example = "tamctl device create meter-1 --agent-key agent.pem --attestation-key "
                      "attester.pem --label site=north",
           .run = Create},
          {.noun = "device",
           .verb = "list",
           .summary = "list a tenant's devices",
           .flags = {kLimitFlag},
           .example = "tamctl device list --tenant acme",
           .run = List},
          {.noun = "device",
           .verb = "show",
           .arguments = "NAME|UUID",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "show a device: what is installed, the last attestation, open updates, keys",
           .example = "tamctl device show meter-1",
           .run = ShowOne},
          {.noun = "device",
           .verb = "update",
           .arguments = "NAME|UUID",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "change a device's name, class or labels",
           .flags = update,
           .example = "tamctl device update meter-1 --label site=south",
           .run = Update},
          {.noun = "device",
           .verb = "delete",
           .arguments = "NAME|UUID",
           .min_arguments = 1,
           .max_arguments = 1,
           .summary = "delete a device and free all its keys; banned keys stay banned",
           .flags = {kEtagFlag},
           .example = "tamctl device delete meter-1",
           .run = Delete}};
}

}  // namespace tam::tamctl
