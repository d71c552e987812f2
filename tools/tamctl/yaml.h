// YAML out of JSON, order kept.
#ifndef TAMARACK_TOOLS_TAMCTL_YAML_H_
#define TAMARACK_TOOLS_TAMCTL_YAML_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace tam::tamctl {

// Block style YAML 1.2 that reads as the same data under YAML 1.1 too: a string that could be
// taken for anything else (no, 1e3, 2026-01-01) is quoted. InvalidArgument when `json` is not JSON.
absl::StatusOr<std::string> YamlFromJson(std::string_view json);

// A JSON string literal, quotes included; control characters escaped.
std::string JsonString(std::string_view text);

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_YAML_H_
