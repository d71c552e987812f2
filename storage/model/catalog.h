// Security domains, manifests and deployments.

#ifndef TAMARACK_STORAGE_MODEL_CATALOG_H_
#define TAMARACK_STORAGE_MODEL_CATALOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/component_id.h"
#include "storage/model/device.h"
#include "storage/model/id.h"

namespace tam::storage {

// kDeleted: nothing of it is delivered, its manifests are unlinked; the name stays taken.
enum class DomainState { kActive, kSuspended, kDeleted };

// A key that may sign manifests of a domain.
struct TrustAnchor {
  KeyThumbprint thumbprint;
  // COSE_Key bytes.
  Bytes public_key;
  // For people.
  std::string description;
  // Absent: unbounded.
  std::optional<absl::Time> not_before;
  std::optional<absl::Time> not_after;
};

// 0: unlimited.
struct DomainQuota {
  uint64_t max_manifests = 0;
  // Envelope bytes, each upload charged in full.
  uint64_t max_bytes = 0;
};

struct Domain {
  DomainId id;
  TenantId tenant;
  // Unique in the tenant.
  std::string name;
  // SPIFFE ids of the developers who own it.
  std::vector<std::string> owners;
  // What its components' identifiers begin with. No prefix of another domain of the tenant may lead
  // to one of these or follow from one, whatever that domain's state.
  std::vector<ComponentId> prefixes;
  std::vector<TrustAnchor> anchors;
  DomainQuota quota;
  DomainState state = DomainState::kActive;
  // Set by the store: 1 at creation, one more with each change.
  uint64_t version = 0;
  // Set by the store.
  absl::Time created;
};

enum class ManifestState { kPublished, kWithdrawn };

struct Manifest {
  TenantId tenant;
  DomainId domain;
  ManifestDigest digest;
  // The identifier that sequence numbers belong to (suit-manifest-component-id).
  ComponentId manifest_component;
  // What it installs.
  std::vector<ComponentId> components;
  uint64_t sequence = 0;
  // Of the anchor that signed it.
  KeyThumbprint signer;
  // SPIFFE id of who published it.
  std::string publisher;
  // Set by the store from here on.
  uint64_t envelope_size = 0;
  ManifestState state = ManifestState::kPublished;
  absl::Time published;
};

struct ManifestRef {
  DomainId domain;
  ManifestDigest digest;

  friend bool operator==(const ManifestRef&, const ManifestRef&) = default;
  friend auto operator<=>(const ManifestRef&, const ManifestRef&) = default;
};

// What is published under one manifest component identifier.
struct ComponentSummary {
  ComponentId manifest_component;
  // The newest that is not withdrawn. Absent: all are.
  std::optional<ManifestDigest> newest;
  uint64_t newest_sequence = 0;
  // Withdrawn ones included.
  uint64_t manifest_count = 0;
};

// Which devices. All that is given must hold; nothing given: every device of the tenant.
struct DeviceSelector {
  // An empty part matches any.
  std::optional<DeviceClass> device_class;
  // Each must stand on the device with this value.
  Labels labels;
  // Empty: any.
  std::vector<DeviceId> devices;
};

enum class DeploymentState { kActive, kPaused };

// "These devices hold this manifest component". Removing one makes the next session unlink.
struct Deployment {
  DeploymentId id;
  TenantId tenant;
  // Unique in the tenant.
  std::string name;
  DeviceSelector selector;
  DomainId domain;
  ComponentId manifest_component;
  // The one manifest to install. Absent: always the newest published one.
  std::optional<ManifestDigest> pinned;
  // Dangerous when true: devices without accepted attestation get it too.
  bool unattested_allowed = false;
  // kPaused: installs nothing new and unlinks nothing.
  DeploymentState state = DeploymentState::kActive;
  // Set by the store: 1 at creation, one more with each change.
  uint64_t version = 0;
  // Set by the store.
  absl::Time created;
};

// All that resolving needs of a tenant, read at one moment.
struct CatalogSnapshot {
  uint64_t generation = 0;
  std::vector<Domain> domains;
  std::vector<Deployment> deployments;
  // For each deployment's manifest component: the newest published and the pinned ones.
  std::vector<Manifest> manifests;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_CATALOG_H_
