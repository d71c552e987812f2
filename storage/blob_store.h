// Large byte strings at rest.

#ifndef TAMARACK_STORAGE_BLOB_STORE_H_
#define TAMARACK_STORAGE_BLOB_STORE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/model/call.h"
#include "storage/model/id.h"

namespace tam::storage {

// Thread safe. Blobs are immutable. Unavailable: the store cannot be reached by the deadline.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  // `id` is random. A blob that was put whole is readable; one that was interrupted is not.
  // AlreadyExists if the id is taken.
  virtual absl::Status Put(const TenantId& tenant, const BlobId& id,
                           absl::Span<const uint8_t> bytes, CallDeadline deadline) = 0;
  // NotFound, also for a blob of another tenant.
  virtual absl::StatusOr<Bytes> Get(const TenantId& tenant, const BlobId& id,
                                    CallDeadline deadline) = 0;
  // Removing what is not there is no error.
  virtual absl::Status Delete(const TenantId& tenant, const BlobId& id, CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_BLOB_STORE_H_
