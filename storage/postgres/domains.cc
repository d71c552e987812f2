#include "storage/model/catalog_rules.h"
#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/catalog_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

// Under the generation's lock: no other domain's prefix can appear meanwhile.
absl::Status CheckPrefixes(Connection& connection, const Domain& domain) {
  absl::StatusOr<Rows> rows = connection.Execute(
      "SELECT unnest(prefixes) FROM catalog.domains WHERE tenant_id = $1 AND domain_id <> $2",
      Params::Of(domain.tenant, domain.id));
  if (!rows.ok()) return rows.status();
  for (const Row& row : *rows) {
    RowReader reader(row);
    const ComponentId other = reader.Component();
    if (!reader.status().ok()) return reader.status();
    if (absl::Status s = CheckPrefixAgainst(domain, other); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status InsertAnchors(Connection& connection, const Domain& domain) {
  int position = 0;
  for (const TrustAnchor& anchor : domain.anchors) {
    absl::Status status =
        connection
            .Execute(
                "INSERT INTO catalog.anchors (tenant_id, domain_id, position, thumbprint, "
                "public_key, description, not_before, not_after) "
                "VALUES ($1, $2, $3, $4, $5, $6, tam.at($7), tam.at($8))",
                Params::Of(domain.tenant, domain.id, position++, anchor.thumbprint,
                           anchor.public_key, anchor.description, anchor.not_before,
                           anchor.not_after))
            .status();
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// $1 tenant, $2 domain, $3.. what may change.
Params SettableParams(const Domain& domain) {
  return Params::Of(domain.tenant, domain.id, domain.owners, domain.prefixes,
                    domain.quota.max_manifests, domain.quota.max_bytes, domain.state);
}

class PostgresDomainStore : public DomainStore {
 public:
  explicit PostgresDomainStore(Database& database) : database_(database) {}

  absl::Status Create(const Domain& domain, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return OrTaken(
        database_.Transact(
            [&](Connection& connection) { return Insert(connection, domain, audit); }, deadline),
        "domain");
  }

  absl::Status Update(const Domain& domain, const AuditEntry& audit,
                      CallDeadline deadline) override {
    return database_.Transact(
        [&](Connection& connection) { return Replace(connection, domain, audit); }, deadline);
  }

  absl::StatusOr<Domain> GetByName(const TenantId& tenant, absl::string_view name,
                                   CallDeadline deadline) override {
    return ReadOne(
        database_.Execute(absl::StrCat(kSelectDomain, "WHERE d.tenant_id = $1 AND d.name = $2"),
                          Params::Of(tenant, name), deadline),
        "domain", ReadDomain);
  }

  absl::StatusOr<Domain> Get(const TenantId& tenant, const DomainId& id,
                             CallDeadline deadline) override {
    return ReadOne(database_.Execute(
                       absl::StrCat(kSelectDomain, "WHERE d.tenant_id = $1 AND d.domain_id = $2"),
                       Params::Of(tenant, id), deadline),
                   "domain", ReadDomain);
  }

  absl::StatusOr<Page<Domain>> List(const TenantId& tenant, absl::string_view owner,
                                    const PageRequest& page, CallDeadline deadline) override {
    absl::StatusOr<std::string> after = DecodePageToken(page.after);
    if (!after.ok()) return after.status();
    auto rows = database_.Execute(
        absl::StrCat(kSelectDomain,
                     "WHERE d.tenant_id = $1 AND d.name > $2 "
                     "AND ($4::text = '' OR $4::text = ANY (d.owners)) ORDER BY d.name LIMIT $3"),
        Params::Of(tenant, *after, page.EffectiveLimit() + 1, owner), deadline);
    return ToPage(ReadAll(rows, ReadDomain), page, [](const Domain& d) { return d.name; });
  }

 private:
  static absl::Status Insert(Connection& connection, const Domain& domain,
                             const AuditEntry& audit) {
    if (absl::Status s = CheckDomain(domain); !s.ok()) return s;
    absl::Status status = BumpGeneration(connection, "catalog", domain.tenant);
    if (!status.ok()) return status;
    Params params = SettableParams(domain);
    params.Add(domain.name);
    const std::string sql = absl::StrCat(
        "WITH act AS (INSERT INTO catalog.domains (tenant_id, domain_id, owners, prefixes, "
        "max_manifests, max_bytes, state, name, version, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, tam.now()) RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1");
    status = connection.Execute(sql, params).status();
    if (status.ok()) status = CheckPrefixes(connection, domain);
    return status.ok() ? InsertAnchors(connection, domain) : status;
  }

  static absl::Status Replace(Connection& connection, const Domain& domain,
                              const AuditEntry& audit) {
    absl::Status status = BumpGeneration(connection, "catalog", domain.tenant);
    if (!status.ok()) return status;
    absl::StatusOr<Domain> stored =
        ReadOne(connection.Execute(
                    absl::StrCat(kSelectDomain, "WHERE d.tenant_id = $1 AND d.domain_id = $2"),
                    Params::Of(domain.tenant, domain.id)),
                "domain", ReadDomain);
    if (!stored.ok()) return stored.status();
    if (absl::Status s = CheckVersion(domain.version, stored->version); !s.ok()) return s;
    if (stored->state == DomainState::kDeleted) {
      return absl::FailedPreconditionError("domain.state: want active or suspended, got deleted");
    }
    status = CheckDomain(domain);
    if (status.ok()) status = CheckPrefixes(connection, domain);
    if (!status.ok()) return status;
    Params params = SettableParams(domain);
    const std::string sql = absl::StrCat(
        "WITH act AS (UPDATE catalog.domains SET owners = $3, prefixes = $4, max_manifests = $5, "
        "max_bytes = $6, state = $7, version = version + 1 "
        "WHERE tenant_id = $1 AND domain_id = $2 RETURNING 1)",
        AuditFragment(audit, "act", params), "SELECT 1");
    status = connection.Execute(sql, params).status();
    if (status.ok()) {
      status = connection
                   .Execute("DELETE FROM catalog.anchors WHERE tenant_id = $1 AND domain_id = $2",
                            Params::Of(domain.tenant, domain.id))
                   .status();
    }
    return status.ok() ? InsertAnchors(connection, domain) : status;
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<DomainStore> NewDomainStore(Database& database) {
  return std::make_unique<PostgresDomainStore>(database);
}

}  // namespace tam::storage::postgres
