// Stored values as proto messages and back. Nothing here decides anything.
#ifndef TAMARACK_SERVICES_REGISTRY_CONVERT_H_
#define TAMARACK_SERVICES_REGISTRY_CONVERT_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/timestamp.pb.h"
#include "proto/tam/v1/registry_resources.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "proto/tam/v1/types.pb.h"
#include "storage/model/device.h"
#include "storage/model/session.h"
#include "storage/model/tenant.h"

namespace tam::registry {

// How endpoint ids are called in one tenant.
using EndpointNames = std::map<storage::EndpointId, std::string>;
EndpointNames NamesOf(const std::vector<storage::Endpoint>& endpoints);

std::string ToWire(absl::Span<const uint8_t> bytes);
storage::Bytes FromWire(std::string_view bytes);
google::protobuf::Timestamp ToProto(absl::Time time);

// InvalidArgument "field: …" unless `bytes` has the type's length.
template <typename T>
absl::StatusOr<T> Fixed(std::string_view field, const std::string& bytes) {
  auto value = T::FromBytes(storage::Bytes(bytes.begin(), bytes.end()));
  if (value.ok()) return value;
  return absl::InvalidArgumentError(std::string(field) + ": " +
                                    std::string(value.status().message()));
}

// CBOR array of byte strings, as in SUIT.
std::string ComponentToWire(const storage::ComponentId& id);
absl::StatusOr<storage::ComponentId> ComponentFromWire(std::string_view field,
                                                       const std::string& cbor);

// Versions as etags: "" is 0 (any). Aborted for what was never given out.
std::string EtagOf(uint64_t version);
absl::StatusOr<uint64_t> VersionOf(const std::string& etag);

v1::Tenant ToProto(const storage::Tenant& tenant);
v1::Endpoint ToProto(const storage::Endpoint& endpoint, std::string_view tenant);
// Defaults filled in. InvalidArgument "endpoint.field: …" for what a caller may not set so.
absl::StatusOr<storage::EndpointConfig> ConfigFromProto(const v1::Endpoint& endpoint);

v1::DeviceClass ToProto(const storage::DeviceClass& device_class);
storage::DeviceClass FromProto(const v1::DeviceClass& device_class);
v1::KeyState ToProto(storage::DeviceKeyState state);
v1::DeviceKey ToProto(const storage::DeviceKey& key, const storage::DeviceId& device,
                      std::string_view tenant, const EndpointNames& endpoints);
v1::Device ToProto(const storage::Device& device, std::string_view tenant);
// With all that is known.
v1::Device ToProto(const storage::DeviceRecord& record, std::string_view tenant,
                   const EndpointNames& endpoints);
v1::UpdateRecord ToProto(const storage::UpdateRecord& update);
v1::ManifestRef ToProto(const storage::UpdateManifest& manifest);

absl::StatusOr<storage::UpdatePlan> FromProto(const v1::NewUpdate& update);
storage::AttestationRecord FromProto(const v1::AttestationOutcome& outcome);
// What a device says it holds, as it stands in the database: CBOR [* [component, digest, size]].
storage::Bytes ReportedState(const google::protobuf::RepeatedPtrField<v1::ReportedComponent>& held);

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_CONVERT_H_
