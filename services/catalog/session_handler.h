// The catalogue for the gateway: what a device should hold, and the envelopes to send
// (proto/tam/v1/catalog_session.proto).
#ifndef TAMARACK_SERVICES_CATALOG_SESSION_HANDLER_H_
#define TAMARACK_SERVICES_CATALOG_SESSION_HANDLER_H_

#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/tam/v1/catalog_session.pb.h"
#include "services/catalog/resolve.h"
#include "services/runtime/call_context.h"
#include "storage/catalog_store.h"
#include "teep/suit/envelope.h"

namespace tam::catalog {

// Thread safe; borrows the stores. Keeps each tenant's catalogue as of its generation and the facts
// of manifests by digest, both bounded; asks the database for the generation at every call, so that
// a change counts at the next session of every replica.
class CatalogSessionHandler {
 public:
  CatalogSessionHandler(storage::CatalogReader& catalog, storage::ManifestStore& manifests,
                        storage::DomainStore& domains)
      : catalog_(catalog), manifests_(manifests), domains_(domains) {}

  absl::StatusOr<v1::ResolveResponse> Resolve(const runtime::CallContext& context,
                                              const v1::ResolveRequest& request);
  absl::StatusOr<v1::GetEnvelopesResponse> GetEnvelopes(const runtime::CallContext& context,
                                                        const v1::GetEnvelopesRequest& request);

 private:
  using View = std::shared_ptr<const CatalogView>;

  absl::StatusOr<View> CurrentView(const storage::TenantId& tenant, storage::CallDeadline deadline);
  // nullptr where the tenant no longer has the manifest.
  absl::StatusOr<std::shared_ptr<const ManifestFacts>> FactsOf(const storage::TenantId& tenant,
                                                               const storage::ManifestRef& ref,
                                                               storage::CallDeadline deadline);
  absl::StatusOr<suit::Envelope> DeliverableEnvelope(const storage::TenantId& tenant,
                                                     const storage::ManifestDigest& digest,
                                                     storage::CallDeadline deadline);

  storage::CatalogReader& catalog_;
  storage::ManifestStore& manifests_;
  storage::DomainStore& domains_;

  absl::Mutex mutex_;
  absl::flat_hash_map<storage::TenantId, View> views_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<storage::TenantId, storage::ManifestRef>, std::shared_ptr<const ManifestFacts>>
      facts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_SESSION_HANDLER_H_
