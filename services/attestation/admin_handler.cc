#include "services/attestation/admin_handler.h"

#include <optional>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/attestation/convert.h"
#include "services/runtime/identity.h"
#include "services/runtime/resource.h"
#include "services/runtime/resource_name.h"

namespace tam::attestation {
namespace {

constexpr char kDevicePattern[] = "tenants/{t}/devices/{device}";
constexpr char kKeyPattern[] = "tenants/{t}/devices/{device}/attestationKeys/{key}";
constexpr char kValuePattern[] = "tenants/{t}/referenceValues/{n}";
constexpr char kPolicyPattern[] = "tenants/{t}/attestationPolicy";
constexpr size_t kMaxMeasurementName = 64;

// InvalidArgument for a negative page size.
template <typename Request>
absl::StatusOr<storage::PageRequest> PageOf(const Request& request) {
  if (request.page_size() >= 0) {
    return storage::PageRequest{request.page_size(), request.page_token()};
  }
  return absl::InvalidArgumentError(Concat("page_size: want 0 or more, got ", request.page_size()));
}

// Absent for "-": whichever device of the tenant. InvalidArgument unless that or a UUID.
absl::StatusOr<std::optional<storage::DeviceId>> DeviceOrAny(const std::string& segment) {
  if (segment == "-") return std::nullopt;
  auto device = storage::DeviceId::Parse(segment);
  if (!device.ok()) return device.status();
  return *device;
}

}  // namespace

absl::StatusOr<AdminHandler::Named> AdminHandler::Find(const runtime::CallContext& context,
                                                       absl::string_view field,
                                                       const std::string& resource,
                                                       absl::string_view pattern) {
  auto parts = runtime::ParseResourceName(field, resource, pattern);
  if (!parts.ok()) return parts.status();
  auto tenant = d_.tenants.GetByName((*parts)[0], {context.deadline});
  if (!tenant.ok()) return tenant.status();
  return Named{*std::move(tenant), {parts->begin() + 1, parts->end()}};
}

absl::StatusOr<v1::ImportAttestationKeyResponse> AdminHandler::ImportAttestationKey(
    const runtime::CallContext& context, const v1::ImportAttestationKeyRequest& request) {
  auto named = Find(context, "parent", request.parent(), kDevicePattern);
  if (!named.ok()) return named.status();
  auto device = storage::DeviceId::Parse(named->rest[0]);
  if (!device.ok()) return device.status();
  auto public_key = ParseKey(request.key());
  if (!public_key.ok()) return public_key.status();
  storage::AttestationKey key;
  key.tenant = named->tenant.id;
  key.thumbprint = storage::KeyThumbprint(public_key->thumbprint());
  key.public_key.assign(public_key->cose_key().begin(), public_key->cose_key().end());
  key.device = *device;
  auto entry =
      d_.audit.OfCaller(context, key.tenant, "attestation-key.create",
                        Concat(request.parent(), "/attestationKeys/", key.thumbprint.ToString()));
  if (!entry.ok()) return entry.status();
  entry->device = *device;
  if (auto s = d_.store.AddKey(key, *entry, {context.deadline}); !s.ok()) return s;
  d_.inputs.Forget(key.tenant);
  // As stored, with its time. A device has few keys.
  auto page = d_.store.ListKeys(key.tenant, *device, {1000, ""}, {context.deadline});
  if (!page.ok()) return page.status();
  v1::ImportAttestationKeyResponse response;
  for (const storage::AttestationKey& stored : page->items) {
    if (stored.thumbprint != key.thumbprint) continue;
    *response.mutable_key() = ToProto(named->tenant.name, stored);
  }
  return response;
}

absl::StatusOr<v1::ListAttestationKeysResponse> AdminHandler::ListAttestationKeys(
    const runtime::CallContext& context, const v1::ListAttestationKeysRequest& request) {
  auto named = Find(context, "parent", request.parent(), kDevicePattern);
  if (!named.ok()) return named.status();
  auto device = DeviceOrAny(named->rest[0]);
  if (!device.ok()) return device.status();
  auto page = PageOf(request);
  if (!page.ok()) return page.status();
  auto keys = d_.store.ListKeys(named->tenant.id, *device, *page, {context.deadline});
  if (!keys.ok()) return keys.status();
  v1::ListAttestationKeysResponse response;
  for (const storage::AttestationKey& key : keys->items) {
    *response.add_keys() = ToProto(named->tenant.name, key);
  }
  response.set_next_page_token(keys->next);
  return response;
}

absl::StatusOr<storage::AttestationKey> AdminHandler::FindKey(
    const runtime::CallContext& context, const storage::TenantId& tenant,
    const std::optional<storage::DeviceId>& device, const storage::KeyThumbprint& thumbprint) {
  storage::PageRequest page{1000, ""};
  do {
    auto keys = d_.store.ListKeys(tenant, device, page, {context.deadline});
    if (!keys.ok()) return keys.status();
    for (storage::AttestationKey& key : keys->items) {
      if (key.thumbprint == thumbprint) return std::move(key);
    }
    page.after = keys->next;
  } while (!page.after.empty());
  return absl::NotFoundError(Concat("attestation key ", thumbprint.ToString(), ": no such key"));
}

absl::StatusOr<v1::DeleteAttestationKeyResponse> AdminHandler::DeleteAttestationKey(
    const runtime::CallContext& context, const v1::DeleteAttestationKeyRequest& request) {
  auto named = Find(context, "name", request.name(), kKeyPattern);
  if (!named.ok()) return named.status();
  auto device = DeviceOrAny(named->rest[0]);
  if (!device.ok()) return device.status();
  auto thumbprint = storage::KeyThumbprint::Parse(named->rest[1]);
  if (!thumbprint.ok()) return thumbprint.status();
  const storage::TenantId& tenant = named->tenant.id;
  auto key = FindKey(context, tenant, *device, *thumbprint);
  if (!key.ok()) return key.status();
  auto entry = d_.audit.OfCaller(context, tenant, "attestation-key.delete",
                                 ToProto(named->tenant.name, *key).name());
  if (!entry.ok()) return entry.status();
  entry->device = key->device.value_or(storage::DeviceId());
  if (auto s = d_.store.RemoveKey(tenant, *thumbprint, *entry, {context.deadline}); !s.ok()) {
    return s;
  }
  d_.inputs.Forget(tenant);
  return v1::DeleteAttestationKeyResponse();
}

absl::StatusOr<v1::GetReferenceValueResponse> AdminHandler::GetReferenceValue(
    const runtime::CallContext& context, const v1::GetReferenceValueRequest& request) {
  auto named = Find(context, "name", request.name(), kValuePattern);
  if (!named.ok()) return named.status();
  auto value = d_.values.Get(named->tenant.id, named->rest[0], {context.deadline});
  if (!value.ok()) return value.status();
  v1::GetReferenceValueResponse response;
  *response.mutable_reference_value() = ToProto(named->tenant.name, *value);
  return response;
}

absl::StatusOr<v1::ListReferenceValuesResponse> AdminHandler::ListReferenceValues(
    const runtime::CallContext& context, const v1::ListReferenceValuesRequest& request) {
  auto named = Find(context, "parent", request.parent(), "tenants/{t}");
  if (!named.ok()) return named.status();
  auto page = PageOf(request);
  if (!page.ok()) return page.status();
  auto values = d_.values.List(named->tenant.id, *page, {context.deadline});
  if (!values.ok()) return values.status();
  v1::ListReferenceValuesResponse response;
  for (const storage::ReferenceValue& value : values->items) {
    *response.add_reference_values() = ToProto(named->tenant.name, value);
  }
  response.set_next_page_token(values->next);
  return response;
}

absl::StatusOr<v1::CreateReferenceValueResponse> AdminHandler::CreateReferenceValue(
    const runtime::CallContext& context, const v1::CreateReferenceValueRequest& request) {
  auto named = Find(context, "parent", request.parent(), "tenants/{t}");
  if (!named.ok()) return named.status();
  if (!runtime::IsName(request.reference_value_id())) {
    return absl::InvalidArgumentError("reference_value_id: want [a-z][a-z0-9-]{0,62}");
  }
  storage::ReferenceValue value;
  value.tenant = named->tenant.id;
  value.name = request.reference_value_id();
  auto device_class = ParseClass(request.reference_value().device_class());
  if (!device_class.ok()) return device_class.status();
  value.device_class = *std::move(device_class);
  value.measurement = request.reference_value().measurement();
  if (value.measurement.empty() || value.measurement.size() > kMaxMeasurementName) {
    return absl::InvalidArgumentError(Concat("measurement: want 1..", kMaxMeasurementName,
                                             " bytes, got ", value.measurement.size()));
  }
  if (auto s = SetDigests(request.reference_value(), value); !s.ok()) return s;
  auto entry = d_.audit.OfCaller(context, value.tenant, "reference-value.create",
                                 Concat(request.parent(), "/referenceValues/", value.name));
  if (!entry.ok()) return entry.status();
  const absl::Status created = d_.values.Create(value, *entry, {context.deadline});
  // The name stands for the request: a repeated one finds what the first made, unchanged.
  const bool repeated = absl::IsAlreadyExists(created) && !request.request_id().empty();
  if (!created.ok() && !repeated) return created;
  d_.inputs.Forget(value.tenant);
  auto stored = d_.values.Get(value.tenant, value.name, {context.deadline});
  if (!stored.ok()) return repeated ? created : stored.status();
  if (repeated && (stored->version != 1 || stored->device_class != value.device_class ||
                   stored->measurement != value.measurement || stored->digests != value.digests)) {
    return created;
  }
  v1::CreateReferenceValueResponse response;
  *response.mutable_reference_value() = ToProto(named->tenant.name, *stored);
  return response;
}

absl::StatusOr<v1::UpdateReferenceValueResponse> AdminHandler::UpdateReferenceValue(
    const runtime::CallContext& context, const v1::UpdateReferenceValueRequest& request) {
  auto named = Find(context, "name", request.name(), kValuePattern);
  if (!named.ok()) return named.status();
  auto version = runtime::VersionOf(request.reference_value().etag());
  if (!version.ok()) return version.status();
  storage::ReferenceValue value;
  value.tenant = named->tenant.id;
  value.name = named->rest[0];
  value.version = *version;
  if (auto s = SetDigests(request.reference_value(), value); !s.ok()) return s;
  auto entry = d_.audit.OfCaller(context, value.tenant, "reference-value.update", request.name());
  if (!entry.ok()) return entry.status();
  if (auto s = d_.values.Update(value, *entry, {context.deadline}); !s.ok()) return s;
  d_.inputs.Forget(value.tenant);
  auto stored = d_.values.Get(value.tenant, value.name, {context.deadline});
  if (!stored.ok()) return stored.status();
  v1::UpdateReferenceValueResponse response;
  *response.mutable_reference_value() = ToProto(named->tenant.name, *stored);
  return response;
}

absl::StatusOr<v1::DeleteReferenceValueResponse> AdminHandler::DeleteReferenceValue(
    const runtime::CallContext& context, const v1::DeleteReferenceValueRequest& request) {
  auto named = Find(context, "name", request.name(), kValuePattern);
  if (!named.ok()) return named.status();
  auto version = runtime::VersionOf(request.etag());
  if (!version.ok()) return version.status();
  const storage::TenantId& tenant = named->tenant.id;
  auto entry = d_.audit.OfCaller(context, tenant, "reference-value.delete", request.name());
  if (!entry.ok()) return entry.status();
  const absl::Status deleted =
      d_.values.Delete(tenant, named->rest[0], *version, *entry, {context.deadline});
  if (!deleted.ok()) return deleted;
  d_.inputs.Forget(tenant);
  return v1::DeleteReferenceValueResponse();
}

absl::StatusOr<v1::GetAttestationPolicyResponse> AdminHandler::GetAttestationPolicy(
    const runtime::CallContext& context, const v1::GetAttestationPolicyRequest& request) {
  auto named = Find(context, "name", request.name(), kPolicyPattern);
  if (!named.ok()) return named.status();
  auto policy = d_.store.GetPolicy(named->tenant.id, {context.deadline});
  if (!policy.ok()) return policy.status();
  v1::GetAttestationPolicyResponse response;
  *response.mutable_policy() = ToProto(named->tenant.name, *policy);
  return response;
}

absl::StatusOr<v1::SetAttestationPolicyResponse> AdminHandler::SetAttestationPolicy(
    const runtime::CallContext& context, const v1::SetAttestationPolicyRequest& request) {
  auto named = Find(context, "name", request.name(), kPolicyPattern);
  if (!named.ok()) return named.status();
  auto policy = ParsePolicy(request.policy());
  if (!policy.ok()) return policy.status();
  const storage::TenantId& tenant = named->tenant.id;
  auto entry = d_.audit.OfCaller(context, tenant, "attestation-policy.set", request.name());
  if (!entry.ok()) return entry.status();
  if (auto s = d_.store.SetPolicy(tenant, *policy, *entry, {context.deadline}); !s.ok()) return s;
  d_.inputs.Forget(tenant);
  auto stored = d_.store.GetPolicy(tenant, {context.deadline});
  if (!stored.ok()) return stored.status();
  v1::SetAttestationPolicyResponse response;
  *response.mutable_policy() = ToProto(named->tenant.name, *stored);
  return response;
}

runtime::ServiceBinding AdminHandler::Binding() {
  runtime::ServiceBinding binding("tam.v1.AttestationService");
  binding.Add("ImportAttestationKey", *this, &AdminHandler::ImportAttestationKey)
      .Add("ListAttestationKeys", *this, &AdminHandler::ListAttestationKeys)
      .Add("DeleteAttestationKey", *this, &AdminHandler::DeleteAttestationKey)
      .Add("GetReferenceValue", *this, &AdminHandler::GetReferenceValue)
      .Add("ListReferenceValues", *this, &AdminHandler::ListReferenceValues)
      .Add("CreateReferenceValue", *this, &AdminHandler::CreateReferenceValue)
      .Add("UpdateReferenceValue", *this, &AdminHandler::UpdateReferenceValue)
      .Add("DeleteReferenceValue", *this, &AdminHandler::DeleteReferenceValue)
      .Add("GetAttestationPolicy", *this, &AdminHandler::GetAttestationPolicy)
      .Add("SetAttestationPolicy", *this, &AdminHandler::SetAttestationPolicy);
  return binding;
}

}  // namespace tam::attestation
