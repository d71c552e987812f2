// Resource names of the registry, taken apart. InvalidArgument "field: want …, got …" throughout.
#ifndef TAMARACK_SERVICES_REGISTRY_NAMES_H_
#define TAMARACK_SERVICES_REGISTRY_NAMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/id.h"

namespace tam::registry {

// [a-z][a-z0-9-]{0,62}.
absl::Status CheckName(std::string_view field, std::string_view name);

// What stands in the place of each "*" of `pattern`, such as "tenants/*/endpoints/*"; none is empty
// or holds a '/'.
absl::StatusOr<std::vector<std::string>> SplitName(std::string_view field,
                                                   std::string_view resource,
                                                   std::string_view pattern);

// "tenants/{t}" -> {t}.
absl::StatusOr<std::string> TenantName(std::string_view field, std::string_view resource);

std::string TenantResource(std::string_view tenant);
std::string EndpointResource(std::string_view tenant, std::string_view endpoint);
std::string DeviceResource(std::string_view tenant, const storage::DeviceId& device);
std::string DeviceKeyResource(std::string_view tenant, const storage::DeviceId& device,
                              const storage::KeyThumbprint& key);

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_NAMES_H_
