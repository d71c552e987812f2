// The PostgreSQL stores, one file an aggregate. All borrow the database, which must outlive them.

#ifndef TAMARACK_STORAGE_POSTGRES_STORES_H_
#define TAMARACK_STORAGE_POSTGRES_STORES_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/postgres/database.h"
#include "storage/postgres/values.h"
#include "storage/storage.h"

namespace tam::storage::postgres {

std::unique_ptr<TenantStore> NewTenantStore(Database& database);
std::unique_ptr<EndpointStore> NewEndpointStore(Database& database);
std::unique_ptr<DeviceStore> NewDeviceStore(Database& database);
std::unique_ptr<DeviceKeyStore> NewDeviceKeyStore(Database& database);
std::unique_ptr<DeviceRecordReader> NewDeviceRecordReader(Database& database);
std::unique_ptr<SessionStore> NewSessionStore(Database& database);
std::unique_ptr<DomainStore> NewDomainStore(Database& database);
std::unique_ptr<ManifestStore> NewManifestStore(Database& database);
std::unique_ptr<DeploymentStore> NewDeploymentStore(Database& database);
std::unique_ptr<CatalogReader> NewCatalogReader(Database& database);
std::unique_ptr<BlobStore> NewBlobStore(Database& database);
std::unique_ptr<AttestationStore> NewAttestationStore(Database& database);
std::unique_ptr<ReferenceValueStore> NewReferenceValueStore(Database& database);
std::unique_ptr<AppraisalReader> NewAppraisalReader(Database& database);
std::unique_ptr<SigningStore> NewSigningStore(Database& database);
std::unique_ptr<ChallengeRootStore> NewChallengeRootStore(Database& database);
std::unique_ptr<AuditStore> NewAuditStore(Database& database);
std::unique_ptr<AuditWriter> NewAuditWriter(Database& database);
std::unique_ptr<PseudonymStore> NewPseudonymStore(Database& database);
std::unique_ptr<DatabaseClock> NewDatabaseClock(Database& database);

inline absl::Status Missing(absl::string_view what) {
  return absl::NotFoundError(absl::StrCat(what, ": want an existing one, got none"));
}
inline absl::Status Taken(absl::string_view what) {
  return absl::AlreadyExistsError(absl::StrCat(what, ": want a free one, got one that is taken"));
}
inline absl::Status CheckVersion(uint64_t want, uint64_t stored) {
  if (want == 0 || want == stored) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("version: want ", stored, ", got ", want));
}
// `status`, or Taken(what) for a unique violation.
inline absl::Status OrTaken(const absl::Status& status, absl::string_view what) {
  return IsUniqueViolation(status) ? Taken(what) : status;
}

// Reads one row with `read`, a function from RowReader& to T. NotFound if there is no row.
template <typename Read>
auto ReadOne(const absl::StatusOr<Rows>& rows, absl::string_view what, const Read& read)
    -> absl::StatusOr<decltype(read(std::declval<RowReader&>()))> {
  if (!rows.ok()) return rows.status();
  if (rows->empty()) return Missing(what);
  RowReader reader(rows->front());
  auto value = read(reader);
  if (!reader.status().ok()) return reader.status();
  return value;
}

template <typename Read>
auto ReadAll(const absl::StatusOr<Rows>& rows, const Read& read)
    -> absl::StatusOr<std::vector<decltype(read(std::declval<RowReader&>()))>> {
  if (!rows.ok()) return rows.status();
  std::vector<decltype(read(std::declval<RowReader&>()))> values;
  values.reserve(rows->size());
  for (const Row& row : *rows) {
    RowReader reader(row);
    values.push_back(read(reader));
    if (!reader.status().ok()) return reader.status();
  }
  return values;
}

// A page from rows that were read one beyond its limit; `key` prints an item's sort key.
template <typename T, typename Key>
absl::StatusOr<Page<T>> ToPage(absl::StatusOr<std::vector<T>> items, const PageRequest& request,
                               const Key& key) {
  if (!items.ok()) return items.status();
  Page<T> page;
  page.items = *std::move(items);
  if (page.items.size() > static_cast<size_t>(request.EffectiveLimit())) {
    page.items.pop_back();
    page.next = EncodePageToken(key(page.items.back()));
  }
  return page;
}

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_STORES_H_
