// The audit service, which only reads: every other service writes its entries with its acts.
#ifndef TAMARACK_SERVICES_AUDIT_HANDLER_H_
#define TAMARACK_SERVICES_AUDIT_HANDLER_H_

#include "absl/status/statusor.h"
#include "proto/tam/v1/audit.pb.h"
#include "services/runtime/call_context.h"
#include "storage/audit_store.h"
#include "storage/tenant_store.h"

namespace tam::audit {

// Thread safe; borrows the stores. Callers are authorised for the tenant in `parent` already.
class AuditHandler {
 public:
  AuditHandler(storage::TenantReader& tenants, storage::AuditStore& entries,
               storage::PseudonymStore& pseudonyms)
      : tenants_(tenants), entries_(entries), pseudonyms_(pseudonyms) {}

  // As proto/tam/v1/audit.proto says; NotFound: no such tenant.
  absl::StatusOr<v1::ListEntriesResponse> ListEntries(const runtime::CallContext& context,
                                                      const v1::ListEntriesRequest& request);

 private:
  absl::StatusOr<storage::AuditFilter> ReadFilter(const runtime::CallContext& context,
                                                  const v1::ListEntriesRequest& request);

  storage::TenantReader& tenants_;
  storage::AuditStore& entries_;
  storage::PseudonymStore& pseudonyms_;
};

}  // namespace tam::audit

#endif  // TAMARACK_SERVICES_AUDIT_HANDLER_H_
