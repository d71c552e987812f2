#include "services/catalog/handler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"
#include "services/catalog/convert.h"
#include "services/catalog/handler_parts.h"
#include "services/catalog/publication.h"
#include "services/runtime/identity.h"
#include "services/runtime/resource.h"
#include "services/runtime/resource_name.h"

namespace tam::catalog {
namespace {

using Context = runtime::CallContext;

absl::Status CheckOwner(const Context& context, const storage::Domain& domain) {
  if (context.caller.role() != runtime::Role::kDeveloper) return absl::OkStatus();
  const auto& owners = domain.owners;
  if (std::find(owners.begin(), owners.end(), context.caller.spiffe_id()) != owners.end()) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError("name: the caller owns no such domain");
}

}  // namespace

absl::StatusOr<storage::TenantId> CatalogHandler::TenantOf(const Context& context,
                                                           std::string_view name) {
  absl::StatusOr<storage::Tenant> tenant =
      d_.tenants.GetByName(AbslView(name), DeadlineOf(context));
  if (!tenant.ok()) return tenant.status();
  return tenant->id;
}

absl::StatusOr<CatalogHandler::Found> CatalogHandler::FindDomain(const Context& context,
                                                                 std::string_view field,
                                                                 std::string_view name) {
  auto ids = runtime::ParseResourceName(AbslView(field), AbslView(name), "tenants/{t}/domains/{n}");
  if (!ids.ok()) return ids.status();
  absl::StatusOr<storage::TenantId> tenant = TenantOf(context, (*ids)[0]);
  if (!tenant.ok()) return tenant.status();
  absl::StatusOr<storage::Domain> domain =
      d_.domains.GetByName(*tenant, (*ids)[1], DeadlineOf(context));
  if (absl::IsNotFound(domain.status()) && context.caller.role() == runtime::Role::kDeveloper) {
    return absl::PermissionDeniedError("name: the caller owns no such domain");
  }
  if (!domain.ok()) return domain.status();
  absl::Status status = CheckOwner(context, *domain);
  if (!status.ok()) return status;
  return Found{(*ids)[0], std::string(name), *std::move(domain)};
}

absl::StatusOr<v1::GetDomainResponse> CatalogHandler::GetDomain(
    const Context& context, const v1::GetDomainRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "name", request.name());
  if (!found.ok()) return found.status();
  v1::GetDomainResponse response;
  *response.mutable_domain() = DomainToProto(found->domain, found->tenant);
  return response;
}

absl::StatusOr<v1::ListDomainsResponse> CatalogHandler::ListDomains(
    const Context& context, const v1::ListDomainsRequest& request) {
  auto ids = runtime::ParseResourceName("parent", request.parent(), "tenants/{t}");
  if (!ids.ok()) return ids.status();
  absl::StatusOr<storage::TenantId> tenant = TenantOf(context, (*ids)[0]);
  if (!tenant.ok()) return tenant.status();
  absl::StatusOr<storage::PageRequest> page = PageOf(request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  const bool owned_only = context.caller.role() == runtime::Role::kDeveloper;
  auto domains = d_.domains.List(*tenant, owned_only ? context.caller.spiffe_id() : "", *page,
                                 DeadlineOf(context));
  if (!domains.ok()) return domains.status();
  v1::ListDomainsResponse response;
  for (const storage::Domain& domain : domains->items) {
    *response.add_domains() = DomainToProto(domain, (*ids)[0]);
  }
  response.set_next_page_token(domains->next);
  return response;
}

absl::StatusOr<v1::CreateDomainResponse> CatalogHandler::CreateDomain(
    const Context& context, const v1::CreateDomainRequest& request) {
  auto ids = runtime::ParseResourceName("parent", request.parent(), "tenants/{t}");
  if (!ids.ok()) return ids.status();
  absl::Status status = CheckName("domain_id", request.domain_id());
  if (!status.ok()) return status;
  absl::StatusOr<storage::TenantId> tenant = TenantOf(context, (*ids)[0]);
  if (!tenant.ok()) return tenant.status();
  storage::Domain domain;
  domain.tenant = *tenant;
  domain.name = request.domain_id();
  status = SetDomain(request.domain(), domain);
  if (!status.ok()) return status;
  auto id = IdFor<storage::DomainId>(context, request.request_id(), "domain");
  if (!id.ok()) return id.status();
  domain.id = *id;
  auto audit =
      d_.audit.OfCaller(context, *tenant, "domain.create", DomainName((*ids)[0], domain.name));
  if (!audit.ok()) return audit.status();
  status = d_.domains.Create(domain, *audit, DeadlineOf(context));
  auto now = Created(status, request.request_id(), domain.id,
                     d_.domains.GetByName(*tenant, domain.name, DeadlineOf(context)));
  if (!now.ok()) return now.status();
  v1::CreateDomainResponse response;
  *response.mutable_domain() = DomainToProto(*now, (*ids)[0]);
  return response;
}

absl::StatusOr<v1::UpdateDomainResponse> CatalogHandler::UpdateDomain(
    const Context& context, const v1::UpdateDomainRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "name", request.name());
  if (!found.ok()) return found.status();
  absl::StatusOr<uint64_t> version = runtime::VersionOf(request.domain().etag());
  if (!version.ok()) return version.status();
  storage::Domain domain = found->domain;
  absl::Status status = SetDomain(request.domain(), domain);
  if (!status.ok()) return status;
  domain.version = *version;
  auto audit = d_.audit.OfCaller(context, domain.tenant, "domain.update", found->name);
  if (!audit.ok()) return audit.status();
  status = d_.domains.Update(domain, *audit, DeadlineOf(context));
  if (!status.ok()) return status;
  auto now = d_.domains.Get(domain.tenant, domain.id, DeadlineOf(context));
  if (!now.ok()) return now.status();
  v1::UpdateDomainResponse response;
  *response.mutable_domain() = DomainToProto(*now, found->tenant);
  return response;
}

absl::StatusOr<v1::DeleteDomainResponse> CatalogHandler::DeleteDomain(
    const Context& context, const v1::DeleteDomainRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "name", request.name());
  if (!found.ok()) return found.status();
  absl::StatusOr<uint64_t> version = runtime::VersionOf(request.etag());
  if (!version.ok()) return version.status();
  storage::Domain domain = found->domain;
  domain.version = *version;
  domain.state = storage::DomainState::kDeleted;
  auto audit = d_.audit.OfCaller(context, domain.tenant, "domain.delete", found->name);
  if (!audit.ok()) return audit.status();
  absl::Status status = d_.domains.Update(domain, *audit, DeadlineOf(context));
  if (!status.ok()) return status;
  return v1::DeleteDomainResponse();
}

std::optional<storage::Bytes> CatalogHandler::PublishedLast(const Context& context,
                                                            const storage::Manifest& manifest) {
  storage::PageRequest page{.limit = 1000, .after = ""};
  do {
    const auto components =
        d_.manifests.ListComponents(manifest.tenant, manifest.domain, page, DeadlineOf(context));
    if (!components.ok()) return std::nullopt;
    for (const storage::ComponentSummary& component : components->items) {
      if (component.manifest_component != manifest.manifest_component) continue;
      if (!component.newest.has_value()) return std::nullopt;
      auto envelope = d_.manifests.GetEnvelope(
          manifest.tenant, {manifest.domain, *component.newest}, DeadlineOf(context));
      if (!envelope.ok()) return std::nullopt;
      return *std::move(envelope);
    }
    page.after = components->next;
  } while (!page.after.empty());
  return std::nullopt;
}

absl::StatusOr<v1::PublishManifestResponse> CatalogHandler::PublishManifest(
    const Context& context, const v1::PublishManifestRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "parent", request.parent());
  if (!found.ok()) return found.status();
  absl::StatusOr<absl::Time> now = d_.clock.Now(DeadlineOf(context));
  if (!now.ok()) return now.status();
  absl::StatusOr<Publication> publication =
      CheckPublication(cbor::AsBytes(request.envelope()), found->domain, *now);
  if (!publication.ok()) return publication.status();
  storage::Manifest manifest = publication->manifest();
  manifest.publisher = context.caller.spiffe_id();
  std::vector<std::string> warnings = publication->warnings();
  if (const auto last = PublishedLast(context, manifest); last.has_value()) {
    for (std::string& changed : ChangedIdentifiers(*last, cbor::AsBytes(request.envelope()))) {
      warnings.push_back(std::move(changed));
    }
  }
  auto audit = d_.audit.OfCaller(
      context, manifest.tenant, "manifest.publish",
      Concat(found->name, "/manifests/", manifest.digest.ToString()),
      {{"sequence", Concat(manifest.sequence)}, {"signer", manifest.signer.ToString()}});
  if (!audit.ok()) return audit.status();
  auto outcome = d_.manifests.Publish(manifest, cbor::AsBytes(request.envelope()), *audit,
                                      DeadlineOf(context));
  if (!outcome.ok()) return outcome.status();
  auto stored =
      d_.manifests.Get(manifest.tenant, {manifest.domain, manifest.digest}, DeadlineOf(context));
  if (!stored.ok()) return stored.status();
  v1::PublishManifestResponse response;
  *response.mutable_manifest() = ManifestToProto(*stored, found->name);
  response.mutable_warnings()->Add(warnings.begin(), warnings.end());
  return response;
}

namespace {

struct ManifestName {
  std::string domain;  // tenants/{t}/domains/{n}
  storage::ManifestDigest digest;
};

absl::StatusOr<ManifestName> ParseManifestName(const std::string& name) {
  auto ids = runtime::ParseResourceName("name", name, "tenants/{t}/domains/{n}/manifests/{digest}");
  if (!ids.ok()) return ids.status();
  absl::StatusOr<storage::ManifestDigest> digest = storage::ManifestDigest::Parse((*ids)[2]);
  if (!digest.ok()) {
    return absl::InvalidArgumentError("name: want a manifest's SHA-256 in hexadecimal");
  }
  return ManifestName{DomainName((*ids)[0], (*ids)[1]), *digest};
}

}  // namespace

absl::StatusOr<v1::GetManifestResponse> CatalogHandler::GetManifest(
    const Context& context, const v1::GetManifestRequest& request) {
  absl::StatusOr<ManifestName> name = ParseManifestName(request.name());
  if (!name.ok()) return name.status();
  absl::StatusOr<Found> found = FindDomain(context, "name", name->domain);
  if (!found.ok()) return found.status();
  auto manifest =
      d_.manifests.Get(found->domain.tenant, {found->domain.id, name->digest}, DeadlineOf(context));
  if (!manifest.ok()) return manifest.status();
  v1::GetManifestResponse response;
  *response.mutable_manifest() = ManifestToProto(*manifest, found->name);
  return response;
}

absl::StatusOr<v1::ListManifestsResponse> CatalogHandler::ListManifests(
    const Context& context, const v1::ListManifestsRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "parent", request.parent());
  if (!found.ok()) return found.status();
  absl::StatusOr<storage::PageRequest> page = PageOf(request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  auto manifests =
      d_.manifests.List(found->domain.tenant, found->domain.id, *page, DeadlineOf(context));
  if (!manifests.ok()) return manifests.status();
  v1::ListManifestsResponse response;
  for (const storage::Manifest& manifest : manifests->items) {
    *response.add_manifests() = ManifestToProto(manifest, found->name);
  }
  response.set_next_page_token(manifests->next);
  return response;
}

absl::StatusOr<v1::WithdrawManifestResponse> CatalogHandler::WithdrawManifest(
    const Context& context, const v1::WithdrawManifestRequest& request) {
  absl::StatusOr<ManifestName> name = ParseManifestName(request.name());
  if (!name.ok()) return name.status();
  absl::StatusOr<Found> found = FindDomain(context, "name", name->domain);
  if (!found.ok()) return found.status();
  const storage::ManifestRef ref{found->domain.id, name->digest};
  auto present = d_.manifests.Get(found->domain.tenant, ref, DeadlineOf(context));
  if (!present.ok()) return present.status();
  const std::string etag = ManifestToProto(*present, found->name).etag();
  if (!request.etag().empty() && request.etag() != etag) {
    return absl::AbortedError(Concat("etag: want ", etag, ", found another"));
  }
  auto audit =
      d_.audit.OfCaller(context, found->domain.tenant, "manifest.withdraw", request.name());
  if (!audit.ok()) return audit.status();
  absl::Status status =
      d_.manifests.Withdraw(found->domain.tenant, ref, *audit, DeadlineOf(context));
  if (!status.ok()) return status;
  auto manifest = d_.manifests.Get(found->domain.tenant, ref, DeadlineOf(context));
  if (!manifest.ok()) return manifest.status();
  v1::WithdrawManifestResponse response;
  *response.mutable_manifest() = ManifestToProto(*manifest, found->name);
  return response;
}

absl::StatusOr<v1::ListComponentsResponse> CatalogHandler::ListComponents(
    const Context& context, const v1::ListComponentsRequest& request) {
  absl::StatusOr<Found> found = FindDomain(context, "parent", request.parent());
  if (!found.ok()) return found.status();
  absl::StatusOr<storage::PageRequest> page = PageOf(request.page_size(), request.page_token());
  if (!page.ok()) return page.status();
  auto components = d_.manifests.ListComponents(found->domain.tenant, found->domain.id, *page,
                                                DeadlineOf(context));
  if (!components.ok()) return components.status();
  v1::ListComponentsResponse response;
  for (const storage::ComponentSummary& component : components->items) {
    *response.add_components() = ComponentToProto(component, found->name);
  }
  response.set_next_page_token(components->next);
  return response;
}

}  // namespace tam::catalog
