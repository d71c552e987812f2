// The catalogue for people: security domains, manifests, deployments (proto/tam/v1/catalog.proto).
#ifndef TAMARACK_SERVICES_CATALOG_HANDLER_H_
#define TAMARACK_SERVICES_CATALOG_HANDLER_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proto/tam/v1/catalog.pb.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/call_context.h"
#include "storage/audit_store.h"
#include "storage/catalog_store.h"
#include "storage/tenant_store.h"

namespace tam::catalog {

// Thread safe; borrows what it is made from. Callers have been found in the authorisation table for
// the call and the tenant; that a developer owns the domain is checked here, and a domain that does
// not exist and one that is another's look the same to a developer.
class CatalogHandler {
 public:
  struct Dependencies {
    storage::TenantReader& tenants;
    storage::DomainStore& domains;
    storage::ManifestStore& manifests;
    storage::DeploymentStore& deployments;
    storage::DatabaseClock& clock;
    runtime::AuditComposer& audit;
    storage::RandomSource random;
  };
  explicit CatalogHandler(Dependencies dependencies) : d_(std::move(dependencies)) {}

  using Context = runtime::CallContext;
  template <typename T>
  using Result = absl::StatusOr<T>;

  Result<v1::GetDomainResponse> GetDomain(const Context&, const v1::GetDomainRequest&);
  Result<v1::ListDomainsResponse> ListDomains(const Context&, const v1::ListDomainsRequest&);
  Result<v1::CreateDomainResponse> CreateDomain(const Context&, const v1::CreateDomainRequest&);
  Result<v1::UpdateDomainResponse> UpdateDomain(const Context&, const v1::UpdateDomainRequest&);
  Result<v1::DeleteDomainResponse> DeleteDomain(const Context&, const v1::DeleteDomainRequest&);

  Result<v1::PublishManifestResponse> PublishManifest(const Context&,
                                                      const v1::PublishManifestRequest&);
  Result<v1::GetManifestResponse> GetManifest(const Context&, const v1::GetManifestRequest&);
  Result<v1::ListManifestsResponse> ListManifests(const Context&, const v1::ListManifestsRequest&);
  Result<v1::WithdrawManifestResponse> WithdrawManifest(const Context&,
                                                        const v1::WithdrawManifestRequest&);
  Result<v1::ListComponentsResponse> ListComponents(const Context&,
                                                    const v1::ListComponentsRequest&);

  Result<v1::GetDeploymentResponse> GetDeployment(const Context&, const v1::GetDeploymentRequest&);
  Result<v1::ListDeploymentsResponse> ListDeployments(const Context&,
                                                      const v1::ListDeploymentsRequest&);
  Result<v1::CreateDeploymentResponse> CreateDeployment(const Context&,
                                                        const v1::CreateDeploymentRequest&);
  Result<v1::UpdateDeploymentResponse> UpdateDeployment(const Context&,
                                                        const v1::UpdateDeploymentRequest&);
  Result<v1::DeleteDeploymentResponse> DeleteDeployment(const Context&,
                                                        const v1::DeleteDeploymentRequest&);

 private:
  // A domain that the caller may touch, with the names that led to it.
  struct Found {
    std::string tenant;
    std::string name;  // tenants/{t}/domains/{n}
    storage::Domain domain;
  };
  struct FoundDeployment {
    std::string tenant;
    storage::Deployment deployment;
  };

  Result<storage::TenantId> TenantOf(const Context& context, std::string_view name);
  Result<Found> FindDomain(const Context& context, std::string_view field, std::string_view name);
  Result<FoundDeployment> FindDeployment(const Context& context, std::string_view name);
  // The envelope of what was published last under this manifest component; nullopt: nothing, or it
  // cannot be read now.
  std::optional<storage::Bytes> PublishedLast(const Context& context,
                                              const storage::Manifest& manifest);
  Result<v1::Deployment> Show(const Context& context, const std::string& tenant,
                              const storage::Deployment& deployment);
  // The id for a Create: by request id if there is one.
  template <typename Id>
  Result<Id> IdFor(const Context& context, std::string_view request_id, std::string_view kind);

  const Dependencies d_;
};

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_HANDLER_H_
