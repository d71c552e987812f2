#include "absl/strings/str_cat.h"
#include "services/registry/convert.h"
#include "services/registry/handler.h"
#include "services/registry/names.h"
#include "services/registry/requests.h"

namespace tam::registry {
namespace {

// Every liberty is named: who weakens an endpoint leaves a trace of how.
runtime::AuditDetails DetailsOf(const storage::EndpointConfig& config) {
  const auto text = [](bool value) { return value ? "true" : "false"; };
  const storage::LegacyOptions& legacy = config.legacy;
  return {{"data_items", absl::StrCat(config.data_items)},
          {"attestation_required", text(config.attestation_required)},
          {"wire_profile",
           config.wire_profile == storage::WireProfile::kLegacy ? "legacy" : "draft-26"},
          {"passport", text(config.passport)},
          {"timestamps", text(config.timestamps)},
          {"return_results", text(config.return_results)},
          {"legacy.older_algorithms", text(legacy.older_algorithms)},
          {"legacy.untagged", text(legacy.untagged)},
          {"legacy.keys_without_kid", text(legacy.keys_without_kid)},
          {"legacy.sign1_suite", absl::StrCat(static_cast<int>(legacy.sign1))}};
}

}  // namespace

absl::StatusOr<storage::Endpoint> AdminHandler::FindEndpoint(const Context& context,
                                                             std::string_view field,
                                                             const std::string& resource,
                                                             std::string* tenant_name) {
  TAM_ASSIGN_OR_RETURN(const auto parts, SplitName(field, resource, "tenants/*/endpoints/*"));
  TAM_RETURN_IF_ERROR(CheckName(field, parts[0]));
  TAM_RETURN_IF_ERROR(CheckName(field, parts[1]));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant, TenantByName(context, parts[0]));
  auto endpoint = stores_.endpoints.GetByName(tenant.id, parts[1], DeadlineOf(context));
  if (absl::IsNotFound(endpoint.status())) {
    return absl::NotFoundError(absl::StrCat(resource, ": no such endpoint"));
  }
  *tenant_name = tenant.name;
  return endpoint;
}

absl::StatusOr<std::vector<storage::Endpoint>> AdminHandler::AllEndpoints(
    const Context& context, const storage::TenantId& tenant) {
  std::vector<storage::Endpoint> all;
  storage::PageRequest page{1000, ""};
  do {
    TAM_ASSIGN_OR_RETURN(auto some, stores_.endpoints.List(tenant, page, DeadlineOf(context)));
    for (storage::Endpoint& endpoint : some.items) all.push_back(std::move(endpoint));
    page.after = some.next;
  } while (!page.after.empty());
  return all;
}

absl::StatusOr<v1::GetEndpointResponse> AdminHandler::GetEndpoint(
    const Context& context, const v1::GetEndpointRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(const storage::Endpoint endpoint,
                       FindEndpoint(context, "name", request.name(), &tenant));
  v1::GetEndpointResponse response;
  *response.mutable_endpoint() = ToProto(endpoint, tenant);
  return response;
}

absl::StatusOr<v1::ListEndpointsResponse> AdminHandler::ListEndpoints(
    const Context& context, const v1::ListEndpointsRequest& request) {
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant,
                       FindTenant(context, "parent", request.parent()));
  TAM_ASSIGN_OR_RETURN(const storage::PageRequest page, PageOf(request));
  TAM_ASSIGN_OR_RETURN(const auto endpoints,
                       stores_.endpoints.List(tenant.id, page, DeadlineOf(context)));
  v1::ListEndpointsResponse response;
  for (const storage::Endpoint& endpoint : endpoints.items) {
    *response.add_endpoints() = ToProto(endpoint, tenant.name);
  }
  response.set_next_page_token(endpoints.next);
  return response;
}

absl::StatusOr<v1::CreateEndpointResponse> AdminHandler::CreateEndpoint(
    const Context& context, const v1::CreateEndpointRequest& request) {
  TAM_RETURN_IF_ERROR(CheckName("endpoint_id", request.endpoint_id()));
  TAM_ASSIGN_OR_RETURN(const storage::Tenant tenant,
                       FindTenant(context, "parent", request.parent()));
  storage::Endpoint endpoint;
  endpoint.tenant = tenant.id;
  endpoint.name = request.endpoint_id();
  endpoint.path = absl::StrCat("/tam/", tenant.name, "/", endpoint.name);
  TAM_ASSIGN_OR_RETURN(endpoint.current, ConfigFromProto(request.endpoint()));
  TAM_ASSIGN_OR_RETURN(endpoint.id,
                       UidFor<storage::EndpointId>(context, request.request_id(), "endpoint"));
  TAM_ASSIGN_OR_RETURN(
      const auto entry,
      audit_.OfCaller(context, tenant.id, "endpoint.create",
                      EndpointResource(tenant.name, endpoint.name), DetailsOf(endpoint.current)));
  const absl::Status created = stores_.endpoints.Create(endpoint, entry, DeadlineOf(context));
  auto stored = stores_.endpoints.Get(endpoint.id, DeadlineOf(context));
  if (!created.ok()) {
    const bool again = absl::IsAlreadyExists(created) && !request.request_id().empty() &&
                       stored.ok() && stored->path == endpoint.path;
    if (!again) return created;
  }
  if (!stored.ok()) return stored.status();
  v1::CreateEndpointResponse response;
  *response.mutable_endpoint() = ToProto(*stored, tenant.name);
  return response;
}

absl::StatusOr<v1::UpdateEndpointResponse> AdminHandler::UpdateEndpoint(
    const Context& context, const v1::UpdateEndpointRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(const storage::Endpoint endpoint,
                       FindEndpoint(context, "name", request.name(), &tenant));
  TAM_ASSIGN_OR_RETURN(storage::EndpointConfig config, ConfigFromProto(request.endpoint()));
  TAM_ASSIGN_OR_RETURN(config.generation, VersionOf(request.endpoint().etag()));
  // What was planned for an attested device must not leave by an endpoint that vouches for less.
  if (config.wire_profile != endpoint.current.wire_profile) {
    return absl::FailedPreconditionError(
        "endpoint.wire_profile: want that with which the endpoint was created; older peers get an "
        "endpoint of their own");
  }
  TAM_ASSIGN_OR_RETURN(const auto entry,
                       audit_.OfCaller(context, endpoint.tenant, "endpoint.update", request.name(),
                                       DetailsOf(config)));
  TAM_ASSIGN_OR_RETURN(const storage::Endpoint stored,
                       stores_.endpoints.Update(endpoint.id, config, entry, DeadlineOf(context)));
  v1::UpdateEndpointResponse response;
  *response.mutable_endpoint() = ToProto(stored, tenant);
  return response;
}

absl::StatusOr<v1::DeleteEndpointResponse> AdminHandler::DeleteEndpoint(
    const Context& context, const v1::DeleteEndpointRequest& request) {
  std::string tenant;
  TAM_ASSIGN_OR_RETURN(const storage::Endpoint endpoint,
                       FindEndpoint(context, "name", request.name(), &tenant));
  TAM_ASSIGN_OR_RETURN(const uint64_t generation, VersionOf(request.etag()));
  TAM_ASSIGN_OR_RETURN(const auto entry,
                       audit_.OfCaller(context, endpoint.tenant, "endpoint.delete", request.name(),
                                       DetailsOf(endpoint.current)));
  TAM_RETURN_IF_ERROR(
      stores_.endpoints.Delete(endpoint.id, generation, entry, DeadlineOf(context)));
  return v1::DeleteEndpointResponse();
}

}  // namespace tam::registry
