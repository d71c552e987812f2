#include <set>

#include "absl/strings/str_cat.h"
#include "services/registry/convert.h"
#include "services/registry/handler.h"
#include "services/registry/names.h"
#include "services/registry/requests.h"

namespace tam::registry {
namespace {

constexpr int kMaxLabels = 64;
constexpr size_t kMaxLabelValue = 63;
constexpr int kMaxNewKeys = 8;
constexpr size_t kMaxHwModel = 32;
const std::set<size_t> kOemIdSizes = {0, 3, 4, 16};  // none, IEEE, PEN, random (RFC 9711 4.2.3)

absl::Status CheckLabels(const v1::Device& device) {
  if (device.labels_size() > kMaxLabels) {
    return absl::InvalidArgumentError(
        absl::StrCat("device.labels: want at most ", kMaxLabels, ", got ", device.labels_size()));
  }
  for (const auto& [key, value] : device.labels()) {
    TAM_RETURN_IF_ERROR(CheckName("device.labels", key));
    if (value.size() > kMaxLabelValue) {
      return absl::InvalidArgumentError(absl::StrCat("device.labels.", key, ": want at most ",
                                                     kMaxLabelValue, " bytes, got ", value.size()));
    }
  }
  return absl::OkStatus();
}

// Puts what a caller may set into `device`.
absl::Status Apply(const v1::Device& wanted, storage::Device& device) {
  TAM_RETURN_IF_ERROR(CheckName("device.display_name", wanted.display_name()));
  if (storage::DeviceId::Parse(wanted.display_name()).ok()) {
    return absl::InvalidArgumentError("device.display_name: want no UUID");
  }
  TAM_RETURN_IF_ERROR(CheckLabels(wanted));
  const v1::DeviceClass& device_class = wanted.device_class();
  if (kOemIdSizes.count(device_class.oemid().size()) == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "device.device_class.oemid: want 3, 4 or 16 bytes, got ", device_class.oemid().size()));
  }
  if (device_class.hwmodel().size() > kMaxHwModel) {
    return absl::InvalidArgumentError(absl::StrCat("device.device_class.hwmodel: want at most ",
                                                   kMaxHwModel, " bytes, got ",
                                                   device_class.hwmodel().size()));
  }
  device.name = wanted.display_name();
  device.device_class = FromProto(device_class);
  device.labels.clear();
  for (const auto& [key, value] : wanted.labels()) device.labels[key] = value;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<storage::Device> AdminHandler::DeviceBy(const Context& context,
                                                       const storage::TenantId& tenant,
                                                       const std::string& id_or_name) {
  auto id = storage::DeviceId::Parse(id_or_name);
  auto device = id.ok() ? stores_.devices.Get(tenant, *id, DeadlineOf(context))
                        : stores_.devices.GetByName(tenant, id_or_name, DeadlineOf(context));
  if (absl::IsNotFound(device.status())) {
    return absl::NotFoundError(absl::StrCat("device ", id_or_name, ": no such device"));
  }
  return device;
}

absl::StatusOr<storage::Device> AdminHandler::FindDevice(const Context& context,
                                                         std::string_view field,
                                                         const std::string& resource,
                                                         std::string* tenant_name) {
  TAM_ASSIGN_OR_RETURN(const auto parts, SplitName(field, resource, "tenants/*/devices/*"));
  TAM_RETURN_IF_ERROR(CheckName(field, parts[0]));
  if (!storage::DeviceId::Parse(parts[1]).ok()) TAM_RETURN_IF_ERROR(CheckName(field, parts[1]));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, TenantByName(context, parts[0]));
  *tenant_name = tenant.name;
  return DeviceBy(context, tenant.id, parts[1]);
}

absl::StatusOr<v1::GetDeviceResponse> AdminHandler::GetDevice(const Context& context,
                                                              const v1::GetDeviceRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(const storage::Device device,
                       FindDevice(context, "name", request.name(), &tenant));
  TAM_ASSIGN_OR_RETURN(const storage::DeviceRecord record,
                       stores_.device_records.Show(device.tenant, device.id, DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(const auto endpoints, AllEndpoints(context, device.tenant));
  v1::GetDeviceResponse response;
  *response.mutable_device() = ToProto(record, tenant, NamesOf(endpoints));
  if (const auto refusal = stores_.refusals->Find(device.tenant, device.id); refusal.has_value()) {
    v1::TurnedAway& shown = *response.mutable_device()->mutable_last_turned_away();
    shown.mutable_reason()->set_claim(refusal->reason.claim);
    shown.mutable_reason()->set_expected(refusal->reason.expected);
    shown.mutable_reason()->set_found(refusal->reason.found);
    shown.set_time_ms(absl::ToUnixMillis(refusal->at));
  }
  return response;
}

absl::StatusOr<v1::ListDevicesResponse> AdminHandler::ListDevices(
    const Context& context, const v1::ListDevicesRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant,
                       FindTenant(context, "parent", request.parent()));
  TAM_ASSIGN_OR_RETURN(const storage::PageRequest page, PageOf(request));
  TAM_ASSIGN_OR_RETURN(const auto devices,
                       stores_.devices.List(tenant.id, page, DeadlineOf(context)));
  v1::ListDevicesResponse response;
  for (const storage::Device& device : devices.items) {
    *response.add_devices() = ToProto(device, tenant.name);
  }
  response.set_next_page_token(devices.next);
  return response;
}

absl::StatusOr<v1::CreateDeviceResponse> AdminHandler::CreateDevice(
    const Context& context, const v1::CreateDeviceRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant,
                       FindTenant(context, "parent", request.parent()));
  storage::Device device;
  device.tenant = tenant.id;
  TAM_RETURN_IF_ERROR(Apply(request.device(), device));
  TAM_ASSIGN_OR_RETURN(device.id,
                       UidFor<storage::DeviceId>(context, request.request_id(), "device"));
  if (request.new_keys_size() > kMaxNewKeys) {
    return absl::InvalidArgumentError(
        absl::StrCat("new_keys: want at most ", kMaxNewKeys, ", got ", request.new_keys_size()));
  }
  std::vector<storage::DeviceKey> keys;
  for (const v1::NewDeviceKey& key : request.new_keys()) {
    TAM_ASSIGN_OR_RETURN(storage::DeviceKey read, ReadNewKey(context, tenant, key));
    keys.push_back(std::move(read));
  }
  TAM_ASSIGN_OR_RETURN(
      storage::AuditEntry entry,
      audit_.OfCaller(context, tenant.id, "device.create", DeviceResource(tenant.name, device.id),
                      {{"keys", absl::StrCat(keys.size())}}));
  entry.device = device.id;
  const absl::Status created = stores_.devices.Create(device, keys, entry, DeadlineOf(context));
  auto record = stores_.device_records.Show(tenant.id, device.id, DeadlineOf(context));
  if (!created.ok()) {
    const bool again = absl::IsAlreadyExists(created) && !request.request_id().empty() &&
                       record.ok() && record->device.name == device.name;
    if (!again) return created;
  }
  if (!record.ok()) return record.status();
  TAM_ASSIGN_OR_RETURN(const auto endpoints, AllEndpoints(context, tenant.id));
  v1::CreateDeviceResponse response;
  *response.mutable_device() = ToProto(*record, tenant.name, NamesOf(endpoints));
  return response;
}

absl::StatusOr<v1::UpdateDeviceResponse> AdminHandler::UpdateDevice(
    const Context& context, const v1::UpdateDeviceRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(storage::Device device,
                       FindDevice(context, "name", request.name(), &tenant));
  TAM_RETURN_IF_ERROR(Apply(request.device(), device));
  TAM_ASSIGN_OR_RETURN(device.version, VersionOf(request.device().etag()));
  TAM_ASSIGN_OR_RETURN(
      storage::AuditEntry entry,
      audit_.OfCaller(context, device.tenant, "device.update", DeviceResource(tenant, device.id)));
  entry.device = device.id;
  TAM_RETURN_IF_ERROR(stores_.devices.Update(device, entry, DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(device, stores_.devices.Get(device.tenant, device.id, DeadlineOf(context)));
  v1::UpdateDeviceResponse response;
  *response.mutable_device() = ToProto(device, tenant);
  return response;
}

absl::StatusOr<v1::DeleteDeviceResponse> AdminHandler::DeleteDevice(
    const Context& context, const v1::DeleteDeviceRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(const storage::Device device,
                       FindDevice(context, "name", request.name(), &tenant));
  TAM_ASSIGN_OR_RETURN(const uint64_t version, VersionOf(request.etag()));
  TAM_ASSIGN_OR_RETURN(
      storage::AuditEntry entry,
      audit_.OfCaller(context, device.tenant, "device.delete", DeviceResource(tenant, device.id)));
  entry.device = device.id;
  TAM_RETURN_IF_ERROR(
      stores_.devices.Delete(device.tenant, device.id, version, entry, DeadlineOf(context)));
  return v1::DeleteDeviceResponse();
}

}  // namespace tam::registry
