#ifndef TAMARACK_SERVICES_RUNTIME_RESOURCE_NAME_H_
#define TAMARACK_SERVICES_RUNTIME_RESOURCE_NAME_H_

// Resource names, matched against a pattern.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tam::runtime {

// Returns what stands in the place of each `{...}` of `pattern`, in order:
//
//   ParseResourceName("name", "tenants/acme/devices/d1", "tenants/{t}/devices/{d}")
//     -> {"acme", "d1"}
//
// `{t}`, `{e}` and `{n}` match a name (IsName); every other placeholder matches 1 to 128 bytes of
// lower-case letters, digits, '-' and '_'. InvalidArgument, naming `field`, if it does not match.
absl::StatusOr<std::vector<std::string>> ParseResourceName(absl::string_view field,
                                                           absl::string_view resource,
                                                           absl::string_view pattern);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_RESOURCE_NAME_H_
