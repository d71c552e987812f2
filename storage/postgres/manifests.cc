#include "absl/strings/numbers.h"
#include "storage/model/catalog_rules.h"
#include "storage/model/session_rules.h"
#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/blobs.h"
#include "storage/postgres/catalog_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

constexpr char kOfDomain[] = "WHERE m.tenant_id = $1 AND m.domain_id = $2 ";

// Rolls a transaction back that has nothing to change.
absl::Status NothingToDo() { return absl::CancelledError("nothing to do"); }

// What is charged to the domain, and what stands under the component.
struct Published {
  uint64_t manifests = 0;
  uint64_t bytes = 0;
  std::optional<int64_t> highest;
  bool sequence_taken = false;
  // The database's clock.
  absl::Time now;
};

// Sort key of a page: component, then the sequence number.
std::string PageKey(const Manifest& manifest) {
  const Bytes component = manifest.manifest_component.ToKey();
  return absl::StrCat(
      manifest.sequence, "/",
      absl::string_view(reinterpret_cast<const char*>(component.data()), component.size()));
}

struct ManifestPosition {
  Bytes component;
  int64_t sequence = 0;
};

absl::StatusOr<ManifestPosition> ParsePageKey(const std::string& key) {
  ManifestPosition position;
  const size_t slash = key.find('/');
  if (slash == std::string::npos || !absl::SimpleAtoi(key.substr(0, slash), &position.sequence)) {
    return absl::InvalidArgumentError("page_token: want what the page before gave, got another");
  }
  position.component.assign(key.begin() + static_cast<ptrdiff_t>(slash) + 1, key.end());
  return position;
}

class PostgresManifestStore : public ManifestStore {
 public:
  explicit PostgresManifestStore(Database& database)
      : database_(database), blobs_(NewBlobStore(database)) {}

  absl::StatusOr<PublishOutcome> Publish(const Manifest& manifest,
                                         absl::Span<const uint8_t> envelope,
                                         const AuditEntry& audit, CallDeadline deadline) override {
    const absl::Status status = database_.Transact(
        [&](Connection& connection) { return Insert(connection, manifest, envelope, audit); },
        deadline);
    if (status.ok()) return PublishOutcome::kPublished;
    if (absl::IsCancelled(status)) return PublishOutcome::kAlreadyPublished;
    return status;
  }

  absl::Status Withdraw(const TenantId& tenant, const ManifestRef& manifest,
                        const AuditEntry& audit, CallDeadline deadline) override {
    const absl::Status status = database_.Transact(
        [&](Connection& connection) -> absl::Status {
          absl::Status bumped = BumpGeneration(connection, "catalog", tenant);
          if (!bumped.ok()) return bumped;
          Params params = Params::Of(tenant, manifest.domain, manifest.digest);
          const std::string sql = absl::StrCat(
              "WITH act AS (UPDATE catalog.manifests SET state = 1 WHERE tenant_id = $1 "
              "AND domain_id = $2 AND digest = $3 AND state = 0 RETURNING 1)",
              AuditFragment(audit, "act", params), "SELECT 1 FROM act");
          absl::StatusOr<Rows> rows = connection.Execute(sql, params);
          if (!rows.ok() || !rows->empty()) return rows.status();
          return NothingToDo();
        },
        deadline);
    if (!absl::IsCancelled(status)) return status;
    return Get(tenant, manifest, deadline).status();
  }

  absl::StatusOr<Manifest> Get(const TenantId& tenant, const ManifestRef& manifest,
                               CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectManifest, kOfDomain, "AND m.digest = $3"),
                          Params::Of(tenant, manifest.domain, manifest.digest), deadline),
        "manifest", ReadManifest);
  }

  absl::StatusOr<Manifest> FindByDigest(const TenantId& tenant, const ManifestDigest& digest,
                                        CallDeadline deadline) override {
    return ReadOne(database_.Execute(absl::StrCat(kSelectManifest,
                                                  "WHERE m.tenant_id = $1 AND m.digest = $2 "
                                                  "ORDER BY m.domain_id LIMIT 1"),
                                     Params::Of(tenant, digest), deadline),
                   "manifest", ReadManifest);
  }

  absl::StatusOr<Page<Manifest>> List(const TenantId& tenant, const DomainId& domain,
                                      const PageRequest& page, CallDeadline deadline) override {
    absl::StatusOr<std::string> token = DecodePageToken(page.after);
    if (!token.ok()) return token.status();
    ManifestPosition after;
    if (!token->empty()) {
      absl::StatusOr<ManifestPosition> position = ParsePageKey(*token);
      if (!position.ok()) return position.status();
      after = *std::move(position);
    }
    auto rows = database_.Execute(
        absl::StrCat(kSelectManifest, kOfDomain,
                     "AND (m.component > $3::bytea OR (m.component = $3::bytea "
                     "AND m.sequence < $4::bigint)) "
                     "ORDER BY m.component, m.sequence DESC LIMIT $5"),
        Params::Of(tenant, domain, after.component, after.sequence, page.EffectiveLimit() + 1),
        deadline);
    return ToPage(ReadAll(rows, ReadManifest), page, PageKey);
  }

  absl::StatusOr<Page<ComponentSummary>> ListComponents(const TenantId& tenant,
                                                        const DomainId& domain,
                                                        const PageRequest& page,
                                                        CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(
            "SELECT m.component, count(*), "
            "(array_agg(m.digest ORDER BY m.sequence DESC) FILTER (WHERE m.state = 0))[1], "
            "coalesce(max(m.sequence) FILTER (WHERE m.state = 0), 0) "
            "FROM catalog.manifests m ",
            kOfDomain,
            "AND m.component > $3::bytea GROUP BY m.component "
            "ORDER BY m.component LIMIT $4"),
        Params::Of(tenant, domain, Bytes(after->begin(), after->end()), page.EffectiveLimit() + 1),
        deadline);
    const auto read = [](RowReader& row) {
      ComponentSummary summary;
      summary.manifest_component = row.Component();
      summary.manifest_count = row.Unsigned();
      summary.newest = row.Optional(&RowReader::Fixed<ManifestDigest>);
      summary.newest_sequence = row.Unsigned();
      return summary;
    };
    return ToPage(ReadAll(rows, read), page, [](const ComponentSummary& summary) {
      const Bytes key = summary.manifest_component.ToKey();
      return std::string(key.begin(), key.end());
    });
  }

  absl::StatusOr<Bytes> GetEnvelope(const TenantId& tenant, const ManifestRef& manifest,
                                    CallDeadline deadline) override {
    absl::StatusOr<BlobId> blob =
        ReadOne(database_.Execute(absl::StrCat("SELECT m.blob_id FROM catalog.manifests m ",
                                               kOfDomain, "AND m.digest = $3"),
                                  Params::Of(tenant, manifest.domain, manifest.digest), deadline),
                "manifest", [](RowReader& row) { return row.Fixed<BlobId>(); });
    if (!blob.ok()) return blob.status();
    return blobs_->Get(tenant, *blob, deadline);
  }

 private:
  static absl::StatusOr<Published> ReadPublished(Connection& connection, const Manifest& manifest) {
    return ReadOne(
        connection.Execute("SELECT count(*), coalesce(sum(envelope_size), 0), "
                           "max(sequence) FILTER (WHERE component = $3), "
                           "coalesce(bool_or(component = $3 AND sequence = $4), false), "
                           "tam.micros(tam.now()) "
                           "FROM catalog.manifests WHERE tenant_id = $1 AND domain_id = $2",
                           Params::Of(manifest.tenant, manifest.domain, manifest.manifest_component,
                                      manifest.sequence)),
        "domain", [](RowReader& row) {
          Published published;
          published.manifests = row.Unsigned();
          published.bytes = row.Unsigned();
          published.highest = row.Optional(&RowReader::Int);
          published.sequence_taken = row.Bool();
          published.now = row.Time();
          return published;
        });
  }

  // Under the generation's lock.
  static absl::Status CheckMayPublish(Connection& connection, const Manifest& manifest,
                                      size_t envelope_size) {
    absl::StatusOr<Domain> domain =
        ReadOne(connection.Execute(
                    absl::StrCat(kSelectDomain, "WHERE d.tenant_id = $1 AND d.domain_id = $2"),
                    Params::Of(manifest.tenant, manifest.domain)),
                "domain", ReadDomain);
    if (!domain.ok()) return domain.status();
    absl::StatusOr<Rows> same = connection.Execute(
        "SELECT 1 FROM catalog.manifests WHERE tenant_id = $1 AND domain_id = $2 AND digest = $3",
        Params::Of(manifest.tenant, manifest.domain, manifest.digest));
    if (!same.ok()) return same.status();
    if (!same->empty()) return NothingToDo();
    absl::StatusOr<Published> published;
    if (IsStorableSequence(manifest.sequence)) {
      published = ReadPublished(connection, manifest);
    } else {
      published = Published();
    }
    if (!published.ok()) return published.status();
    if (published->sequence_taken) return Taken("manifest.sequence");
    absl::Status status = CheckPublish(*domain, manifest, envelope_size, published->manifests,
                                       published->bytes, published->now);
    if (!status.ok() || !published->highest.has_value()) return status;
    return CheckSequence(manifest.sequence, static_cast<uint64_t>(*published->highest));
  }

  static absl::Status Insert(Connection& connection, const Manifest& manifest,
                             absl::Span<const uint8_t> envelope, const AuditEntry& audit) {
    absl::Status status = BumpGeneration(connection, "catalog", manifest.tenant);
    if (status.ok()) status = CheckMayPublish(connection, manifest, envelope.size());
    if (!status.ok()) return status;
    absl::StatusOr<BlobId> blob =
        ReadOne(connection.Execute("SELECT gen_random_uuid()", Params()), "blob",
                [](RowReader& row) { return row.Fixed<BlobId>(); });
    if (!blob.ok()) return blob.status();
    status = PutBlob(connection, manifest.tenant, *blob, envelope);
    if (!status.ok()) return status;
    Params params =
        Params::Of(manifest.tenant, manifest.domain, manifest.digest, manifest.manifest_component,
                   manifest.sequence, manifest.components, manifest.signer, manifest.publisher,
                   *blob, static_cast<uint64_t>(envelope.size()));
    const std::string sql = absl::StrCat(
        "WITH act AS (INSERT INTO catalog.manifests (tenant_id, domain_id, digest, component, "
        "sequence, components, signer, publisher, blob_id, envelope_size, state, published_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, tam.now()) RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1");
    return connection.Execute(sql, params).status();
  }

  Database& database_;
  const std::unique_ptr<BlobStore> blobs_;
};

}  // namespace

std::unique_ptr<ManifestStore> NewManifestStore(Database& database) {
  return std::make_unique<PostgresManifestStore>(database);
}

}  // namespace tam::storage::postgres
