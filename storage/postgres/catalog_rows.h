// How domains, manifests and deployments are read, and how every write of a catalogue begins.

#ifndef TAMARACK_STORAGE_POSTGRES_CATALOG_ROWS_H_
#define TAMARACK_STORAGE_POSTGRES_CATALOG_ROWS_H_

#include <string>

#include "absl/status/status.h"
#include "storage/model/catalog.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/values.h"

namespace tam::storage::postgres {

// Adds one to the tenant's generation in `schema` (catalog or attestation). Its row stays locked
// until the transaction ends, so that writes of one tenant come one after the other.
absl::Status BumpGeneration(Connection& connection, const std::string& schema,
                            const TenantId& tenant);

// SELECT ... FROM catalog.domains d, with anchors; conditions follow.
extern const char kSelectDomain[];
Domain ReadDomain(RowReader& row);

// SELECT ... FROM catalog.manifests m.
extern const char kSelectManifest[];
Manifest ReadManifest(RowReader& row);

// SELECT ... FROM catalog.deployments d.
extern const char kSelectDeployment[];
Deployment ReadDeployment(RowReader& row);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_CATALOG_ROWS_H_
