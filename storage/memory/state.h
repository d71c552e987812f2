// The tables of the in-memory backend. One lock guards them all: every call is one transaction.

#ifndef TAMARACK_STORAGE_MEMORY_STATE_H_
#define TAMARACK_STORAGE_MEMORY_STATE_H_

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "storage/model/attestation.h"
#include "storage/model/call.h"
#include "storage/model/session.h"
#include "storage/model/signing.h"
#include "storage/model/tenant.h"
#include "storage/storage.h"

namespace tam::storage::memory {

using DeviceRef = std::pair<TenantId, DeviceId>;
// The lane is the thumbprint of a pending key; nil for the active keys.
using LaneRef = std::pair<DeviceRef, KeyThumbprint>;

struct GuardRow {
  std::set<KeyThumbprint> keys;
  GuardView view;
};

struct UpdateRow {
  UpdateRecord record;
  KeyThumbprint lane;
};

struct ManifestRow {
  DeviceManifest manifest;
  // When the update was opened whose report wrote this.
  absl::Time opened;
};

struct DeviceRow {
  Device device;
  std::map<KeyThumbprint, DeviceKey> keys;
  std::map<ComponentId, ManifestRow> manifests;
  std::map<UpdateToken, UpdateRow> updates;
  std::vector<ClosedUpdate> closed;
  std::optional<AttestationRecord> last_attestation;
  Bytes reported_state;
  std::optional<absl::Time> last_contact;
  std::optional<absl::Time> back_off_until;
};

struct KeyClaim {
  DeviceId device;
  bool banned = false;
};

struct PublishedManifest {
  Manifest manifest;
  Bytes envelope;
};

struct State {
  explicit State(std::function<absl::Time()> clock) : now(std::move(clock)) {}

  std::mutex mutex;
  const std::function<absl::Time()> now;

  std::map<std::string, Tenant> tenants;
  // Every one that was ever given, deleted tenants' included.
  std::set<std::string> tenant_names;
  std::map<EndpointId, Endpoint> endpoints;
  std::map<DeviceRef, DeviceRow> devices;
  std::map<std::pair<TenantId, KeyThumbprint>, KeyClaim> key_claims;
  std::map<std::pair<TenantId, Bytes>, DeviceId> ueid_claims;
  std::map<LaneRef, GuardRow> guards;

  std::map<std::pair<TenantId, std::string>, Domain> domains;
  std::map<std::pair<TenantId, ManifestRef>, PublishedManifest> manifests;
  std::map<std::pair<TenantId, std::string>, Deployment> deployments;
  std::map<TenantId, uint64_t> catalog_generation;
  std::map<std::pair<TenantId, BlobId>, Bytes> blobs;

  std::map<std::pair<TenantId, KeyThumbprint>, AttestationKey> attestation_keys;
  std::map<std::pair<TenantId, std::string>, ReferenceValue> reference_values;
  std::map<TenantId, AttestationPolicy> policies;
  std::map<TenantId, uint64_t> attestation_generation;

  std::map<KeyThumbprint, SigningKey> signing_keys;
  // By position; nullopt once removed.
  std::map<KeyThumbprint, std::vector<std::optional<KeyCertificate>>> key_certificates;
  std::optional<ChallengeRoot> root;

  std::vector<AuditRecord> audit;
  std::map<std::pair<TenantId, std::string>, Pseudonym> pseudonyms;

  // Needs the lock.
  void Append(const AuditEntry& entry) {
    AuditRecord record;
    std::array<uint8_t, 16> id{};
    for (size_t i = 0, n = audit.size() + 1; n != 0; ++i, n >>= 8) {
      id[15 - i] = static_cast<uint8_t>(n & 0xff);
    }
    record.id = AuditId(id);
    record.shard = id[15] % 16;
    record.at = now();
    record.entry = entry;
    audit.push_back(std::move(record));
  }
};

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

// One page of `rows`, in the order given; `key` prints a row's sort key, which increases.
template <typename Row, typename Key>
absl::StatusOr<Page<Row>> Paginate(const std::vector<Row>& rows, const PageRequest& request,
                                   const Key& key) {
  absl::StatusOr<std::string> after = DecodePageToken(request.after);
  if (!after.ok()) return after.status();
  Page<Row> page;
  for (const Row& row : rows) {
    if (!after->empty() && key(row) <= *after) continue;
    if (page.items.size() == static_cast<size_t>(request.EffectiveLimit())) {
      page.next = EncodePageToken(key(page.items.back()));
      break;
    }
    page.items.push_back(row);
  }
  return page;
}

template <typename Fixed>
std::string RawBytes(const Fixed& value) {
  return std::string(reinterpret_cast<const char*>(value.bytes().data()), value.bytes().size());
}

// Each file makes its aggregate's stores.
std::unique_ptr<TenantStore> NewTenantStore(State& state);
std::unique_ptr<EndpointStore> NewEndpointStore(State& state);
std::unique_ptr<DeviceStore> NewDeviceStore(State& state);
std::unique_ptr<DeviceKeyStore> NewDeviceKeyStore(State& state);
std::unique_ptr<DeviceRecordReader> NewDeviceRecordReader(State& state);
std::unique_ptr<SessionStore> NewSessionStore(State& state);
std::unique_ptr<DomainStore> NewDomainStore(State& state);
std::unique_ptr<ManifestStore> NewManifestStore(State& state);
std::unique_ptr<DeploymentStore> NewDeploymentStore(State& state);
std::unique_ptr<CatalogReader> NewCatalogReader(State& state);
std::unique_ptr<BlobStore> NewBlobStore(State& state);
std::unique_ptr<AttestationStore> NewAttestationStore(State& state);
std::unique_ptr<ReferenceValueStore> NewReferenceValueStore(State& state);
std::unique_ptr<AppraisalReader> NewAppraisalReader(State& state);
std::unique_ptr<SigningStore> NewSigningStore(State& state);
std::unique_ptr<ChallengeRootStore> NewChallengeRootStore(State& state);
std::unique_ptr<AuditStore> NewAuditStore(State& state);
std::unique_ptr<AuditWriter> NewAuditWriter(State& state);
std::unique_ptr<PseudonymStore> NewPseudonymStore(State& state);
std::unique_ptr<DatabaseClock> NewDatabaseClock(State& state);

// An update's state as of now: expired, superseded (not in the guard's slots), or open.
UpdateRecord WithState(const UpdateRow& row, const GuardRow& guard, absl::Time now);

}  // namespace tam::storage::memory

#endif  // TAMARACK_STORAGE_MEMORY_STATE_H_
