// What evidence is judged by.

#ifndef TAMARACK_STORAGE_MODEL_ATTESTATION_H_
#define TAMARACK_STORAGE_MODEL_ATTESTATION_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/device.h"
#include "storage/model/id.h"

namespace tam::storage {

// A key that signs evidence: for one device, or for every device of a class. Exactly one is set.
struct AttestationKey {
  TenantId tenant;
  KeyThumbprint thumbprint;
  // COSE_Key bytes.
  Bytes public_key;
  std::optional<DeviceId> device;
  std::optional<DeviceClass> device_class;
  // Set by the store.
  absl::Time created;
};

// The digests that one measurement may have on devices of a class.
struct ReferenceValue {
  TenantId tenant;
  // Unique in the tenant.
  std::string name;
  // Class and measurement: unique in the tenant.
  DeviceClass device_class;
  std::string measurement;
  // Alternatives. Empty: none is accepted.
  std::vector<MeasurementDigest> digests;
  // Set by the store: 1 at creation, one more with each change.
  uint64_t version = 0;
  // Set by the store.
  absl::Time created;
};

struct AttestationPolicy {
  // EAT profiles whose tokens count as Attestation Results. Empty: the service's default.
  std::vector<std::string> result_profiles;
  // EAT profiles accepted as evidence. Empty: the service's default.
  std::vector<std::string> evidence_profiles;
  // COSE_Key bytes of other verifiers whose results are accepted.
  std::vector<Bytes> verifier_keys;
  // How long a result that we sign is good. Whole seconds; zero: the service's default.
  absl::Duration result_lifetime = absl::ZeroDuration();
  // Set by the store: 0 where no policy was set, then one more with each change.
  uint64_t version = 0;

  friend bool operator==(const AttestationPolicy&, const AttestationPolicy&) = default;
};

// All that judging one device's evidence needs, read at one moment.
struct AppraisalInputs {
  // Grows with each write of the tenant's keys, values or policy.
  uint64_t generation = 0;
  // Keys of the device and of its class.
  std::vector<AttestationKey> keys;
  // Of the class.
  std::vector<ReferenceValue> reference_values;
  AttestationPolicy policy;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_ATTESTATION_H_
