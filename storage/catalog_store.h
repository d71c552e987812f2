// Security domains, manifests and deployments at rest.
//
// Every call is thread safe. Unavailable: the database cannot be reached by the deadline; the write
// may or may not have happened. Every write adds one to the tenant's catalogue generation and
// appends its audit entry in the same transaction: on any error neither happens. Where a value has
// a version, the caller's must be the stored one or 0 (whatever it is): Aborted otherwise.

#ifndef TAMARACK_STORAGE_CATALOG_STORE_H_
#define TAMARACK_STORAGE_CATALOG_STORE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/catalog.h"
#include "storage/model/id.h"

namespace tam::storage {

class DomainStore {
 public:
  virtual ~DomainStore() = default;
  // AlreadyExists if the id or the name is taken in the tenant; FailedPrecondition if a prefix
  // leads to, equals or follows from one of another domain of the tenant: the message names the
  // prefix, never the other domain. InvalidArgument if a prefix is empty.
  virtual absl::Status Create(const Domain& domain, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Sets owners, prefixes, anchors, quota and state. NotFound; Aborted; FailedPrecondition for a
  // prefix as above, or if it is deleted.
  virtual absl::Status Update(const Domain& domain, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Domain> GetByName(const TenantId& tenant, absl::string_view name,
                                           CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Domain> Get(const TenantId& tenant, const DomainId& id,
                                     CallDeadline deadline) = 0;
  // By name; those that `owner` (a SPIFFE id) is among the owners of, or all where it is empty.
  // What is not selected shows neither in a page's size nor in its token.
  virtual absl::StatusOr<Page<Domain>> List(const TenantId& tenant, absl::string_view owner,
                                            const PageRequest& page, CallDeadline deadline) = 0;
};

enum class PublishOutcome { kPublished, kAlreadyPublished };

class ManifestStore {
 public:
  virtual ~ManifestStore() = default;
  // Stores the envelope's bytes as they are, and publishes. kAlreadyPublished, and no change, if
  // the domain has published this digest, withdrawn or not. AlreadyExists if the sequence number is
  // taken by another digest; FailedPrecondition if it is not above every one ever published for the
  // manifest component, or if the domain is not active; Unauthenticated if the signer is no anchor
  // of the domain that is valid at this moment; PermissionDenied if the manifest component or a
  // component lies outside the domain's prefixes; ResourceExhausted beyond the quota;
  // InvalidArgument without a manifest component; NotFound if there is no such domain.
  virtual absl::StatusOr<PublishOutcome> Publish(const Manifest& manifest,
                                                 absl::Span<const uint8_t> envelope,
                                                 const AuditEntry& audit,
                                                 CallDeadline deadline) = 0;
  // NotFound. Withdrawing twice changes nothing. The sequence number stays taken.
  virtual absl::Status Withdraw(const TenantId& tenant, const ManifestRef& manifest,
                                const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Manifest> Get(const TenantId& tenant, const ManifestRef& manifest,
                                       CallDeadline deadline) = 0;
  // NotFound. In whatever domain of the tenant.
  virtual absl::StatusOr<Manifest> FindByDigest(const TenantId& tenant,
                                                const ManifestDigest& digest,
                                                CallDeadline deadline) = 0;
  // By manifest component, the highest sequence number first.
  virtual absl::StatusOr<Page<Manifest>> List(const TenantId& tenant, const DomainId& domain,
                                              const PageRequest& page, CallDeadline deadline) = 0;
  // By manifest component.
  virtual absl::StatusOr<Page<ComponentSummary>> ListComponents(const TenantId& tenant,
                                                                const DomainId& domain,
                                                                const PageRequest& page,
                                                                CallDeadline deadline) = 0;
  // The bytes as published, withdrawn ones too. NotFound.
  virtual absl::StatusOr<Bytes> GetEnvelope(const TenantId& tenant, const ManifestRef& manifest,
                                            CallDeadline deadline) = 0;
};

class DeploymentStore {
 public:
  virtual ~DeploymentStore() = default;
  // AlreadyExists if the id or the name is taken in the tenant; NotFound if there is no such
  // domain, or it has published nothing under the manifest component or not the pinned digest.
  virtual absl::Status Create(const Deployment& deployment, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Sets selector, pinned digest, unattested_allowed and state. NotFound, also of a pinned digest;
  // Aborted.
  virtual absl::Status Update(const Deployment& deployment, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound; Aborted.
  virtual absl::Status Delete(const TenantId& tenant, const DeploymentId& id, uint64_t version,
                              const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Deployment> Get(const TenantId& tenant, const DeploymentId& id,
                                         CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Deployment> GetByName(const TenantId& tenant, absl::string_view name,
                                               CallDeadline deadline) = 0;
  // By name.
  virtual absl::StatusOr<Page<Deployment>> List(const TenantId& tenant, const PageRequest& page,
                                                CallDeadline deadline) = 0;
};

// What resolving reads.
class CatalogReader {
 public:
  virtual ~CatalogReader() = default;
  // 0 for a tenant without any catalogue. Cheap: ask before using a kept snapshot.
  virtual absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline deadline) = 0;
  // Deleted domains included, withdrawn manifests not.
  virtual absl::StatusOr<CatalogSnapshot> Snapshot(const TenantId& tenant,
                                                   CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_CATALOG_STORE_H_
