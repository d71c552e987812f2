// What must hold before a manifest is stored: the checks of a publication, without a database.
// Same code for `tamctl manifest verify` and the catalogue.
#ifndef TAMARACK_SERVICES_CATALOG_PUBLICATION_H_
#define TAMARACK_SERVICES_CATALOG_PUBLICATION_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "services/catalog/resolve.h"
#include "storage/model/catalog.h"
#include "teep/suit/envelope.h"

namespace tam::catalog {

// An Update of one manifest must fit a TEEP message (1 MiB), with room for the rest of it. Larger
// payloads go by URI.
inline constexpr size_t kMaxEnvelopeBytes = (1 << 20) - (16 << 10);

// A manifest that passed every check that needs no database. Only CheckPublication makes one.
class Publication {
 public:
  // Tenant, domain, digest, identifiers, sequence and signer filled in; the publisher is the
  // caller's.
  const storage::Manifest& manifest() const { return manifest_; }
  // Of suit::PublishWarnings.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  friend absl::StatusOr<Publication> CheckPublication(absl::Span<const uint8_t>,
                                                      const storage::Domain&, absl::Time);
  Publication(storage::Manifest manifest, std::vector<std::string> warnings)
      : manifest_(std::move(manifest)), warnings_(std::move(warnings)) {}
  storage::Manifest manifest_;
  std::vector<std::string> warnings_;
};

// InvalidArgument: malformed, or larger than kMaxEnvelopeBytes. Unauthenticated: signed by no
// anchor of the domain that is valid at `now`. PermissionDenied: a component lies outside the
// domain's prefixes. FailedPrecondition: another rule of SUIT.md section 10, named by its row.
absl::StatusOr<Publication> CheckPublication(absl::Span<const uint8_t> envelope,
                                             const storage::Domain& domain, absl::Time now);

// Of an envelope that was published: what Resolve needs of it. Nothing is verified again.
absl::StatusOr<ManifestFacts> ReadFacts(absl::Span<const uint8_t> envelope);

// S-11, whether vendor and class are the developer's: the identifiers in `now`, an envelope, that
// are not those for the same component in `before`, the envelope published last under its manifest
// component, as warnings. Empty also where one of them does not parse.
std::vector<std::string> ChangedIdentifiers(absl::Span<const uint8_t> before,
                                            absl::Span<const uint8_t> now);

absl::StatusOr<storage::ComponentId> ToStorage(const suit::ComponentId& id);
suit::ComponentId ToSuit(const storage::ComponentId& id);

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_PUBLICATION_H_
