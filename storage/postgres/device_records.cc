#include "storage/postgres/device_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {
namespace {

DeviceManifest ReadManifest(RowReader& row) {
  DeviceManifest manifest;
  manifest.manifest_component = row.Component();
  manifest.domain = row.Fixed<DomainId>();
  manifest.changed = row.Time();
  if (row.NextIsNull()) {
    row.Skip(2);
  } else {
    const ManifestDigest digest = row.Fixed<ManifestDigest>();
    manifest.installed = DeviceManifest::Installed{digest, row.Unsigned()};
  }
  if (!row.NextIsNull()) {
    const ManifestDigest digest = row.Fixed<ManifestDigest>();
    const uint64_t sequence = row.Unsigned();
    manifest.failure = DeviceManifest::Failure{digest, sequence, row.Text()};
  }
  return manifest;
}

class PostgresDeviceRecordReader : public DeviceRecordReader {
 public:
  explicit PostgresDeviceRecordReader(Database& database)
      : database_(database),
        devices_(NewDeviceStore(database)),
        keys_(NewDeviceKeyStore(database)) {}

  absl::StatusOr<DeviceRecord> Show(const TenantId& tenant, const DeviceId& id,
                                    CallDeadline deadline) override {
    DeviceRecord record;
    absl::StatusOr<Device> device = devices_->Get(tenant, id, deadline);
    if (!device.ok()) return device.status();
    record.device = *std::move(device);
    auto keys = keys_->List(tenant, id, deadline);
    if (!keys.ok()) return keys.status();
    record.keys = *std::move(keys);
    const Params of_device = Params::Of(tenant, id);
    absl::Status status = FillState(of_device, deadline, record);
    if (status.ok()) status = FillManifests(of_device, deadline, record);
    if (status.ok()) status = FillOpen(of_device, deadline, record);
    if (status.ok()) status = FillClosed(of_device, deadline, record);
    if (!status.ok()) return status;
    return record;
  }

 private:
  absl::Status FillState(const Params& of_device, CallDeadline deadline, DeviceRecord& record) {
    absl::StatusOr<Rows> rows = database_.Execute(
        "SELECT tam.micros(last_contact), tam.micros(back_off_until), reported, "
        "tam.micros(attested_at), verdict, reason_claims, reason_expected, reason_found, result, "
        "payload_format, claims_summary "
        "FROM registry.device_state WHERE tenant_id = $1 AND device_id = $2",
        of_device, deadline);
    if (!rows.ok() || rows->empty()) return rows.status();
    RowReader row(rows->front());
    record.last_contact = row.Time();
    record.back_off_until = row.Optional(&RowReader::Time);
    record.reported_state = row.Binary();
    if (!row.NextIsNull()) {
      AttestationRecord& attestation = record.last_attestation.emplace();
      attestation.at = row.Time();
      attestation.verdict = row.Enum<AttestationVerdict>();
      attestation.reasons = ReadReasons(row);
      attestation.result = row.Binary();
      attestation.payload_format = row.Text();
      attestation.claims_summary = row.Text();
    }
    return row.status();
  }

  absl::Status FillManifests(const Params& of_device, CallDeadline deadline, DeviceRecord& record) {
    auto manifests = ReadAll(
        database_.Execute("SELECT component, domain_id, tam.micros(changed_at), digest, sequence, "
                          "failed_digest, failed_sequence, failed_reason "
                          "FROM registry.device_manifests WHERE tenant_id = $1 AND device_id = $2 "
                          "ORDER BY component",
                          of_device, deadline),
        ReadManifest);
    if (!manifests.ok()) return manifests.status();
    record.manifests = *std::move(manifests);
    return absl::OkStatus();
  }

  absl::Status FillOpen(const Params& of_device, CallDeadline deadline, DeviceRecord& record) {
    auto updates = ReadAll(
        database_.Execute(
            absl::StrCat("SELECT tam.micros(tam.now()), ", kGuardColumns, ", ", kUpdateColumns,
                         " FROM registry.updates u "
                         "JOIN registry.device_guard g USING (tenant_id, device_id, lane) "
                         "WHERE u.tenant_id = $1 AND u.device_id = $2 "
                         "ORDER BY u.opened_at DESC, u.token LIMIT 100"),
            of_device, deadline),
        [](RowReader& row) {
          const absl::Time now = row.Time();
          const GuardView guard = ReadGuard(row);
          UpdateRecord update = ReadUpdate(row);
          update.state = StateNow(update, guard, now);
          return update;
        });
    if (!updates.ok()) return updates.status();
    record.open_updates = *std::move(updates);
    return absl::OkStatus();
  }

  absl::Status FillClosed(const Params& of_device, CallDeadline deadline, DeviceRecord& record) {
    auto updates = ReadAll(
        database_.Execute(
            absl::StrCat("SELECT ", kUpdateColumns,
                         ", u.state, tam.micros(u.closed_at), u.report_err_code, u.report_err_msg "
                         "FROM registry.updates_history u "
                         "WHERE u.tenant_id = $1 AND u.device_id = $2 "
                         "ORDER BY u.closed_at DESC, u.token LIMIT 10"),
            of_device, deadline),
        [](RowReader& row) {
          ClosedUpdate closed;
          closed.update = ReadUpdate(row);
          closed.update.state = row.Enum<UpdateState>();
          closed.update.closed = row.Time();
          const std::optional<int64_t> code = row.Optional(&RowReader::Int);
          if (code.has_value()) closed.err_code = static_cast<uint32_t>(*code);
          closed.err_msg = row.Text();
          return closed;
        });
    if (!updates.ok()) return updates.status();
    record.closed_updates = *std::move(updates);
    return absl::OkStatus();
  }

  Database& database_;
  const std::unique_ptr<DeviceStore> devices_;
  const std::unique_ptr<DeviceKeyStore> keys_;
};

}  // namespace

std::unique_ptr<DeviceRecordReader> NewDeviceRecordReader(Database& database) {
  return std::make_unique<PostgresDeviceRecordReader>(database);
}

}  // namespace tam::storage::postgres
