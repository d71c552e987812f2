// The calls of CatalogHandler that concern deployments.
#include <utility>

#include "absl/strings/match.h"
#include "crypto/text/text.h"
#include "services/catalog/convert.h"
#include "services/catalog/handler.h"
#include "services/catalog/handler_parts.h"
#include "services/runtime/resource.h"
#include "services/runtime/resource_name.h"

namespace tam::catalog {

using Context = runtime::CallContext;

absl::StatusOr<CatalogHandler::FoundDeployment> CatalogHandler::FindDeployment(
    const Context& context, std::string_view name) {
  auto ids = runtime::ParseResourceName("name", AbslView(name), "tenants/{t}/deployments/{n}");
  if (!ids.ok()) return ids.status();
  absl::StatusOr<storage::TenantId> tenant = TenantOf(context, (*ids)[0]);
  if (!tenant.ok()) return tenant.status();
  auto deployment = d_.deployments.GetByName(*tenant, (*ids)[1], DeadlineOf(context));
  if (!deployment.ok()) return deployment.status();
  return FoundDeployment{(*ids)[0], *std::move(deployment)};
}

absl::StatusOr<v1::Deployment> CatalogHandler::Show(const Context& context,
                                                    const std::string& tenant,
                                                    const storage::Deployment& deployment) {
  auto domain = d_.domains.Get(deployment.tenant, deployment.domain, DeadlineOf(context));
  if (!domain.ok()) return domain.status();
  return DeploymentToProto(deployment, tenant, DomainName(tenant, domain->name));
}

absl::StatusOr<v1::GetDeploymentResponse> CatalogHandler::GetDeployment(
    const Context& context, const v1::GetDeploymentRequest& request) {
  absl::StatusOr<FoundDeployment> found = FindDeployment(context, request.name());
  if (!found.ok()) return found.status();
  absl::StatusOr<v1::Deployment> shown = Show(context, found->tenant, found->deployment);
  if (!shown.ok()) return shown.status();
  v1::GetDeploymentResponse response;
  *response.mutable_deployment() = *std::move(shown);
  return response;
}

absl::StatusOr<v1::ListDeploymentsResponse> CatalogHandler::ListDeployments(
    const Context& context, const v1::ListDeploymentsRequest& request) {
  auto ids = runtime::ParseResourceName("parent", request.parent(), "tenants/{t}");
  if (!ids.ok()) return ids.status();
  absl::StatusOr<storage::TenantId> tenant = TenantOf(context, (*ids)[0]);
  if (!tenant.ok()) return tenant.status();
  absl::StatusOr<storage::PageRequest> page = PageOf(request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  auto deployments = d_.deployments.List(*tenant, *page, DeadlineOf(context));
  if (!deployments.ok()) return deployments.status();
  v1::ListDeploymentsResponse response;
  for (const storage::Deployment& deployment : deployments->items) {
    absl::StatusOr<v1::Deployment> shown = Show(context, (*ids)[0], deployment);
    if (!shown.ok()) return shown.status();
    *response.add_deployments() = *std::move(shown);
  }
  response.set_next_page_token(deployments->next);
  return response;
}

absl::StatusOr<v1::CreateDeploymentResponse> CatalogHandler::CreateDeployment(
    const Context& context, const v1::CreateDeploymentRequest& request) {
  auto ids = runtime::ParseResourceName("parent", request.parent(), "tenants/{t}");
  if (!ids.ok()) return ids.status();
  absl::Status status = CheckName("deployment_id", request.deployment_id());
  if (!status.ok()) return status;
  if (!absl::StartsWith(request.deployment().domain(), request.parent() + "/")) {
    return absl::InvalidArgumentError("deployment.domain: want a domain of the parent");
  }
  absl::StatusOr<Found> found =
      FindDomain(context, "deployment.domain", request.deployment().domain());
  if (!found.ok()) return found.status();
  storage::Deployment deployment;
  deployment.tenant = found->domain.tenant;
  deployment.name = request.deployment_id();
  deployment.domain = found->domain.id;
  status = SetDeployment(request.deployment(), deployment);
  if (!status.ok()) return status;
  if (deployment.pinned.has_value()) {
    auto manifest = d_.manifests.Get(deployment.tenant, {deployment.domain, *deployment.pinned},
                                     DeadlineOf(context));
    if (!manifest.ok()) return manifest.status();
    deployment.manifest_component = manifest->manifest_component;
  } else {
    absl::StatusOr<storage::ComponentId> component =
        ComponentIdFromWire(request.deployment().component_id(), "deployment.component_id");
    if (!component.ok()) return component.status();
    deployment.manifest_component = *std::move(component);
  }
  auto id = IdFor<storage::DeploymentId>(context, request.request_id(), "deployment");
  if (!id.ok()) return id.status();
  deployment.id = *id;
  auto audit = d_.audit.OfCaller(context, deployment.tenant, "deployment.create",
                                 Concat(request.parent(), "/deployments/", deployment.name));
  if (!audit.ok()) return audit.status();
  status = d_.deployments.Create(deployment, *audit, DeadlineOf(context));
  auto now =
      Created(status, request.request_id(), deployment.id,
              d_.deployments.GetByName(deployment.tenant, deployment.name, DeadlineOf(context)));
  if (!now.ok()) return now.status();
  v1::CreateDeploymentResponse response;
  *response.mutable_deployment() = DeploymentToProto(*now, found->tenant, found->name);
  return response;
}

absl::StatusOr<v1::UpdateDeploymentResponse> CatalogHandler::UpdateDeployment(
    const Context& context, const v1::UpdateDeploymentRequest& request) {
  absl::StatusOr<FoundDeployment> found = FindDeployment(context, request.name());
  if (!found.ok()) return found.status();
  absl::StatusOr<uint64_t> version = runtime::VersionOf(request.deployment().etag());
  if (!version.ok()) return version.status();
  storage::Deployment deployment = found->deployment;
  absl::Status status = SetDeployment(request.deployment(), deployment);
  if (!status.ok()) return status;
  deployment.version = *version;
  auto audit = d_.audit.OfCaller(context, deployment.tenant, "deployment.update", request.name());
  if (!audit.ok()) return audit.status();
  status = d_.deployments.Update(deployment, *audit, DeadlineOf(context));
  if (!status.ok()) return status;
  auto now = d_.deployments.Get(deployment.tenant, deployment.id, DeadlineOf(context));
  if (!now.ok()) return now.status();
  absl::StatusOr<v1::Deployment> shown = Show(context, found->tenant, *now);
  if (!shown.ok()) return shown.status();
  v1::UpdateDeploymentResponse response;
  *response.mutable_deployment() = *std::move(shown);
  return response;
}

absl::StatusOr<v1::DeleteDeploymentResponse> CatalogHandler::DeleteDeployment(
    const Context& context, const v1::DeleteDeploymentRequest& request) {
  absl::StatusOr<FoundDeployment> found = FindDeployment(context, request.name());
  if (!found.ok()) return found.status();
  absl::StatusOr<uint64_t> version = runtime::VersionOf(request.etag());
  if (!version.ok()) return version.status();
  const storage::Deployment& deployment = found->deployment;
  auto audit = d_.audit.OfCaller(context, deployment.tenant, "deployment.delete", request.name());
  if (!audit.ok()) return audit.status();
  absl::Status status = d_.deployments.Delete(deployment.tenant, deployment.id, *version, *audit,
                                              DeadlineOf(context));
  if (!status.ok()) return status;
  return v1::DeleteDeploymentResponse();
}

}  // namespace tam::catalog
