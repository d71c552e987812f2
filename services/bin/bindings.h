// The RPCs of the catalogue and of audit, and the handler methods that answer them: one line each.
#ifndef TAMARACK_SERVICES_BIN_BINDINGS_H_
#define TAMARACK_SERVICES_BIN_BINDINGS_H_

#include "services/audit/handler.h"
#include "services/catalog/handler.h"
#include "services/catalog/session_handler.h"
#include "services/runtime/rpc.h"

namespace tam::bin {

// Each borrows the handler.
runtime::ServiceBinding BindCatalog(catalog::CatalogHandler& handler);
runtime::ServiceBinding BindCatalogSession(catalog::CatalogSessionHandler& handler);
runtime::ServiceBinding BindAudit(audit::AuditHandler& handler);

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_BINDINGS_H_
