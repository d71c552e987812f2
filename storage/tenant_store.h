// Tenants and endpoints at rest.
//
// Every call is thread safe. Unavailable: the database cannot be reached by the deadline; the write
// may or may not have happened, and doing it again is safe. Writes append their audit entry in the
// same transaction: on any error neither is there. Where a value has a version, the caller's must
// be the stored one or 0 (whatever it is): Aborted otherwise.

#ifndef TAMARACK_STORAGE_TENANT_STORE_H_
#define TAMARACK_STORAGE_TENANT_STORE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/id.h"
#include "storage/model/tenant.h"

namespace tam::storage {

// What every service may read.
class TenantReader {
 public:
  virtual ~TenantReader() = default;
  // NotFound.
  virtual absl::StatusOr<Tenant> Get(const TenantId& id, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Tenant> GetByName(absl::string_view name, CallDeadline deadline) = 0;
};

class TenantStore : public TenantReader {
 public:
  // AlreadyExists if the name or the id is taken. A name that was ever a tenant's stays taken.
  virtual absl::Status Create(const Tenant& tenant, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Sets the display name. NotFound; Aborted.
  virtual absl::Status Update(const Tenant& tenant, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound; Aborted. The state that it has is no change and adds no entry.
  virtual absl::Status SetState(const TenantId& id, TenantState state, uint64_t version,
                                const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound; Aborted; FailedPrecondition while it has an endpoint, a device or a domain.
  virtual absl::Status Delete(const TenantId& id, uint64_t version, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // By name.
  virtual absl::StatusOr<Page<Tenant>> List(const PageRequest& page, CallDeadline deadline) = 0;
};

class EndpointStore {
 public:
  virtual ~EndpointStore() = default;
  // At generation 1, whatever `endpoint.current.generation` says. AlreadyExists if the path, the
  // name in the tenant, or the id is taken.
  virtual absl::Status Create(const Endpoint& endpoint, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Makes `config` current and what was current previous. `config.generation` is the one that the
  // caller read, or 0: Aborted if it has moved on. Returns the new state. NotFound.
  virtual absl::StatusOr<Endpoint> Update(const EndpointId& id, const EndpointConfig& config,
                                          const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound; Aborted if `generation` is neither 0 nor the current one. The path becomes free.
  virtual absl::Status Delete(const EndpointId& id, uint64_t generation, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Endpoint> Get(const EndpointId& id, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Endpoint> GetByPath(absl::string_view path, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Endpoint> GetByName(const TenantId& tenant, absl::string_view name,
                                             CallDeadline deadline) = 0;
  // By name.
  virtual absl::StatusOr<Page<Endpoint>> List(const TenantId& tenant, const PageRequest& page,
                                              CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_TENANT_STORE_H_
