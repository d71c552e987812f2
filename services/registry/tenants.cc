#include "absl/strings/str_cat.h"
#include "services/registry/convert.h"
#include "services/registry/handler.h"
#include "services/registry/names.h"
#include "services/registry/requests.h"

namespace tam::registry {
namespace {

constexpr size_t kMaxDisplayName = 128;  // bytes

absl::Status CheckDisplayName(const std::string& name) {
  if (name.size() <= kMaxDisplayName) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tenant.display_name: want at most ",
                                                 kMaxDisplayName, " bytes, got ", name.size()));
}

}  // namespace

AdminHandler::AdminHandler(const Stores& stores, storage::RandomSource random)
    : stores_(stores), random_(random), audit_(stores.pseudonyms, random) {}

absl::StatusOr<storage::Tenant> AdminHandler::TenantByName(const Context& context,
                                                           const std::string& name) {
  auto tenant = stores_.tenants.GetByName(name, DeadlineOf(context));
  if (absl::IsNotFound(tenant.status())) {
    return absl::NotFoundError(absl::StrCat(TenantResource(name), ": no such tenant"));
  }
  return tenant;
}

absl::StatusOr<storage::Tenant> AdminHandler::FindTenant(const Context& context,
                                                         std::string_view field,
                                                         const std::string& resource) {
  TAM_ASSIGN_OR_RETURN(const std::string name, TenantName(field, resource));
  return TenantByName(context, name);
}

absl::StatusOr<v1::GetTenantResponse> AdminHandler::GetTenant(const Context& context,
                                                              const v1::GetTenantRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, FindTenant(context, "name", request.name()));
  v1::GetTenantResponse response;
  *response.mutable_tenant() = ToProto(tenant);
  return response;
}

absl::StatusOr<v1::ListTenantsResponse> AdminHandler::ListTenants(
    const Context& context, const v1::ListTenantsRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::PageRequest page, PageOf(request));
  TAM_ASSIGN_OR_RETURN(const auto tenants, stores_.tenants.List(page, DeadlineOf(context)));
  v1::ListTenantsResponse response;
  for (const storage::Tenant& tenant : tenants.items) *response.add_tenants() = ToProto(tenant);
  response.set_next_page_token(tenants.next);
  return response;
}

absl::StatusOr<v1::CreateTenantResponse> AdminHandler::CreateTenant(
    const Context& context, const v1::CreateTenantRequest& request) {
  storage::Tenant tenant;
  TAM_ASSIGN_OR_RETURN(tenant.name, TenantName("tenant.name", request.tenant().name()));
  TAM_RETURN_IF_ERROR(CheckDisplayName(request.tenant().display_name()));
  tenant.display_name = request.tenant().display_name();
  TAM_ASSIGN_OR_RETURN(tenant.id,
                       UidFor<storage::TenantId>(context, request.request_id(), "tenant"));
  TAM_ASSIGN_OR_RETURN(const auto entry, audit_.OfCaller(context, tenant.id, "tenant.create",
                                                         TenantResource(tenant.name)));
  const absl::Status created = stores_.tenants.Create(tenant, entry, DeadlineOf(context));
  auto stored = stores_.tenants.Get(tenant.id, DeadlineOf(context));
  if (!created.ok()) {
    const bool again = absl::IsAlreadyExists(created) && !request.request_id().empty() &&
                       stored.ok() && stored->name == tenant.name;
    if (!again) return created;
  }
  if (!stored.ok()) return stored.status();
  v1::CreateTenantResponse response;
  *response.mutable_tenant() = ToProto(*stored);
  return response;
}

absl::StatusOr<v1::UpdateTenantResponse> AdminHandler::UpdateTenant(
    const Context& context, const v1::UpdateTenantRequest& request) {
  TAM_ASSIGN_OR_RETURN(storage::Tenant tenant, FindTenant(context, "name", request.name()));
  TAM_RETURN_IF_ERROR(CheckDisplayName(request.tenant().display_name()));
  TAM_ASSIGN_OR_RETURN(tenant.version, VersionOf(request.tenant().etag()));
  tenant.display_name = request.tenant().display_name();
  TAM_ASSIGN_OR_RETURN(const auto entry, audit_.OfCaller(context, tenant.id, "tenant.update",
                                                         TenantResource(tenant.name)));
  TAM_RETURN_IF_ERROR(stores_.tenants.Update(tenant, entry, DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(tenant, stores_.tenants.Get(tenant.id, DeadlineOf(context)));
  v1::UpdateTenantResponse response;
  *response.mutable_tenant() = ToProto(tenant);
  return response;
}

absl::StatusOr<v1::SetTenantStateResponse> AdminHandler::SetTenantState(
    const Context& context, const v1::SetTenantStateRequest& request) {
  if (request.state() != v1::TENANT_STATE_ACTIVE && request.state() != v1::TENANT_STATE_SUSPENDED) {
    return absl::InvalidArgumentError(
        absl::StrCat("state: want active or suspended, got ", static_cast<int>(request.state())));
  }
  const bool suspend = request.state() == v1::TENANT_STATE_SUSPENDED;
  TAM_ASSIGN_OR_RETURN(storage::Tenant tenant, FindTenant(context, "name", request.name()));
  TAM_ASSIGN_OR_RETURN(const uint64_t version, VersionOf(request.etag()));
  TAM_ASSIGN_OR_RETURN(
      const auto entry,
      audit_.OfCaller(context, tenant.id, suspend ? "tenant.suspend" : "tenant.resume",
                      TenantResource(tenant.name)));
  TAM_RETURN_IF_ERROR(stores_.tenants.SetState(
      tenant.id, suspend ? storage::TenantState::kSuspended : storage::TenantState::kActive,
      version, entry, DeadlineOf(context)));
  TAM_ASSIGN_OR_RETURN(tenant, stores_.tenants.Get(tenant.id, DeadlineOf(context)));
  v1::SetTenantStateResponse response;
  *response.mutable_tenant() = ToProto(tenant);
  return response;
}

absl::StatusOr<v1::DeleteTenantResponse> AdminHandler::DeleteTenant(
    const Context& context, const v1::DeleteTenantRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, FindTenant(context, "name", request.name()));
  TAM_ASSIGN_OR_RETURN(const uint64_t version, VersionOf(request.etag()));
  TAM_ASSIGN_OR_RETURN(const auto entry, audit_.OfCaller(context, tenant.id, "tenant.delete",
                                                         TenantResource(tenant.name)));
  TAM_RETURN_IF_ERROR(stores_.tenants.Delete(tenant.id, version, entry, DeadlineOf(context)));
  return v1::DeleteTenantResponse();
}

}  // namespace tam::registry
