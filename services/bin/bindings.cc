#include "services/bin/bindings.h"

namespace tam::bin {

runtime::ServiceBinding BindRegistry(registry::AdminHandler& handler) {
  using Handler = registry::AdminHandler;
  runtime::ServiceBinding binding("tam.v1.RegistryService");
  binding.Add("GetTenant", handler, &Handler::GetTenant);
  binding.Add("ListTenants", handler, &Handler::ListTenants);
  binding.Add("CreateTenant", handler, &Handler::CreateTenant);
  binding.Add("UpdateTenant", handler, &Handler::UpdateTenant);
  binding.Add("DeleteTenant", handler, &Handler::DeleteTenant);
  binding.Add("GetEndpoint", handler, &Handler::GetEndpoint);
  binding.Add("ListEndpoints", handler, &Handler::ListEndpoints);
  binding.Add("CreateEndpoint", handler, &Handler::CreateEndpoint);
  binding.Add("UpdateEndpoint", handler, &Handler::UpdateEndpoint);
  binding.Add("DeleteEndpoint", handler, &Handler::DeleteEndpoint);
  binding.Add("GetDevice", handler, &Handler::GetDevice);
  binding.Add("ListDevices", handler, &Handler::ListDevices);
  binding.Add("CreateDevice", handler, &Handler::CreateDevice);
  binding.Add("UpdateDevice", handler, &Handler::UpdateDevice);
  binding.Add("DeleteDevice", handler, &Handler::DeleteDevice);
  binding.Add("ImportDeviceKey", handler, &Handler::ImportDeviceKey);
  binding.Add("SetDeviceKeyState", handler, &Handler::SetDeviceKeyState);
  return binding;
}

runtime::ServiceBinding BindRegistrySession(registry::SessionHandler& handler) {
  using Handler = registry::SessionHandler;
  runtime::ServiceBinding binding("tam.v1.RegistrySessionService");
  binding.Add("ResolveEndpoint", handler, &Handler::ResolveEndpoint);
  binding.Add("Lookup", handler, &Handler::Lookup);
  binding.Add("Accept", handler, &Handler::Accept);
  binding.Add("Report", handler, &Handler::Report);
  return binding;
}

runtime::ServiceBinding BindCatalog(catalog::CatalogHandler& handler) {
  using Handler = catalog::CatalogHandler;
  runtime::ServiceBinding binding("tam.v1.CatalogService");
  binding.Add("GetDomain", handler, &Handler::GetDomain);
  binding.Add("ListDomains", handler, &Handler::ListDomains);
  binding.Add("CreateDomain", handler, &Handler::CreateDomain);
  binding.Add("UpdateDomain", handler, &Handler::UpdateDomain);
  binding.Add("DeleteDomain", handler, &Handler::DeleteDomain);
  binding.Add("PublishManifest", handler, &Handler::PublishManifest);
  binding.Add("GetManifest", handler, &Handler::GetManifest);
  binding.Add("ListManifests", handler, &Handler::ListManifests);
  binding.Add("WithdrawManifest", handler, &Handler::WithdrawManifest);
  binding.Add("ListComponents", handler, &Handler::ListComponents);
  binding.Add("GetDeployment", handler, &Handler::GetDeployment);
  binding.Add("ListDeployments", handler, &Handler::ListDeployments);
  binding.Add("CreateDeployment", handler, &Handler::CreateDeployment);
  binding.Add("UpdateDeployment", handler, &Handler::UpdateDeployment);
  binding.Add("DeleteDeployment", handler, &Handler::DeleteDeployment);
  return binding;
}

runtime::ServiceBinding BindCatalogSession(catalog::CatalogSessionHandler& handler) {
  using Handler = catalog::CatalogSessionHandler;
  runtime::ServiceBinding binding("tam.v1.CatalogSessionService");
  binding.Add("Resolve", handler, &Handler::Resolve);
  binding.Add("GetEnvelopes", handler, &Handler::GetEnvelopes);
  return binding;
}

runtime::ServiceBinding BindAudit(audit::AuditHandler& handler) {
  using Handler = audit::AuditHandler;
  runtime::ServiceBinding binding("tam.v1.AuditService");
  binding.Add("ListEntries", handler, &Handler::ListEntries);
  return binding;
}

}  // namespace tam::bin
