// The guarded writes of a TEEP session, and the one read before them (DESIGN.md, "A session").

#ifndef TAMARACK_STORAGE_SESSION_STORE_H_
#define TAMARACK_STORAGE_SESSION_STORE_H_

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/model/call.h"
#include "storage/model/id.h"
#include "storage/model/session.h"

namespace tam::storage {

// Thread safe. Every comparison of times is by the database's clock. Unavailable: the database
// cannot be reached by the deadline. After Unavailable a write may have happened; sending the same
// request again is safe and says so (kSameAgain, kAlreadyAnswered).
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // NotFound if the tenant has no such key, or not at this endpoint. A banned key is found, even
  // when its device is gone.
  virtual absl::StatusOr<KeyLookup> Lookup(const TenantId& tenant, const EndpointId& endpoint,
                                           const KeyThumbprint& key, CallDeadline deadline) = 0;

  // The active and pending keys that may be used at this endpoint, as COSE_Key, in the order of
  // their thumbprints. ResourceExhausted: more than `max`. Empty: none, or no such endpoint.
  virtual absl::StatusOr<std::vector<Bytes>> ListEndpointKeys(const TenantId& tenant,
                                                              const EndpointId& endpoint,
                                                              size_t max,
                                                              CallDeadline deadline) = 0;

  // The one write of a QueryResponse. In a single statement it tests the guard (the key is in it,
  // the issue time is after the last and not ahead of the clock) and then uses up the challenge,
  // records state and attestation, opens the update in a slot and appends the audit entry; or it
  // changes nothing, and a second read says why. Of any number of concurrent callers with one
  // challenge exactly one gets kOpened. An identity is claimed in the same transaction:
  // AlreadyExists if another device of the tenant has the ueid, FailedPrecondition if this one has
  // another, and then nothing is changed. InvalidArgument if the request breaks its own rules.
  virtual absl::StatusOr<AcceptResult> Accept(const AcceptRequest& request,
                                              CallDeadline deadline) = 0;

  // The one write of a Success or Error: closes the update, frees its slot, moves the record of
  // installed manifests (never back to an older update's), records back-off, appends the audit
  // entry. Counts once; late reports count. InvalidArgument if the request breaks its own rules.
  virtual absl::StatusOr<ReportResult> Report(const ReportRequest& request,
                                              CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_SESSION_STORE_H_
