// What every backend checks of a session's requests before it touches anything.

#ifndef TAMARACK_STORAGE_MODEL_SESSION_RULES_H_
#define TAMARACK_STORAGE_MODEL_SESSION_RULES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "storage/model/session.h"

namespace tam::storage {

// InvalidArgument: a pending key or refused attestation brings more than it may, the audit entry is
// another device's, the lifetime is not positive, a manifest component is empty, a back-off is
// negative or comes with anything else, or an identity is claimed without an accepted attestation.
absl::Status CheckAcceptRequest(const AcceptRequest& request);
// InvalidArgument: the audit entry is another device's, or a back-off is negative or on a Success.
absl::Status CheckReportRequest(const ReportRequest& request);

// ResourceExhausted, of SessionStore::ListEndpointKeys.
absl::Status TooManyKeys(size_t max);

// Whether SUIT sequence number `sequence` can be stored: at most 2^63-1.
bool IsStorableSequence(uint64_t sequence);

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_SESSION_RULES_H_
