// The audit record, and the database's clock.

#ifndef TAMARACK_STORAGE_AUDIT_STORE_H_
#define TAMARACK_STORAGE_AUDIT_STORE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/id.h"

namespace tam::storage {

// Thread safe. Unavailable: the database cannot be reached by the deadline.
class AuditStore {
 public:
  virtual ~AuditStore() = default;
  // Of one tenant (nil: the platform's own), the newest first.
  virtual absl::StatusOr<Page<AuditRecord>> List(const AuditFilter& filter, const PageRequest& page,
                                                 CallDeadline deadline) = 0;
};

// For acts that write nothing else, such as a refusal. Thread safe.
class AuditWriter {
 public:
  virtual ~AuditWriter() = default;
  // Unavailable.
  virtual absl::Status Record(const AuditEntry& entry, CallDeadline deadline) = 0;
};

// Stands names of people in for random pseudonyms, so that erasing a name leaves the record whole.
// Thread safe.
class PseudonymStore {
 public:
  virtual ~PseudonymStore() = default;
  // The tenant's pseudonym of `subject`, made from `candidate` (random) if there is none.
  virtual absl::StatusOr<Pseudonym> GetOrCreate(const TenantId& tenant, absl::string_view subject,
                                                const Pseudonym& candidate,
                                                CallDeadline deadline) = 0;
  // Whom these pseudonyms of the tenant stand for, for auditors to read; without those that were
  // erased or never made.
  virtual absl::StatusOr<std::map<Pseudonym, std::string>> Subjects(
      const TenantId& tenant, absl::Span<const Pseudonym> pseudonyms, CallDeadline deadline) = 0;
};

// Thread safe. What every decision about time is made by.
class DatabaseClock {
 public:
  virtual ~DatabaseClock() = default;
  // Unavailable.
  virtual absl::StatusOr<absl::Time> Now(CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_AUDIT_STORE_H_
