// How devices, manifests on them, updates and guards are read; shared by the device and session
// stores.

#ifndef TAMARACK_STORAGE_POSTGRES_DEVICE_ROWS_H_
#define TAMARACK_STORAGE_POSTGRES_DEVICE_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "storage/model/audit.h"
#include "storage/model/device.h"
#include "storage/model/session.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/values.h"

namespace tam::storage::postgres {

// Of registry.devices as d, without tenant_id.
inline constexpr char kDeviceColumns[] =
    "d.device_id, d.name, d.class_oem, d.class_model, d.label_keys, d.label_values, d.ueid, "
    "d.version, tam.micros(d.created_at)";
inline constexpr int kDeviceColumnCount = 9;
Device ReadDevice(const TenantId& tenant, RowReader& row);

// Of registry.updates or its history as u.
inline constexpr char kUpdateColumns[] =
    "u.token, u.endpoint_id, u.thumbprint, u.domains, u.digests, u.components, u.sequences, "
    "u.unlinks, u.err_code, u.err_msg, u.catalog_generation, tam.micros(u.opened_at), "
    "tam.micros(u.deadline)";
// The state is left open.
UpdateRecord ReadUpdate(RowReader& row);

// Of registry.device_guard as g.
inline constexpr char kGuardColumns[] = "g.issued_ms, g.random, g.message, g.token, g.slots";
inline constexpr int kGuardColumnCount = 5;
GuardView ReadGuard(RowReader& row);

// Expired, superseded (in no slot) or open.
UpdateState StateNow(const UpdateRecord& update, const GuardView& guard, absl::Time now);

// The lane of a guard: empty for active keys.
Bytes Lane(bool pending, const KeyThumbprint& key);

void AddReasons(const std::vector<AttestationReason>& reasons, Params& params);
std::vector<AttestationReason> ReadReasons(RowReader& row);

// An audit entry inside a transaction whose act is in other statements.
absl::Status WriteAudit(Connection& connection, const AuditEntry& entry);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_DEVICE_ROWS_H_
