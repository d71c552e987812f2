#include <algorithm>

#include "storage/model/session_rules.h"
#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/device_claims.h"
#include "storage/postgres/device_rows.h"
#include "storage/postgres/session_sql.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

// One row for each update of the guard that may still be answered; at least one.
std::string LookupSql() {
  return absl::StrCat(
      "SELECT c.device_id, p.pseudonym, c.banned, tam.micros(tam.now()), k.state, $2::uuid = ANY "
      "(k.endpoints), "
      "k.public_key, tam.micros(s.back_off_until), CASE WHEN k.state = 1 THEN s.result END, ",
      kDeviceColumns, ", ", kGuardColumns,
      ", m.components, m.domains, m.digests, m.sequences, m.failed_digests, m.failed_sequences, "
      "m.failed_reasons, m.changed, ",
      kUpdateColumns,
      R"sql(
FROM registry.key_claims c
LEFT JOIN registry.device_keys k USING (tenant_id, device_id, thumbprint)
LEFT JOIN registry.devices d USING (tenant_id, device_id)
LEFT JOIN registry.device_state s USING (tenant_id, device_id)
LEFT JOIN registry.device_guard g ON g.tenant_id = c.tenant_id AND g.device_id = c.device_id
  AND g.lane = CASE WHEN k.state = 0 THEN c.thumbprint ELSE ''::bytea END
LEFT JOIN LATERAL (
  SELECT array_agg(component) AS components, array_agg(domain_id) AS domains,
    array_agg(coalesce(digest, '')) AS digests, array_agg(coalesce(sequence, 0)) AS sequences,
    array_agg(coalesce(failed_digest, '')) AS failed_digests,
    array_agg(coalesce(failed_sequence, 0)) AS failed_sequences,
    array_agg(coalesce(failed_reason, '')) AS failed_reasons,
    array_agg(tam.micros(changed_at)) AS changed
  FROM (SELECT * FROM registry.device_manifests x WHERE x.tenant_id = c.tenant_id
        AND x.device_id = c.device_id ORDER BY component) AS sorted) m ON k.state = 1
LEFT JOIN registry.updates u ON u.tenant_id = c.tenant_id AND u.device_id = c.device_id
  AND u.token = ANY (array_append(registry.slot_tokens(g.slots), g.token)) AND u.lane = g.lane
LEFT JOIN audit.pseudonyms p ON p.tenant_id = c.tenant_id
  AND p.subject = 'device/' || c.device_id::text
WHERE c.tenant_id = $1 AND c.thumbprint = $3)sql");
}

std::vector<DeviceManifest> ReadManifests(RowReader& row) {
  std::vector<DeviceManifest> manifests;
  if (row.NextIsNull()) {
    row.Skip(8);
    return manifests;
  }
  const auto components = row.ComponentArray();
  const auto domains = row.FixedArray<DomainId>();
  const auto digests = row.BinaryArray();
  const auto sequences = row.IntArray();
  const auto failed_digests = row.BinaryArray();
  const auto failed_sequences = row.IntArray();
  const auto failed_reasons = row.TextArray();
  const auto changed = row.IntArray();
  if (!row.status().ok()) return manifests;
  for (size_t i = 0; i < components.size(); ++i) {
    DeviceManifest& manifest = manifests.emplace_back();
    manifest.manifest_component = components[i];
    manifest.domain = domains[i];
    manifest.changed = absl::FromUnixMicros(changed[i]);
    if (auto digest = ManifestDigest::FromBytes(digests[i]); digest.ok()) {
      manifest.installed = {*digest, static_cast<uint64_t>(sequences[i])};
    }
    if (auto digest = ManifestDigest::FromBytes(failed_digests[i]); digest.ok()) {
      manifest.failure = {*digest, static_cast<uint64_t>(failed_sequences[i]), failed_reasons[i]};
    }
  }
  return manifests;
}

// False: the key is not known at this endpoint.
bool ReadKeyAndDevice(const TenantId& tenant, RowReader& row, KeyLookup& found) {
  found.device = row.Fixed<DeviceId>();
  found.pseudonym = row.Optional(&RowReader::Fixed<Pseudonym>);
  const bool banned = row.Bool();
  found.now = row.Time();
  if (banned || row.NextIsNull()) {
    found.key_state = DeviceKeyState::kBanned;
    return banned;
  }
  found.key_state = row.Enum<DeviceKeyState>();
  const bool known_here = row.Bool();
  found.public_key = row.Binary();
  found.back_off_until = row.Optional(&RowReader::Time);
  found.last_result = row.Optional(&RowReader::Binary).value_or(Bytes());
  Device device = ReadDevice(tenant, row);
  found.device_name = std::move(device.name);
  found.device_class = std::move(device.device_class);
  found.labels = std::move(device.labels);
  found.ueid = std::move(device.ueid);
  return known_here;
}

void AddUpdate(UpdateRecord update, const EndpointId& endpoint, KeyLookup& found) {
  update.state = StateNow(update, found.guard, found.now);
  if (found.guard.last_token == update.plan.token && update.endpoint == endpoint) {
    found.last_update = update;
  }
  if (update.state == UpdateState::kOpen && update.endpoint == endpoint) {
    found.open_updates.push_back(std::move(update));
  }
}

void SortNewestFirst(std::vector<UpdateRecord>& updates) {
  std::sort(updates.begin(), updates.end(), [](const UpdateRecord& a, const UpdateRecord& b) {
    return a.opened != b.opened ? a.opened > b.opened : a.plan.token < b.plan.token;
  });
}

void AddPlan(const std::optional<UpdatePlan>& update, Params& params) {
  const UpdatePlan none;
  const UpdatePlan& plan = update.has_value() ? *update : none;
  std::vector<DomainId> domains;
  std::vector<ManifestDigest> digests;
  std::vector<ComponentId> components;
  std::vector<uint64_t> sequences;
  for (const UpdateManifest& manifest : plan.manifests) {
    domains.push_back(manifest.manifest.domain);
    digests.push_back(manifest.manifest.digest);
    components.push_back(manifest.manifest_component);
    sequences.push_back(manifest.sequence);
  }
  params.Add(domains).Add(digests).Add(components).Add(sequences);
  params.Add(plan.unlinks).Add(plan.err_code).Add(plan.err_msg).Add(plan.catalog_generation);
}

void AddAttestation(const std::optional<AttestationRecord>& attestation, Params& params) {
  if (!attestation.has_value()) {
    for (int i = 0; i < 7; ++i) params.Add(std::nullopt);
    return;
  }
  params.Add(attestation->verdict);
  AddReasons(attestation->reasons, params);
  params.Add(attestation->result);
  params.Add(attestation->payload_format).Add(attestation->claims_summary);
}

std::pair<std::string, Params> AcceptStatement(const AcceptRequest& request) {
  std::optional<UpdateToken> token;
  if (request.update.has_value()) token = request.update->token;
  Params params = Params::Of(request.tenant, request.device, Lane(request.pending, request.key),
                             request.key, request.challenge.issued_ms, request.challenge.random,
                             request.message, token, request.update_lifetime, request.endpoint);
  AddPlan(request.update, params);
  params.Add(request.pending).Add(request.reported_state);
  AddAttestation(request.attestation, params);
  params.Add(request.back_off);
  std::string sql = absl::StrCat(kAccept, AuditFragment(request.audit, "guard", params),
                                 "SELECT tam.micros(at) FROM guard");
  return {std::move(sql), std::move(params)};
}

// The guard as another statement sees it, after the first one matched nothing.
struct GuardNow {
  bool key_in_guard = false;
  GuardView view;
  absl::Time now;
  // Of view.last_token, if it is unanswered.
  std::optional<UpdateRecord> update;
};

AcceptResult Again(const AcceptRequest& request, GuardNow guard) {
  if (!guard.view.last_token.has_value()) return {AcceptOutcome::kSameAgain, std::nullopt};
  if (!guard.update.has_value()) return {AcceptOutcome::kAnswered, std::nullopt};
  if (guard.update->endpoint != request.endpoint) return {AcceptOutcome::kUsed, std::nullopt};
  guard.update->state = StateNow(*guard.update, guard.view, guard.now);
  switch (guard.update->state) {
    case UpdateState::kExpired:
      return {AcceptOutcome::kExpired, std::nullopt};
    case UpdateState::kSuperseded:
      return {AcceptOutcome::kSuperseded, std::nullopt};
    default:
      return {AcceptOutcome::kSameAgain, std::move(guard.update)};
  }
}

class PostgresSessionStore : public SessionStore {
 public:
  explicit PostgresSessionStore(Database& database) : database_(database) {}

  absl::StatusOr<KeyLookup> Lookup(const TenantId& tenant, const EndpointId& endpoint,
                                   const KeyThumbprint& key, CallDeadline deadline) override {
    static const std::string& sql = *new std::string(LookupSql());
    absl::StatusOr<Rows> rows = database_.Execute(sql, Params::Of(tenant, endpoint, key), deadline);
    if (!rows.ok()) return rows.status();
    if (rows->empty()) return Missing("key");
    KeyLookup found;
    RowReader first(rows->front());
    if (!ReadKeyAndDevice(tenant, first, found)) return Missing("key");
    const DeviceKeyState state = found.key_state;
    if (state == DeviceKeyState::kBanned) return found;
    if (state == DeviceKeyState::kRetired) {
      if (!first.status().ok()) return first.status();
      return found;
    }
    found.guard = ReadGuard(first);
    found.manifests = ReadManifests(first);
    if (!first.status().ok()) return first.status();
    if (absl::Status s = ReadUpdates(*rows, endpoint, found); !s.ok()) return s;
    return found;
  }

  absl::StatusOr<std::vector<Bytes>> ListEndpointKeys(const TenantId& tenant,
                                                      const EndpointId& endpoint, size_t max,
                                                      CallDeadline deadline) override {
    auto rows = database_.Execute(
        "SELECT public_key FROM registry.device_keys WHERE tenant_id = $1 "
        "AND endpoints @> ARRAY[$2::uuid] AND state IN ($3::smallint, $4::smallint) "
        "ORDER BY thumbprint LIMIT $5::bigint",
        Params::Of(tenant, endpoint, DeviceKeyState::kPending, DeviceKeyState::kActive,
                   static_cast<uint64_t>(max) + 1),
        deadline);
    auto keys = ReadAll(rows, [](RowReader& row) { return row.Binary(); });
    if (keys.ok() && keys->size() > max) return TooManyKeys(max);
    return keys;
  }

  absl::StatusOr<AcceptResult> Accept(const AcceptRequest& request,
                                      CallDeadline deadline) override {
    if (absl::Status s = CheckAcceptRequest(request); !s.ok()) return s;
    const auto [sql, params] = AcceptStatement(request);
    // More than once only if the guard changed between the two statements so that it would match.
    for (int attempt = 0; attempt < 3; ++attempt) {
      absl::StatusOr<Rows> rows = request.identity.has_value()
                                      ? ExecuteAndClaim(request, sql, params, deadline)
                                      : database_.Execute(sql, params, deadline);
      if (!rows.ok()) return rows.status();
      if (!rows->empty()) return Opened(request, rows->front());
      absl::StatusOr<GuardNow> guard = ReadGuardNow(request, deadline);
      if (!guard.ok()) return guard.status();
      if (!guard->key_in_guard) return AcceptResult{AcceptOutcome::kKeyNotActive, std::nullopt};
      if (guard->view.last_message == request.message) return Again(request, *std::move(guard));
      const int64_t issued = request.challenge.issued_ms;
      if (issued > absl::ToUnixMillis(guard->now) + kMaxClockSkewMs) {
        return AcceptResult{AcceptOutcome::kFuture, std::nullopt};
      }
      if (guard->view.last_challenge.has_value() &&
          issued <= guard->view.last_challenge->issued_ms) {
        return AcceptResult{AcceptOutcome::kUsed, std::nullopt};
      }
    }
    return absl::AbortedError("accept: want a guard that holds still, got one that kept changing");
  }

  absl::StatusOr<ReportResult> Report(const ReportRequest& request,
                                      CallDeadline deadline) override {
    if (absl::Status s = CheckReportRequest(request); !s.ok()) return s;
    const UpdateState state = request.success ? UpdateState::kSucceeded : UpdateState::kFailed;
    Params params = Params::Of(request.tenant, request.device, Lane(request.pending, request.key),
                               request.key, request.token, request.endpoint, state,
                               request.err_code, request.err_msg, request.success);
    AddReports(request.manifests, params);
    params.Add(request.back_off).Add(request.pending);
    const std::string sql =
        absl::StrCat(kReport, AuditFragment(request.audit, "closed", params), "SELECT ",
                     kUpdateColumns, ", tam.micros(u.at) FROM closed u");
    absl::StatusOr<Rows> rows = database_.Execute(sql, params, deadline);
    if (!rows.ok()) return rows.status();
    if (rows->empty()) return Unrecorded(request, deadline);
    RowReader row(rows->front());
    ReportResult result{ReportOutcome::kRecorded, ReadUpdate(row)};
    result.update->state = state;
    result.update->closed = row.Time();
    if (!row.status().ok()) return row.status();
    return result;
  }

 private:
  static absl::Status ReadUpdates(const Rows& rows, const EndpointId& endpoint, KeyLookup& found) {
    constexpr int kBefore = 9 + kDeviceColumnCount + kGuardColumnCount + 8;
    for (const Row& row : rows) {
      RowReader reader(row);
      reader.Skip(kBefore);
      if (reader.NextIsNull()) continue;
      AddUpdate(ReadUpdate(reader), endpoint, found);
      if (!reader.status().ok()) return reader.status();
    }
    SortNewestFirst(found.open_updates);
    return absl::OkStatus();
  }

  static absl::StatusOr<AcceptResult> Opened(const AcceptRequest& request, const Row& row) {
    RowReader reader(row);
    const absl::Time at = reader.Time();
    if (!reader.status().ok()) return reader.status();
    AcceptResult result{AcceptOutcome::kOpened, std::nullopt};
    if (!request.update.has_value()) return result;
    result.update = UpdateRecord{*request.update,
                                 request.endpoint,
                                 request.key,
                                 UpdateState::kOpen,
                                 at,
                                 at + request.update_lifetime,
                                 /*closed=*/std::nullopt};
    return result;
  }

  // The guarded statement, and if it matched, the claim. What another transaction claimed meanwhile
  // is seen: it held the device's row, for which this one has waited.
  absl::StatusOr<Rows> ExecuteAndClaim(const AcceptRequest& request, const std::string& sql,
                                       const Params& params, CallDeadline deadline) {
    Rows rows;
    const auto body = [&](Connection& connection) -> absl::Status {
      rows.clear();
      absl::StatusOr<Device> device = LockDevice(connection, request.tenant, request.device, 0);
      if (absl::IsNotFound(device.status())) return absl::OkStatus();
      if (!device.ok()) return device.status();
      absl::StatusOr<Rows> guarded = connection.Execute(sql, params);
      if (!guarded.ok()) return guarded.status();
      rows = *std::move(guarded);
      if (rows.empty()) return absl::OkStatus();
      return ClaimIdentity(connection, *std::move(device), *request.identity);
    };
    if (absl::Status s = database_.Transact(body, deadline); !s.ok()) return NameTheTaken(s);
    return rows;
  }

  absl::StatusOr<GuardNow> ReadGuardNow(const AcceptRequest& request, CallDeadline deadline) {
    absl::StatusOr<Rows> rows = database_.Execute(
        absl::StrCat("SELECT $4::bytea = ANY (g.keys), tam.micros(tam.now()), ", kGuardColumns,
                     ", ", kUpdateColumns,
                     " FROM registry.device_guard g LEFT JOIN registry.updates u "
                     "ON u.tenant_id = g.tenant_id AND u.device_id = g.device_id "
                     "AND u.token = g.token AND u.lane = g.lane "
                     "WHERE g.tenant_id = $1 AND g.device_id = $2 AND g.lane = $3"),
        Params::Of(request.tenant, request.device, Lane(request.pending, request.key), request.key),
        deadline);
    if (rows.ok() && rows->empty()) return GuardNow();
    return ReadOne(rows, "guard", [](RowReader& row) {
      GuardNow guard;
      guard.key_in_guard = row.Bool();
      guard.now = row.Time();
      guard.view = ReadGuard(row);
      if (!row.NextIsNull()) guard.update = ReadUpdate(row);
      return guard;
    });
  }

  static void AddReports(const std::vector<ManifestReport>& reports, Params& params) {
    std::vector<ManifestDigest> digests;
    std::vector<std::string> reasons;
    std::vector<int> installed;
    for (const ManifestReport& report : reports) {
      digests.push_back(report.digest);
      installed.push_back(report.installed ? 1 : 0);
      reasons.push_back(report.reason);
    }
    params.Add(digests).Add(installed).Add(reasons);
  }

  absl::StatusOr<ReportResult> Unrecorded(const ReportRequest& request, CallDeadline deadline) {
    return ReadOne(
        database_.Execute(
            "SELECT EXISTS (SELECT FROM registry.device_guard WHERE tenant_id = $1 "
            "AND device_id = $2 AND lane = $3 AND $4::bytea = ANY (keys)), "
            "EXISTS (SELECT FROM registry.updates_history WHERE tenant_id = $1 AND device_id = $2 "
            "AND token = $5 AND endpoint_id = $6)",
            Params::Of(request.tenant, request.device, Lane(request.pending, request.key),
                       request.key, request.token, request.endpoint),
            deadline),
        "report", [](RowReader& row) {
          const bool key_in_guard = row.Bool();
          const bool answered = row.Bool();
          ReportResult result;
          result.outcome = !key_in_guard ? ReportOutcome::kKeyNotActive
                           : answered    ? ReportOutcome::kAlreadyAnswered
                                         : ReportOutcome::kUnknownToken;
          return result;
        });
  }

  Database& database_;
};

}  // namespace

std::unique_ptr<SessionStore> NewSessionStore(Database& database) {
  return std::make_unique<PostgresSessionStore>(database);
}

}  // namespace tam::storage::postgres
