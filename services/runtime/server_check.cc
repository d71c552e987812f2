#include "services/runtime/server_check.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/runtime/identity.h"

namespace tam::runtime {
namespace {

absl::Status CheckOne(absl::Span<const std::string> uris) {
  if (uris.size() == 1) return absl::OkStatus();
  return absl::UnauthenticatedError(
      absl::StrCat("server certificate: want exactly one URI name, got ", uris.size()));
}

}  // namespace

ServerCheck IsServer(absl::string_view spiffe_id) {
  return [id = std::string(spiffe_id)](absl::Span<const std::string> uris) {
    if (absl::Status one = CheckOne(uris); !one.ok()) return one;
    if (uris.front() == id) return absl::OkStatus();
    return absl::UnauthenticatedError(
        absl::StrCat("server certificate: want ", id, ", got ", uris.front()));
  };
}

ServerCheck IsServiceOf(absl::string_view trust_domain) {
  return [domain = std::string(trust_domain)](absl::Span<const std::string> uris) {
    if (absl::Status one = CheckOne(uris); !one.ok()) return one;
    absl::StatusOr<Identity> identity = Identity::Parse(uris.front(), domain);
    if (identity.ok() && identity->IsService()) return absl::OkStatus();
    return absl::UnauthenticatedError(
        absl::StrCat("server certificate: want a service of ", domain, ", got ", uris.front()));
  };
}

std::string ServiceId(absl::string_view trust_domain, absl::string_view service) {
  return absl::StrCat("spiffe://", trust_domain, "/service/", service);
}

}  // namespace tam::runtime
