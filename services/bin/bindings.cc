#include "services/bin/bindings.h"

namespace tam::bin {

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
