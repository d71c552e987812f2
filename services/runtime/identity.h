#ifndef TAMARACK_SERVICES_RUNTIME_IDENTITY_H_
#define TAMARACK_SERVICES_RUNTIME_IDENTITY_H_

// Who calls: the SPIFFE ID in the client certificate, parsed once at the edge.
//
//   id       = "spiffe://" trust-domain "/" path
//   path     = "admin/" name
//            / "tenant/" name "/" ("operator" / "developer" / "auditor") "/" name
//            / "service/" ("gateway" / "registry" / "attestation" / "catalog" / "signing" /
//            "audit")
//   name     = [a-z] *62([a-z] / [0-9] / "-")
//
// Nothing else is an identity: no query, no fragment, no percent-encoding, no upper case, no
// trailing slash (SPIFFE-ID, section 2, permits more; we do not).

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tam::runtime {

// What an identity is. Values are bits, so that the authorisation table can hold sets of them.
enum class Role : unsigned {
  kAdmin = 1 << 0,
  kOperator = 1 << 1,
  kDeveloper = 1 << 2,
  kAuditor = 1 << 3,
  kGatewayService = 1 << 4,
  kRegistryService = 1 << 5,
  kAttestationService = 1 << 6,
  kCatalogService = 1 << 7,
  kSigningService = 1 << 8,
  kAuditService = 1 << 9,
};

// A verified caller. A value; made only by the functions below.
class Identity {
 public:
  Role role() const { return role_; }
  // The {t} of the caller's tenant; empty for administrators and services.
  const std::string& tenant() const { return tenant_; }
  // The person's name; empty for services.
  const std::string& name() const { return name_; }
  // The whole URI, as in the certificate.
  const std::string& spiffe_id() const { return spiffe_id_; }
  // True for operators, developers and auditors.
  bool BelongsToTenant() const { return !tenant_.empty(); }
  // True for the services of this TAM.
  bool IsService() const { return role_ >= Role::kGatewayService; }

  // Unauthenticated unless `uri` is an identity of `trust_domain`, by the grammar above.
  static absl::StatusOr<Identity> Parse(absl::string_view uri, absl::string_view trust_domain);
  // The identity of a certificate, given all its URI names. Unauthenticated unless there is exactly
  // one and it parses.
  static absl::StatusOr<Identity> FromCertificate(absl::Span<const std::string> uris,
                                                  absl::string_view trust_domain);

 private:
  Identity(Role role, absl::string_view tenant, absl::string_view name, absl::string_view uri)
      : role_(role), tenant_(tenant), name_(name), spiffe_id_(uri) {}

  Role role_;
  std::string tenant_;
  std::string name_;
  std::string spiffe_id_;
};

// "admin"; the role's or the service's word in the grammar above. For logs, which name no person.
absl::string_view RoleName(Role role);

// `[a-z][a-z0-9-]{0,62}`, the form of every name in this API.
bool IsName(absl::string_view text);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_IDENTITY_H_
