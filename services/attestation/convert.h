// Between storage values and proto messages. Internal to services/attestation.
#ifndef TAMARACK_SERVICES_ATTESTATION_CONVERT_H_
#define TAMARACK_SERVICES_ATTESTATION_CONVERT_H_

#include <string>

#include "absl/status/statusor.h"
#include "crypto/keys/key.h"
#include "proto/tam/v1/attestation.pb.h"
#include "storage/model/attestation.h"

namespace tam::attestation {

// A key for a class stands under the device "-".
v1::AttestationKey ToProto(const std::string& tenant, const storage::AttestationKey& key);
v1::ReferenceValue ToProto(const std::string& tenant, const storage::ReferenceValue& value);
// Defaults filled in.
v1::AttestationPolicy ToProto(const std::string& tenant, const storage::AttestationPolicy& policy);

// InvalidArgument "field: want X, got Y" throughout.
absl::StatusOr<keys::PublicKey> ParseKey(const v1::PublicKey& key);
absl::StatusOr<storage::DeviceClass> ParseClass(const v1::DeviceClass& device_class);
absl::Status SetDigests(const v1::ReferenceValue& from, storage::ReferenceValue& to);
// Aborted for an etag that was never given out.
absl::StatusOr<storage::AttestationPolicy> ParsePolicy(const v1::AttestationPolicy& policy);

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_CONVERT_H_
