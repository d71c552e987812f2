// What a device that has a component's binary is spared: draft -26 section 4.3, have-binary.
#ifndef TAMARACK_SERVICES_CATALOG_HELD_H_
#define TAMARACK_SERVICES_CATALOG_HELD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "teep/suit/envelope.h"

namespace tam::catalog {

struct HeldBinary {
  // A component's, or a manifest component's: all that the manifest installs.
  suit::ComponentId component;
  // Smallest sequence number of the manifests that the device can use the binary with.
  uint64_t min_sequence = 0;
  // SHA-256 of the image that the device reports; empty: it does not say.
  std::string image_digest;
};

// The envelope, but without the integrated payloads of what is held and serves for it. One whose
// reported digest is not that of the manifest, or which is for newer manifests alone, is another
// binary. Payloads that the manifest's other components fetch too stay. Errors of
// suit::CollectComponentFacts.
absl::StatusOr<suit::Envelope> WithoutHeld(suit::Envelope envelope,
                                           const std::vector<HeldBinary>& held);

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_HELD_H_
