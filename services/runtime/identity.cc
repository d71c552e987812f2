#include "services/runtime/identity.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace tam::runtime {
namespace {

// A SPIFFE ID has at most 2048 bytes; ours are far shorter.
constexpr size_t kMaxUriBytes = 512;

struct NamedRole {
  absl::string_view name;
  Role role;
};

constexpr std::array<NamedRole, 3> kTenantRoles = {{
    {"operator", Role::kOperator},
    {"developer", Role::kDeveloper},
    {"auditor", Role::kAuditor},
}};

constexpr std::array<NamedRole, 6> kServices = {{
    {"gateway", Role::kGatewayService},
    {"registry", Role::kRegistryService},
    {"attestation", Role::kAttestationService},
    {"catalog", Role::kCatalogService},
    {"signing", Role::kSigningService},
    {"audit", Role::kAuditService},
}};

template <size_t N>
std::optional<Role> Find(const std::array<NamedRole, N>& roles, absl::string_view name) {
  for (const NamedRole& candidate : roles) {
    if (candidate.name == name) return candidate.role;
  }
  return std::nullopt;
}

absl::Status Refuse(absl::string_view want) {
  return absl::UnauthenticatedError(absl::StrCat("client certificate: want ", want));
}

}  // namespace

absl::string_view RoleName(Role role) {
  for (const NamedRole& known : kTenantRoles) {
    if (known.role == role) return known.name;
  }
  for (const NamedRole& known : kServices) {
    if (known.role == role) return known.name;
  }
  return "admin";
}

bool IsName(absl::string_view text) {
  if (text.empty() || text.size() > 63 || !absl::ascii_islower(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '-';
  });
}

absl::StatusOr<Identity> Identity::Parse(absl::string_view uri, absl::string_view trust_domain) {
  if (uri.size() > kMaxUriBytes) return Refuse("a SPIFFE ID of at most 512 bytes");
  absl::string_view path = uri;
  if (!absl::ConsumePrefix(&path, absl::StrCat("spiffe://", trust_domain, "/"))) {
    return Refuse(absl::StrCat("a SPIFFE ID of trust domain ", trust_domain));
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.size() == 2 && parts[0] == "admin" && IsName(parts[1])) {
    return Identity(Role::kAdmin, "", parts[1], uri);
  }
  if (parts.size() == 2 && parts[0] == "service") {
    if (std::optional<Role> role = Find(kServices, parts[1])) return Identity(*role, "", "", uri);
  }
  if (parts.size() == 4 && parts[0] == "tenant" && IsName(parts[1]) && IsName(parts[3])) {
    if (std::optional<Role> role = Find(kTenantRoles, parts[2])) {
      return Identity(*role, parts[1], parts[3], uri);
    }
  }
  return Refuse("a SPIFFE ID of an administrator, a tenant's member or a service");
}

absl::StatusOr<Identity> Identity::FromCertificate(absl::Span<const std::string> uris,
                                                   absl::string_view trust_domain) {
  if (uris.size() != 1) {
    return Refuse(absl::StrCat("exactly one URI name, got ", uris.size()));
  }
  return Parse(uris.front(), trust_domain);
}

}  // namespace tam::runtime
