// Blobs inside a transaction of somebody else's.

#ifndef TAMARACK_STORAGE_POSTGRES_BLOBS_H_
#define TAMARACK_STORAGE_POSTGRES_BLOBS_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "storage/model/id.h"
#include "storage/postgres/connection.h"

namespace tam::storage::postgres {

// Chunks of 256 KiB, then the row that makes them readable. AlreadyExists.
absl::Status PutBlob(Connection& connection, const TenantId& tenant, const BlobId& id,
                     absl::Span<const uint8_t> bytes);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_BLOBS_H_
