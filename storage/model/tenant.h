// Tenants and their endpoints.

#ifndef TAMARACK_STORAGE_MODEL_TENANT_H_
#define TAMARACK_STORAGE_MODEL_TENANT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "storage/model/id.h"

namespace tam::storage {

enum class TenantState { kActive, kSuspended };

struct Tenant {
  TenantId id;
  // [a-z][a-z0-9-]{0,62}, unique. Stores do not check the shape.
  std::string name;
  std::string display_name;
  TenantState state = TenantState::kActive;
  // Set by the store: 1 at creation, one more with each change.
  uint64_t version = 0;
  // Set by the store.
  absl::Time created;
};

// Which numbering and shapes of TEEP messages an endpoint speaks (TEEP.md section 0).
enum class WireProfile { kDraft26, kLegacy };

// What an endpoint of the legacy profile takes beyond draft-26.
struct LegacyOptions {
  enum class Sign1 { kNone, kEsp256, kEd25519 };

  bool older_algorithms = false;
  bool untagged = false;
  bool keys_without_kid = false;
  // With which suite QueryRequests are a COSE_Sign1. kNone: COSE_Sign by both.
  Sign1 sign1 = Sign1::kNone;

  friend bool operator==(const LegacyOptions&, const LegacyOptions&) = default;
};

// What a session at an endpoint obeys. Grows with each update, and the one before stays readable,
// so that challenges handed out under it can still be answered.
struct EndpointConfig {
  // Set by the store: 1 at creation, then one more with each update.
  uint64_t generation = 0;
  WireProfile wire_profile = WireProfile::kDraft26;
  bool attestation_required = true;
  // TEEP data-item-requested bits to ask for. Stores do not check that they agree with
  // attestation_required.
  uint32_t data_items = 11;
  // How long a challenge may be answered. Whole seconds, like the next.
  absl::Duration challenge_lifetime = absl::Hours(6);
  // How long an update waits for its answer.
  absl::Duration update_lifetime = absl::Hours(24);
  // The largest message accepted, bytes.
  uint64_t max_message_bytes = 1048576;
  // What an endpoint that asks for attestation may do besides (v1.Endpoint); stores do not check
  // that it does.
  bool passport = false;
  bool timestamps = false;
  bool return_results = false;
  // Stores do not check that these are the defaults where wire_profile is not kLegacy.
  LegacyOptions legacy;

  friend bool operator==(const EndpointConfig&, const EndpointConfig&) = default;
};

// A TAM URI.
struct Endpoint {
  EndpointId id;
  TenantId tenant;
  // Unique in the tenant.
  std::string name;
  // The URI's path, such as "/tam/acme/main". Unique everywhere.
  std::string path;
  EndpointConfig current;
  std::optional<EndpointConfig> previous;
  // Set by the store.
  absl::Time created;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_TENANT_H_
