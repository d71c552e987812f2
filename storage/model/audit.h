// Audit entries: bytes, with what they are found by.

#ifndef TAMARACK_STORAGE_MODEL_AUDIT_H_
#define TAMARACK_STORAGE_MODEL_AUDIT_H_

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "storage/model/id.h"

namespace tam::storage {

// What a writer hands in with its act. The store adds id, shard and time.
struct AuditEntry {
  // Nil: the platform.
  TenantId tenant;
  // Nil: no device.
  DeviceId device;
  // A short name to filter by, such as "device.create".
  std::string kind;
  // Deterministic CBOR with a format version: the bytes that a Merkle log will hash. People and
  // devices stand in it as pseudonyms.
  Bytes entry;
};

struct AuditRecord {
  AuditId id;
  // 0..15; entries are sequenced per shard, never by time.
  int shard = 0;
  absl::Time at;
  AuditEntry entry;
};

struct AuditFilter {
  TenantId tenant;
  std::optional<DeviceId> device;
  // Empty: every kind.
  std::string kind;
  // At or after; before.
  std::optional<absl::Time> from;
  std::optional<absl::Time> until;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_AUDIT_H_
