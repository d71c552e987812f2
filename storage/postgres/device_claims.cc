#include "storage/postgres/device_claims.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/audit_fragment.h"
#include "storage/postgres/device_rows.h"
#include "storage/postgres/stores.h"

namespace tam::storage::postgres {

absl::Status NameTheTaken(const absl::Status& status) {
  if (!IsUniqueViolation(status)) return status;
  for (const auto& [constraint, what] : {std::pair("key_claims_pkey", "key.thumbprint"),
                                         std::pair("ueid_claims_pkey", "device.ueid"),
                                         std::pair("devices_tenant_id_name_key", "device.name")}) {
    if (absl::StrContains(status.message(), constraint)) return Taken(what);
  }
  return Taken("device.id");
}

absl::StatusOr<Device> LockDevice(Connection& connection, const TenantId& tenant,
                                  const DeviceId& id, uint64_t version) {
  absl::StatusOr<Device> device =
      ReadOne(connection.Execute(absl::StrCat("SELECT ", kDeviceColumns,
                                              " FROM registry.devices d "
                                              "WHERE tenant_id = $1 AND device_id = $2 FOR UPDATE"),
                                 Params::Of(tenant, id)),
              "device", [&](RowReader& row) { return ReadDevice(tenant, row); });
  if (!device.ok()) return device;
  if (absl::Status s = CheckVersion(version, device->version); !s.ok()) return s;
  return device;
}

absl::Status ClaimUeid(Connection& connection, const TenantId& tenant, const DeviceId& device,
                       const Bytes& ueid) {
  if (ueid.empty()) return absl::OkStatus();
  return connection
      .Execute("INSERT INTO registry.ueid_claims (tenant_id, ueid, device_id) VALUES ($1, $2, $3)",
               Params::Of(tenant, ueid, device))
      .status();
}

absl::Status ClaimIdentity(Connection& connection, Device device, const IdentityClaim& claim) {
  if (!device.ueid.empty() && device.ueid != claim.ueid) {
    return absl::FailedPreconditionError("device.ueid: want the one it has, got another");
  }
  const bool new_class =
      device.device_class == DeviceClass() && claim.device_class != DeviceClass();
  const bool new_ueid = device.ueid.empty();
  if (!new_class && !new_ueid) return absl::OkStatus();
  if (new_class) device.device_class = claim.device_class;
  if (new_ueid) {
    absl::Status status = ClaimUeid(connection, device.tenant, device.id, claim.ueid);
    if (!status.ok()) return status;
  }
  Params params = Params::Of(device.tenant, device.id, device.device_class.oem_id,
                             device.device_class.hw_model, claim.ueid);
  const std::string sql = absl::StrCat(
      "WITH act AS (UPDATE registry.devices SET class_oem = $3, class_model = $4, ueid = $5, "
      "version = version + 1 WHERE tenant_id = $1 AND device_id = $2 RETURNING 1)",
      AuditFragment(claim.audit, "act", params), "SELECT 1");
  return connection.Execute(sql, params).status();
}

}  // namespace tam::storage::postgres
