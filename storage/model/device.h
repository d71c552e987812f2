// Devices, their keys, and what the TAM knows of each.

#ifndef TAMARACK_STORAGE_MODEL_DEVICE_H_
#define TAMARACK_STORAGE_MODEL_DEVICE_H_

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/component_id.h"
#include "storage/model/id.h"

namespace tam::storage {

// A hardware model: EAT claims oemid (258) and hwmodel (259) as bytes. Both empty: not known.
struct DeviceClass {
  Bytes oem_id;
  Bytes hw_model;

  friend bool operator==(const DeviceClass&, const DeviceClass&) = default;
  friend auto operator<=>(const DeviceClass&, const DeviceClass&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const DeviceClass& value) {
    return H::combine(std::move(h), value.oem_id, value.hw_model);
  }
};

using Labels = std::map<std::string, std::string>;

struct Device {
  DeviceId id;
  TenantId tenant;
  // Unique in the tenant.
  std::string name;
  DeviceClass device_class;
  Labels labels;
  // The claim ueid (256), empty until the first accepted attestation or an operator sets it.
  Bytes ueid;
  // Set by the store: 1 at creation, one more with each change.
  uint64_t version = 0;
  // Set by the store.
  absl::Time created;
};

enum class DeviceKeyState {
  // Known, not yet confirmed: has a guard row of its own and touches nothing else.
  kPending,
  kActive,
  // Replaced; cannot come back.
  kRetired,
  // Refused for ever in this tenant; the tombstone outlives the device.
  kBanned,
};

struct DeviceKey {
  KeyThumbprint thumbprint;
  // COSE_Key bytes.
  Bytes public_key;
  DeviceKeyState state = DeviceKeyState::kActive;
  // Where the key is known. Empty: nowhere.
  std::vector<EndpointId> endpoints;
  // Set by the store.
  absl::Time created;
};

// One manifest component identifier on one device, as verified reports left it.
struct DeviceManifest {
  ComponentId manifest_component;
  DomainId domain;
  // What is installed. Absent: nothing (unlinked, or never installed).
  struct Installed {
    ManifestDigest digest;
    uint64_t sequence = 0;
  };
  std::optional<Installed> installed;
  // The last failure to install, cleared by a success.
  struct Failure {
    ManifestDigest digest;
    uint64_t sequence = 0;
    std::string reason;
  };
  std::optional<Failure> failure;
  // Time of the report.
  absl::Time changed;
};

// One comparison that evidence failed.
struct AttestationReason {
  std::string claim;
  std::string expected;
  std::string found;

  friend bool operator==(const AttestationReason&, const AttestationReason&) = default;
};

enum class AttestationVerdict { kAccepted, kRefused };

struct AttestationRecord {
  AttestationVerdict verdict = AttestationVerdict::kRefused;
  // Empty when accepted.
  std::vector<AttestationReason> reasons;
  // The signed Attestation Result, empty where none was made.
  Bytes result;
  // Media type of what the device sent; empty where it named none.
  std::string payload_format;
  // Short text of the claims, for people.
  std::string claims_summary;
  // Set by the store.
  absl::Time at;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_DEVICE_H_
