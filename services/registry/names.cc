#include "services/registry/names.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/runtime/identity.h"

namespace tam::registry {
namespace {

absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

// What a caller sent, cut so that a message stays short.
std::string Shown(std::string_view text) {
  return text.size() <= 128 ? std::string(text) : absl::StrCat(View(text.substr(0, 128)), "…");
}

}  // namespace

absl::Status CheckName(std::string_view field, std::string_view name) {
  if (runtime::IsName(View(name))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(View(field), ": want [a-z][a-z0-9-]{0,62}, got \"", Shown(name), "\""));
}

absl::StatusOr<std::vector<std::string>> SplitName(std::string_view field,
                                                   std::string_view resource,
                                                   std::string_view pattern) {
  const std::vector<std::string> got = absl::StrSplit(View(resource), '/');
  const std::vector<std::string> want = absl::StrSplit(View(pattern), '/');
  std::vector<std::string> found;
  bool matches = got.size() == want.size();
  for (size_t i = 0; matches && i < want.size(); ++i) {
    if (want[i] != "*") {
      matches = got[i] == want[i];
    } else {
      matches = !got[i].empty();
      found.push_back(got[i]);
    }
  }
  if (matches) return found;
  return absl::InvalidArgumentError(
      absl::StrCat(View(field), ": want ", View(pattern), ", got \"", Shown(resource), "\""));
}

absl::StatusOr<std::string> TenantName(std::string_view field, std::string_view resource) {
  auto parts = SplitName(field, resource, "tenants/*");
  if (!parts.ok()) return parts.status();
  if (absl::Status ok = CheckName(field, (*parts)[0]); !ok.ok()) return ok;
  return (*parts)[0];
}

std::string TenantResource(std::string_view tenant) {
  return absl::StrCat("tenants/", View(tenant));
}

std::string EndpointResource(std::string_view tenant, std::string_view endpoint) {
  return absl::StrCat("tenants/", View(tenant), "/endpoints/", View(endpoint));
}

std::string DeviceResource(std::string_view tenant, const storage::DeviceId& device) {
  return absl::StrCat("tenants/", View(tenant), "/devices/", device.ToString());
}

std::string DeviceKeyResource(std::string_view tenant, const storage::DeviceId& device,
                              const storage::KeyThumbprint& key) {
  return absl::StrCat(DeviceResource(tenant, device), "/keys/", key.ToString());
}

}  // namespace tam::registry
