#include <algorithm>

#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "services/registry/convert.h"
#include "services/registry/handler.h"
#include "services/registry/names.h"
#include "services/registry/requests.h"

namespace tam::registry {
namespace {

absl::StatusOr<keys::PublicKey> ReadPublicKey(const v1::PublicKey& key) {
  switch (key.encoding_case()) {
    case v1::PublicKey::kCoseKey:
      return keys::PublicKey::FromCoseKey(cbor::AsBytes(key.cose_key()));
    case v1::PublicKey::kPem:
      return keys::PublicKey::FromPem(key.pem());
    case v1::PublicKey::ENCODING_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("key: want cose_key or pem, got neither");
}

// Unset means active, as NewDeviceKey says.
absl::StatusOr<storage::DeviceKeyState> ReadNewState(v1::KeyState state) {
  switch (state) {
    case v1::KEY_STATE_UNSPECIFIED:
    case v1::KEY_STATE_ACTIVE:
      return storage::DeviceKeyState::kActive;
    case v1::KEY_STATE_PENDING:
      return storage::DeviceKeyState::kPending;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("key.state: want pending or active, got ", static_cast<int>(state)));
  }
}

absl::StatusOr<storage::DeviceKeyState> ReadNextState(v1::KeyState state) {
  switch (state) {
    case v1::KEY_STATE_ACTIVE:
      return storage::DeviceKeyState::kActive;
    case v1::KEY_STATE_RETIRED:
      return storage::DeviceKeyState::kRetired;
    case v1::KEY_STATE_BANNED:
      return storage::DeviceKeyState::kBanned;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("state: want active, retired or banned, got ", static_cast<int>(state)));
  }
}

}  // namespace

absl::StatusOr<storage::DeviceKey> AdminHandler::ReadNewKey(const Context& context,
                                                            const storage::Tenant& tenant,
                                                            const v1::NewDeviceKey& key) {
  TAM_ASSIGN_OR_RETURN(const keys::PublicKey public_key, ReadPublicKey(key.key()));
  storage::DeviceKey read;
  read.thumbprint = storage::KeyThumbprint(public_key.thumbprint());
  read.public_key = FromWire(public_key.cose_key());
  TAM_ASSIGN_OR_RETURN(read.state, ReadNewState(key.state()));
  TAM_ASSIGN_OR_RETURN(const auto endpoints, AllEndpoints(context, tenant.id));
  if (key.endpoints().empty()) {
    for (const storage::Endpoint& endpoint : endpoints) read.endpoints.push_back(endpoint.id);
  }
  for (const std::string& resource : key.endpoints()) {
    TAM_ASSIGN_OR_RETURN(const auto parts,
                         SplitName("key.endpoints", resource, "tenants/*/endpoints/*"));
    const auto found =
        std::find_if(endpoints.begin(), endpoints.end(), [&](const storage::Endpoint& endpoint) {
          return parts[0] == tenant.name && parts[1] == endpoint.name;
        });
    if (found == endpoints.end()) {
      return absl::NotFoundError(absl::StrCat(resource, ": no such endpoint of this tenant"));
    }
    read.endpoints.push_back(found->id);
  }
  return read;
}

absl::StatusOr<v1::ImportDeviceKeyResponse> AdminHandler::ImportDeviceKey(
    const Context& context, const v1::ImportDeviceKeyRequest& request) {
  std::string tenant_name;
  TAM_ASSIGN_OR_RETURN(const storage::Device device,
                       FindDevice(context, "parent", request.parent(), &tenant_name));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, TenantByName(context, tenant_name));
  TAM_ASSIGN_OR_RETURN(const storage::DeviceKey key, ReadNewKey(context, tenant, request.key()));
  TAM_ASSIGN_OR_RETURN(storage::AuditEntry entry,
                       audit_.OfCaller(context, tenant.id, "device.key.import",
                                       DeviceKeyResource(tenant.name, device.id, key.thumbprint),
                                       {{"state", v1::KeyState_Name(ToProto(key.state))}}));
  entry.device = device.id;
  const absl::Status added =
      stores_.device_keys.Add(tenant.id, device.id, key, entry, DeadlineOf(context));
  // A banned one is a key that the tenant has; callers learn no more.
  if (absl::IsPermissionDenied(added)) return absl::AlreadyExistsError(added.message());
  TAM_RETURN_IF_ERROR(added);
  TAM_ASSIGN_OR_RETURN(const auto endpoints, AllEndpoints(context, tenant.id));
  v1::ImportDeviceKeyResponse response;
  *response.mutable_key() = ToProto(key, device.id, tenant.name, NamesOf(endpoints));
  return response;
}

absl::StatusOr<v1::SetDeviceKeyStateResponse> AdminHandler::SetDeviceKeyState(
    const Context& context, const v1::SetDeviceKeyStateRequest& request) {
  TAM_ASSIGN_OR_RETURN(const auto parts,
                       SplitName("name", request.name(), "tenants/*/devices/*/keys/*"));
  TAM_RETURN_IF_ERROR(CheckName("name", parts[0]));
  TAM_ASSIGN_OR_RETURN(const auto thumbprint, storage::KeyThumbprint::Parse(parts[2]));
  TAM_ASSIGN_OR_RETURN(const storage::DeviceKeyState state, ReadNextState(request.state()));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, TenantByName(context, parts[0]));
  TAM_ASSIGN_OR_RETURN(const storage::Device device, DeviceBy(context, tenant.id, parts[1]));
  const auto find = [&]() -> absl::StatusOr<storage::DeviceKey> {
    TAM_ASSIGN_OR_RETURN(const auto keys,
                         stores_.device_keys.List(tenant.id, device.id, DeadlineOf(context)));
    for (const storage::DeviceKey& key : keys) {
      if (key.thumbprint == thumbprint) return key;
    }
    return absl::NotFoundError(absl::StrCat(request.name(), ": no such key of this device"));
  };
  TAM_RETURN_IF_ERROR(find().status());
  TAM_ASSIGN_OR_RETURN(storage::AuditEntry entry,
                       audit_.OfCaller(context, tenant.id, "device.key.state",
                                       DeviceKeyResource(tenant.name, device.id, thumbprint),
                                       {{"state", v1::KeyState_Name(request.state())}}));
  entry.device = device.id;
  TAM_RETURN_IF_ERROR(
      stores_.device_keys.SetState(tenant.id, thumbprint, state, entry, DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(const storage::DeviceKey key, find());
  TAM_ASSIGN_OR_RETURN(const auto endpoints, AllEndpoints(context, tenant.id));
  v1::SetDeviceKeyStateResponse response;
  *response.mutable_key() = ToProto(key, device.id, tenant.name, NamesOf(endpoints));
  return response;
}

}  // namespace tam::registry
