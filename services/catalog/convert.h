// Between proto/tam/v1 messages and what the stores keep. Input is checked here, once.
#ifndef TAMARACK_SERVICES_CATALOG_CONVERT_H_
#define TAMARACK_SERVICES_CATALOG_CONVERT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/tam/v1/catalog_resources.pb.h"
#include "storage/model/catalog.h"

namespace tam::catalog {

// CBOR of a SUIT component identifier, as it travels. InvalidArgument names `field`.
absl::StatusOr<storage::ComponentId> ComponentIdFromWire(std::string_view cbor,
                                                         std::string_view field);
std::string ComponentIdToWire(const storage::ComponentId& id);
std::string ComponentIdToText(const storage::ComponentId& id);

// Sets what a caller may set of a domain: owners, prefixes, anchors, and the state if it is given.
// InvalidArgument names the field.
absl::Status SetDomain(const v1::Domain& from, storage::Domain& to);
v1::Domain DomainToProto(const storage::Domain& domain, std::string_view tenant);

v1::Manifest ManifestToProto(const storage::Manifest& manifest, std::string_view domain_name);
v1::Component ComponentToProto(const storage::ComponentSummary& component,
                               std::string_view domain_name);

// Sets what a caller may change of a deployment: pin, selector, allow_unattested, paused.
absl::Status SetDeployment(const v1::Deployment& from, storage::Deployment& to);
v1::Deployment DeploymentToProto(const storage::Deployment& deployment, std::string_view tenant,
                                 std::string_view domain_name);

// "tenants/{t}/domains/{n}".
std::string DomainName(std::string_view tenant, std::string_view domain);

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_CONVERT_H_
