// What a device takes so that no other of its tenant can have it.

#ifndef TAMARACK_STORAGE_POSTGRES_DEVICE_CLAIMS_H_
#define TAMARACK_STORAGE_POSTGRES_DEVICE_CLAIMS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/device.h"
#include "storage/model/id.h"
#include "storage/model/session.h"
#include "storage/postgres/connection.h"

namespace tam::storage::postgres {

// AlreadyExists, which says what was taken by the constraint that the message names, in place of a
// unique violation. Others stay.
absl::Status NameTheTaken(const absl::Status& status);

// The device's row, locked for the rest of the transaction. Whoever locks its guard too locks it
// afterwards. NotFound; Aborted for another version, unless it is 0.
absl::StatusOr<Device> LockDevice(Connection& connection, const TenantId& tenant,
                                  const DeviceId& id, uint64_t version);

// Nothing for an empty one. A unique violation if it is taken.
absl::Status ClaimUeid(Connection& connection, const TenantId& tenant, const DeviceId& device,
                       const Bytes& ueid);

// For a device whose row is locked. What it has already is no change and adds no audit entry.
// FailedPrecondition if it has another ueid; a unique violation if another device has this one.
absl::Status ClaimIdentity(Connection& connection, Device device, const IdentityClaim& claim);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_DEVICE_CLAIMS_H_
