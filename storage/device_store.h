// Devices and their keys at rest.
//
// Every call is thread safe. Unavailable: the database cannot be reached by the deadline; the write
// may or may not have happened. Writes append their audit entry in the same transaction: on any
// error neither is there. Where a value has a version, the caller's must be the stored one or 0
// (whatever it is): Aborted otherwise.

#ifndef TAMARACK_STORAGE_DEVICE_STORE_H_
#define TAMARACK_STORAGE_DEVICE_STORE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/device.h"
#include "storage/model/id.h"
#include "storage/model/session.h"

namespace tam::storage {

class DeviceStore {
 public:
  virtual ~DeviceStore() = default;
  // An operator's import or an enrolment: the device with its keys (active or pending; another
  // state is InvalidArgument). AlreadyExists, naming which, if the id, the name, a thumbprint or
  // the ueid is taken in the tenant; PermissionDenied if a thumbprint is banned there.
  virtual absl::Status Create(const Device& device, const std::vector<DeviceKey>& keys,
                              const AuditEntry& audit, CallDeadline deadline) = 0;
  // Sets name, class and labels. NotFound; AlreadyExists if the name is taken; Aborted.
  virtual absl::Status Update(const Device& device, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // Removes the device with keys, attestation keys, guard, updates and record, and frees name, ueid
  // and thumbprints; the tombstones of its banned keys stay. NotFound; Aborted.
  virtual absl::Status Delete(const TenantId& tenant, const DeviceId& id, uint64_t version,
                              const AuditEntry& audit, CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Device> Get(const TenantId& tenant, const DeviceId& id,
                                     CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<Device> GetByName(const TenantId& tenant, absl::string_view name,
                                           CallDeadline deadline) = 0;
  // By id.
  virtual absl::StatusOr<Page<Device>> List(const TenantId& tenant, const PageRequest& page,
                                            CallDeadline deadline) = 0;
};

class DeviceKeyStore {
 public:
  virtual ~DeviceKeyStore() = default;
  // The device's keys in every state, the oldest first; empty for an unknown device.
  virtual absl::StatusOr<std::vector<DeviceKey>> List(const TenantId& tenant,
                                                      const DeviceId& device,
                                                      CallDeadline deadline) = 0;
  // Adds an active or pending key. AlreadyExists if the thumbprint is taken in the tenant;
  // PermissionDenied if it is banned there; NotFound if the device is not there.
  virtual absl::Status Add(const TenantId& tenant, const DeviceId& device, const DeviceKey& key,
                           const AuditEntry& audit, CallDeadline deadline) = 0;
  // Pending -> active, retired or banned; active -> retired or banned; retired -> banned. Anything
  // else is FailedPrecondition. NotFound. An Accept that waits on the guard sees it.
  virtual absl::Status SetState(const TenantId& tenant, const KeyThumbprint& key,
                                DeviceKeyState state, const AuditEntry& audit,
                                CallDeadline deadline) = 0;
  // Names the endpoints where the key is known. NotFound.
  virtual absl::Status SetEndpoints(const TenantId& tenant, const KeyThumbprint& key,
                                    const std::vector<EndpointId>& endpoints,
                                    const AuditEntry& audit, CallDeadline deadline) = 0;
};

// For people to read, never for a session.
class DeviceRecordReader {
 public:
  virtual ~DeviceRecordReader() = default;
  // NotFound.
  virtual absl::StatusOr<DeviceRecord> Show(const TenantId& tenant, const DeviceId& id,
                                            CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_DEVICE_STORE_H_
