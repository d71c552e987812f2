// What one device should hold, worked out from deployments, the device's class and labels, what it
// reported and what it asked for. Pure and deterministic: the same view and facts give the same
// plan, whatever the order of their parts.
#ifndef TAMARACK_SERVICES_CATALOG_RESOLVE_H_
#define TAMARACK_SERVICES_CATALOG_RESOLVE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/model/catalog.h"
#include "storage/model/component_id.h"
#include "storage/model/device.h"
#include "storage/model/id.h"

namespace tam::catalog {

// What a manifest says of the components that it installs. Immutable for a digest.
struct ManifestFacts {
  struct Component {
    storage::ComponentId id;
    // SHA-256 of the image; absent where the manifest names none.
    std::optional<std::string> image_digest;
  };
  std::vector<Component> components;
  uint64_t envelope_size = 0;  // bytes, as delivered
};

// A tenant's catalogue as Resolve reads it. `facts` holds every manifest of the snapshot and every
// manifest that the device has installed, as far as it is still known.
struct CatalogView {
  storage::CatalogSnapshot snapshot;
  std::map<storage::ManifestRef, ManifestFacts> facts;
};

struct InstalledManifest {
  storage::ManifestRef manifest;
  storage::ComponentId manifest_component;
  uint64_t sequence = 0;
};

struct DeviceFacts {
  storage::DeviceId device;
  std::optional<storage::DeviceClass> device_class;
  storage::Labels labels;
  // Attestation accepted the device in this session.
  bool attested = false;
  std::vector<InstalledManifest> installed;
  // The device's tc-list: component to SHA-256 of its image (empty: digest not reported).
  // Absent: not reported.
  std::optional<std::map<storage::ComponentId, std::string>> reported;
  // requested-tc-list: component to smallest sequence number wanted.
  std::map<storage::ComponentId, uint64_t> requested;
  // unneeded-manifest-list: manifest component identifiers.
  std::set<storage::ComponentId> unneeded;
};

struct Plan {
  std::vector<storage::Manifest> install;
  // Manifest component identifiers, to unlink before anything is installed.
  std::vector<storage::ComponentId> unlink;
  // Of what the device does not need: what a deployment wants there, and what therefore stays.
  std::vector<storage::ComponentId> kept;
};

// A plan names at most so many manifests, and a call asks for at most so many envelopes.
inline constexpr size_t kMaxPlanManifests = 64;
// Of what a device does not need, a plan looks at so many, which have so many bytes together; the
// rest waits. Its record holds several plans at once, and has to fit into one answer of the
// registry.
inline constexpr size_t kMaxPlanUnneeded = 256;
inline constexpr size_t kMaxPlanUnneededBytes = 32 * 1024;

// True when the domain is active and could publish the manifest today: its signer is an anchor, and
// every identifier lies under a prefix. What a domain may no longer publish is no longer delivered.
bool MayDeliver(const storage::Domain& domain, const storage::Manifest& manifest);

// Rules, in the order in which they are applied:
// 1. A deployment concerns the device when its selector holds. Several for one manifest component:
//    a pinned one wins over "newest", among equals the name that sorts first.
// 2. Its target is the pinned or the newest published manifest that its domain may deliver. Nothing
// is
//    installed for a paused deployment, a suspended domain, a device that is not attested unless
//    the deployment allows it, or a target whose sequence is below what is installed.
// 3. A target is installed unless the device has it: the record names its digest, and every image
//    that the manifest names was reported with that digest (where the device reported at all). A
//    component that the device asks for is sent in any case if its sequence suffices.
// 4. A manifest that is installed and that no deployment of a domain that is not deleted wants is
//    unlinked, unless the device reported none of its components.
// 5. A plan has at most kMaxPlanManifests manifests, and their envelopes are together at most
//    `max_envelope_bytes`; what does not fit waits.
//    A single envelope is never held back for its size alone.
// 6. What the device does not need and no deployment (rule 1) wants there is unlinked, installed by
//    our record or not, if it lies under a prefix of a domain of the tenant. Neither the manifest
//    nor a component of a target is unlinked for a device's wish: such are kept.
Plan Resolve(const CatalogView& view, const DeviceFacts& device, uint64_t max_envelope_bytes);

// True when every condition that the selector gives holds.
bool Selects(const storage::DeviceSelector& selector, const DeviceFacts& device);

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_RESOLVE_H_
