#include "storage/postgres/blobs.h"

#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

constexpr size_t kChunk = 256 * 1024;

class PostgresBlobStore : public BlobStore {
 public:
  explicit PostgresBlobStore(Database& database) : database_(database) {}

  absl::Status Put(const TenantId& tenant, const BlobId& id, absl::Span<const uint8_t> bytes,
                   CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) { return PutBlob(connection, tenant, id, bytes); }, deadline);
  }

  absl::StatusOr<Bytes> Get(const TenantId& tenant, const BlobId& id,
                            CallDeadline deadline) override {
    absl::StatusOr<Rows> rows = database_.Execute(
        "SELECT b.size, c.bytes FROM catalog.blobs b "
        "LEFT JOIN catalog.blob_chunks c USING (tenant_id, blob_id) "
        "WHERE b.tenant_id = $1 AND b.blob_id = $2 ORDER BY c.n",
        Params::Of(tenant, id), deadline);
    if (!rows.ok()) return rows.status();
    if (rows->empty()) return Missing("blob");
    Bytes bytes;
    size_t size = 0;
    for (const Row& row : *rows) {
      RowReader reader(row);
      size = reader.Unsigned();
      if (reader.NextIsNull()) continue;
      const Bytes chunk = reader.Binary();
      if (!reader.status().ok()) return reader.status();
      bytes.insert(bytes.end(), chunk.begin(), chunk.end());
    }
    if (bytes.size() == size) return bytes;
    return absl::InternalError(absl::StrCat("blob: want ", size, " bytes, got ", bytes.size()));
  }

  absl::Status Delete(const TenantId& tenant, const BlobId& id, CallDeadline deadline) override {
    return database_
        .Execute(
            "WITH chunks AS (DELETE FROM catalog.blob_chunks WHERE tenant_id = $1::uuid "
            "AND blob_id = $2::uuid) "
            "DELETE FROM catalog.blobs WHERE tenant_id = $1::uuid AND blob_id = $2::uuid",
            Params::Of(tenant, id), deadline)
        .status();
  }

 private:
  Database& database_;
};

}  // namespace

absl::Status PutBlob(Connection& connection, const TenantId& tenant, const BlobId& id,
                     absl::Span<const uint8_t> bytes) {
  for (size_t at = 0, n = 0; at < bytes.size(); at += kChunk, ++n) {
    absl::Status status =
        connection
            .Execute(
                "INSERT INTO catalog.blob_chunks (tenant_id, blob_id, n, bytes) "
                "VALUES ($1, $2, $3, $4)",
                Params::Of(tenant, id, static_cast<int64_t>(n), bytes.subspan(at, kChunk)))
            .status();
    if (!status.ok()) return OrTaken(status, "blob");
  }
  return OrTaken(connection
                     .Execute("INSERT INTO catalog.blobs (tenant_id, blob_id, size) "
                              "VALUES ($1, $2, $3)",
                              Params::Of(tenant, id, static_cast<uint64_t>(bytes.size())))
                     .status(),
                 "blob");
}

std::unique_ptr<BlobStore> NewBlobStore(Database& database) {
  return std::make_unique<PostgresBlobStore>(database);
}

}  // namespace tam::storage::postgres
