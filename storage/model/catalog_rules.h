// What every backend checks of a catalogue's writes.

#ifndef TAMARACK_STORAGE_MODEL_CATALOG_RULES_H_
#define TAMARACK_STORAGE_MODEL_CATALOG_RULES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/catalog.h"

namespace tam::storage {

// InvalidArgument: a prefix is empty.
absl::Status CheckDomain(const Domain& domain);

// FailedPrecondition: a prefix of `domain` leads to, equals or follows from `other`, a prefix of
// another domain.
absl::Status CheckPrefixAgainst(const Domain& domain, const ComponentId& other);

// May `manifest` be published into `domain`, of which `used_manifests` and `used_bytes` are
// charged? `now` is the database's. InvalidArgument, FailedPrecondition, Unauthenticated,
// PermissionDenied, ResourceExhausted as ManifestStore::Publish says.
absl::Status CheckPublish(const Domain& domain, const Manifest& manifest, uint64_t envelope_size,
                          uint64_t used_manifests, uint64_t used_bytes, absl::Time now);

// FailedPrecondition: `sequence` is not above `highest`, ever published for the component.
absl::Status CheckSequence(uint64_t sequence, uint64_t highest);

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_CATALOG_RULES_H_
