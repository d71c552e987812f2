#include "services/runtime/resource_name.h"

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/runtime/identity.h"

namespace tam::runtime {
namespace {

constexpr size_t kMaxPartBytes = 128;

bool IsPlainPart(absl::string_view part) {
  return !part.empty() && part.size() <= kMaxPartBytes &&
         std::all_of(part.begin(), part.end(), [](char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-' || c == '_';
         });
}

bool Matches(absl::string_view part, absl::string_view placeholder) {
  if (placeholder == "{t}" || placeholder == "{e}" || placeholder == "{n}") return IsName(part);
  return IsPlainPart(part);
}

absl::Status Mismatch(absl::string_view field, absl::string_view resource,
                      absl::string_view pattern) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": want ", pattern, ", got \"",
                                                 absl::CEscape(resource.substr(0, 256)), "\""));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseResourceName(absl::string_view field,
                                                           absl::string_view resource,
                                                           absl::string_view pattern) {
  const std::vector<absl::string_view> want = absl::StrSplit(pattern, '/');
  const std::vector<absl::string_view> got = absl::StrSplit(resource, '/');
  if (want.size() != got.size()) return Mismatch(field, resource, pattern);
  std::vector<std::string> parts;
  for (size_t i = 0; i < want.size(); ++i) {
    if (!absl::StartsWith(want[i], "{")) {
      if (want[i] != got[i]) return Mismatch(field, resource, pattern);
      continue;
    }
    if (!Matches(got[i], want[i])) return Mismatch(field, resource, pattern);
    parts.emplace_back(got[i]);
  }
  return parts;
}

}  // namespace tam::runtime
