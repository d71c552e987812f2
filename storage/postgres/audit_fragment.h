// The one way to write an audit entry: as part of the statement that does the act.

#ifndef TAMARACK_STORAGE_POSTGRES_AUDIT_FRAGMENT_H_
#define TAMARACK_STORAGE_POSTGRES_AUDIT_FRAGMENT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "storage/model/audit.h"
#include "storage/postgres/values.h"

namespace tam::storage::postgres {

// Common table expressions, beginning with a comma, that append `entry` and queue it for the
// sequencer if and only if the expression `source`, which stands before them, has a row. Adds its
// parameters to `params`, which must hold the statement's own already.
std::string AuditFragment(const AuditEntry& entry, absl::string_view source, Params& params);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_AUDIT_FRAGMENT_H_
