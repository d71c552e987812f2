// What the conventions of proto/tam/v1/types.proto ask of every admin call: request ids and etags.
#ifndef TAMARACK_SERVICES_RUNTIME_RESOURCE_H_
#define TAMARACK_SERVICES_RUNTIME_RESOURCE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tam::runtime {

// The uid that a Create with this request_id gets: the same caller repeating it gets the same uid,
// so the store itself says that the resource exists already. `request_id` is not empty.
// InvalidArgument when it is no UUID.
absl::StatusOr<std::array<uint8_t, 16>> UidOfRequest(std::string_view caller,
                                                     std::string_view request_id,
                                                     std::string_view kind);

// An etag is a resource's version in decimal.
std::string EtagOf(uint64_t version);

// 0, "whatever the version is", for an empty etag. Aborted for what EtagOf never made: it cannot be
// the present version.
absl::StatusOr<uint64_t> VersionOf(std::string_view etag);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RESOURCE_H_
