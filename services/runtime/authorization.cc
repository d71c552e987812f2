#include "services/runtime/authorization.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"

namespace tam::runtime {
namespace {

constexpr unsigned Set(Role role) { return static_cast<unsigned>(role); }

constexpr unsigned kAdmin = Set(Role::kAdmin);
// May change what belongs to the tenant.
constexpr unsigned kManage = kAdmin | Set(Role::kOperator);
// May read it.
constexpr unsigned kRead = kManage | Set(Role::kAuditor);
constexpr unsigned kDeveloper = Set(Role::kDeveloper);
constexpr unsigned kGateway = Set(Role::kGatewayService);

constexpr Permission kTable[] = {
    {"/tam.v1.RegistryService/GetTenant", kRead, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/ListTenants", kAdmin, Scope::kPlatform},
    {"/tam.v1.RegistryService/CreateTenant", kAdmin, Scope::kPlatform},
    {"/tam.v1.RegistryService/UpdateTenant", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/SetTenantState", kAdmin, Scope::kPlatform},
    {"/tam.v1.RegistryService/DeleteTenant", kAdmin, Scope::kPlatform},
    {"/tam.v1.RegistryService/GetEndpoint", kRead, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/ListEndpoints", kRead, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/CreateEndpoint", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/UpdateEndpoint", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/DeleteEndpoint", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/GetDevice", kRead, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/ListDevices", kRead, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/CreateDevice", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/UpdateDevice", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/DeleteDevice", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/ImportDeviceKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.RegistryService/SetDeviceKeyState", kManage, Scope::kOwnTenant},

    {"/tam.v1.RegistrySessionService/ResolveEndpoint", kGateway, Scope::kPlatform},
    {"/tam.v1.RegistrySessionService/Lookup", kGateway, Scope::kPlatform},
    {"/tam.v1.RegistrySessionService/Accept", kGateway, Scope::kPlatform},
    {"/tam.v1.RegistrySessionService/Report", kGateway, Scope::kPlatform},
    {"/tam.v1.RegistrySessionService/NoteRefusal", kGateway, Scope::kPlatform},

    {"/tam.v1.AttestationService/ImportAttestationKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/ListAttestationKeys", kRead, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/DeleteAttestationKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/GetReferenceValue", kRead, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/ListReferenceValues", kRead, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/CreateReferenceValue", kManage, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/UpdateReferenceValue", kManage, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/DeleteReferenceValue", kManage, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/GetAttestationPolicy", kRead, Scope::kOwnTenant},
    {"/tam.v1.AttestationService/SetAttestationPolicy", kManage, Scope::kOwnTenant},

    {"/tam.v1.AttestationSessionService/Appraise", kGateway, Scope::kPlatform},

    {"/tam.v1.CatalogService/GetDomain", kRead | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/ListDomains", kRead | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/CreateDomain", kManage, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/UpdateDomain", kManage, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/DeleteDomain", kManage, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/PublishManifest", kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/GetManifest", kRead | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/ListManifests", kRead | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/WithdrawManifest", kManage | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/ListComponents", kRead | kDeveloper, Scope::kOwnDomain},
    {"/tam.v1.CatalogService/GetDeployment", kRead, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/ListDeployments", kRead, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/CreateDeployment", kManage, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/UpdateDeployment", kManage, Scope::kOwnTenant},
    {"/tam.v1.CatalogService/DeleteDeployment", kManage, Scope::kOwnTenant},

    {"/tam.v1.CatalogSessionService/Resolve", kGateway, Scope::kPlatform},
    {"/tam.v1.CatalogSessionService/GetEnvelopes", kGateway, Scope::kPlatform},

    {"/tam.v1.SigningService/GetSigningKey", kRead, Scope::kOwnTenant},
    {"/tam.v1.SigningService/ListSigningKeys", kRead, Scope::kOwnTenant},
    {"/tam.v1.SigningService/CreateSigningKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.SigningService/ActivateSigningKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.SigningService/RetireSigningKey", kManage, Scope::kOwnTenant},
    {"/tam.v1.SigningService/AddKeyCertificate", kManage, Scope::kOwnTenant},
    {"/tam.v1.SigningService/ListKeyCertificates", kRead, Scope::kOwnTenant},
    {"/tam.v1.SigningService/RemoveKeyCertificate", kManage, Scope::kOwnTenant},

    {"/tam.v1.SigningSessionService/SignQueryRequest", kGateway, Scope::kPlatform},
    {"/tam.v1.SigningSessionService/SignUpdate", kGateway, Scope::kPlatform},
    {"/tam.v1.SigningSessionService/SignAttestationResult", Set(Role::kAttestationService),
     Scope::kPlatform},
    {"/tam.v1.SigningSessionService/Decrypt", kGateway, Scope::kPlatform},
    {"/tam.v1.SigningSessionService/GetChallengeKeys", kGateway, Scope::kPlatform},

    {"/tam.v1.AuditService/ListEntries", kRead, Scope::kOwnTenant},
};

const Permission* FindPermission(absl::string_view method) {
  static const auto& index = *[] {
    auto* map = new absl::flat_hash_map<absl::string_view, const Permission*>();
    for (const Permission& row : kTable) map->emplace(row.method, &row);
    return map;
  }();
  const auto found = index.find(method);
  return found == index.end() ? nullptr : found->second;
}

const google::protobuf::FieldDescriptor* ResourceField(const google::protobuf::Descriptor& type) {
  for (const char* field_name : {"name", "parent"}) {
    const google::protobuf::FieldDescriptor* field = type.FindFieldByName(field_name);
    if (field != nullptr && field->type() == google::protobuf::FieldDescriptor::TYPE_STRING &&
        !field->is_repeated()) {
      return field;
    }
  }
  return nullptr;
}

// The {t} of `tenants/{t}` or `tenants/{t}/...`; "-" stands for the platform and is nobody's own.
absl::StatusOr<std::string> TenantOf(const google::protobuf::Message& request) {
  const std::string resource = ResourceOf(request);
  absl::string_view rest = resource;
  if (absl::ConsumePrefix(&rest, "tenants/")) {
    const absl::string_view tenant = rest.substr(0, rest.find('/'));
    if (tenant == "-" || IsName(tenant)) return std::string(tenant);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("name or parent: want tenants/{tenant}..., got \"",
                   absl::CEscape(absl::string_view(resource).substr(0, 80)), "\""));
}

}  // namespace

absl::Span<const Permission> AllPermissions() { return kTable; }

std::string ResourceOf(const google::protobuf::Message& request) {
  const google::protobuf::FieldDescriptor* field = ResourceField(*request.GetDescriptor());
  return field == nullptr ? "" : request.GetReflection()->GetString(request, field);
}

bool RoleMayCall(const Identity& caller, absl::string_view method) {
  const Permission* row = FindPermission(method);
  return row != nullptr && (row->roles & Set(caller.role())) != 0;
}

absl::Status Authorize(const Identity& caller, absl::string_view method,
                       const google::protobuf::Message& request) {
  if (!RoleMayCall(caller, method)) {
    return absl::PermissionDeniedError(absl::StrCat("role: not permitted to call ", method));
  }
  if (!caller.BelongsToTenant()) return absl::OkStatus();
  if (FindPermission(method)->scope == Scope::kPlatform) {
    return absl::PermissionDeniedError(absl::StrCat("role: ", method, " is not a tenant's"));
  }
  absl::StatusOr<std::string> tenant = TenantOf(request);
  if (!tenant.ok()) return tenant.status();
  if (*tenant == caller.tenant()) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("tenant: want ", caller.tenant(), ", got ", *tenant));
}

absl::Status CheckDomainOwner(const CallContext& context, absl::Span<const std::string> owners) {
  if (context.caller.role() != Role::kDeveloper) return absl::OkStatus();
  if (std::find(owners.begin(), owners.end(), context.caller.spiffe_id()) != owners.end()) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError("domain: the caller is not among its owners");
}

}  // namespace tam::runtime
