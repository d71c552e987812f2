// What a TEEP session reads and writes: the guard of a device, updates, and the outcomes.

#ifndef TAMARACK_STORAGE_MODEL_SESSION_H_
#define TAMARACK_STORAGE_MODEL_SESSION_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/audit.h"
#include "storage/model/catalog.h"
#include "storage/model/component_id.h"
#include "storage/model/device.h"
#include "storage/model/id.h"

namespace tam::storage {

// A device holds at most so many unanswered updates; one more supersedes the oldest.
inline constexpr int kMaxOpenUpdates = 4;
// Of those without an answer so many are kept, superseded and expired ones included, since a late
// report still counts; one more drops the oldest, so that a device which attests in a loop and
// answers nothing does not fill the table.
inline constexpr int kMaxKeptUpdates = 64;
// How far ahead of the database's clock an issue time may lie.
inline constexpr int64_t kMaxClockSkewMs = 1000;

// A challenge as the guard orders it: issue times must increase.
struct ChallengePoint {
  // Milliseconds since the Unix epoch.
  int64_t issued_ms = 0;
  ChallengeRandom random;

  friend bool operator==(const ChallengePoint&, const ChallengePoint&) = default;
};

struct UpdateManifest {
  ManifestRef manifest;
  ComponentId manifest_component;
  uint64_t sequence = 0;

  friend bool operator==(const UpdateManifest&, const UpdateManifest&) = default;
};

// The decided content of an Update message; the message itself is signed anew each time.
struct UpdatePlan {
  // Random, from the caller.
  UpdateToken token;
  std::vector<UpdateManifest> manifests;
  // Manifest component identifiers to remove first.
  std::vector<ComponentId> unlinks;
  // TEEP err-code, absent where the update bears none.
  std::optional<uint32_t> err_code;
  std::string err_msg;
  // The catalogue's generation that the plan was made from.
  uint64_t catalog_generation = 0;

  friend bool operator==(const UpdatePlan&, const UpdatePlan&) = default;
};

enum class UpdateState {
  kOpen,
  kSucceeded,
  kFailed,
  // A fifth update took its slot; a late report still counts.
  kSuperseded,
  // Past its deadline; a late report still counts.
  kExpired,
};

struct UpdateRecord {
  UpdatePlan plan;
  EndpointId endpoint;
  // The key whose message opened it.
  KeyThumbprint key;
  UpdateState state = UpdateState::kOpen;
  absl::Time opened;
  absl::Time deadline;
  // When it was answered.
  std::optional<absl::Time> closed;
};

struct OpenSlot {
  UpdateToken token;
  absl::Time deadline;
};

// The guard row of a device's active keys, or of one pending key.
struct GuardView {
  // Absent: nothing was ever accepted.
  std::optional<ChallengePoint> last_challenge;
  std::optional<MessageDigest> last_message;
  // The update that the last message opened. Absent: it opened none.
  std::optional<UpdateToken> last_token;
  // Oldest first; some may be past their deadline.
  std::vector<OpenSlot> slots;
};

// What a key is at an endpoint.
struct KeyLookup {
  DeviceId device;
  // Of the subject "device/{device}". Absent: none was made yet.
  std::optional<Pseudonym> pseudonym;
  std::string device_name;
  DeviceClass device_class;
  Labels labels;
  Bytes ueid;
  // COSE_Key bytes. Empty for a banned key.
  Bytes public_key;
  DeviceKeyState key_state = DeviceKeyState::kActive;
  // Errors of this device hold off updates until then.
  std::optional<absl::Time> back_off_until;
  // The Attestation Result that was recorded last. Empty: none, or the key is not active.
  Bytes last_result;
  GuardView guard;
  // Of the device, whichever key looked up; empty for a key that is not active.
  std::vector<DeviceManifest> manifests;
  // The update of guard.last_token. Absent: the last message opened none, or it was answered.
  std::optional<UpdateRecord> last_update;
  // Updates of this endpoint through this guard that are open, newest first.
  std::vector<UpdateRecord> open_updates;
  // The database's clock.
  absl::Time now;
};

// What accepted evidence proves of a device.
struct IdentityClaim {
  // Not empty.
  Bytes ueid;
  // The device's own from now on, if it has none.
  DeviceClass device_class;
  // Written if the claim is new to the device. Its tenant and device must be the request's.
  AuditEntry audit;
};

// One QueryResponse whose signature verified.
struct AcceptRequest {
  TenantId tenant;
  EndpointId endpoint;
  DeviceId device;
  KeyThumbprint key;
  // From the lookup: a pending key has a guard of its own, and its request may bear neither
  // manifests, nor unlinks, nor a report of state.
  bool pending = false;
  ChallengePoint challenge;
  MessageDigest message;
  // Absent on an endpoint that asks for no attestation. kRefused: nothing else in the message is
  // believed, so `reported_state` must be empty and an update may bear an err-code only.
  std::optional<AttestationRecord> attestation;
  // Claimed if the request is accepted, else not. Only with an accepted attestation, and never from
  // a pending key.
  std::optional<IdentityClaim> identity;
  // What the device said it holds, in the caller's encoding.
  Bytes reported_state;
  // Absent: the answer is 204.
  std::optional<UpdatePlan> update;
  // From now until the update's deadline.
  absl::Duration update_lifetime = absl::Hours(1);
  // The message is an Error in a QueryResponse's place: hold off updates for so long. Zero: what
  // holds already stays. Ignored for a pending key; no attestation, reported_state or update may
  // come with it.
  absl::Duration back_off = absl::ZeroDuration();
  // Written if the request is accepted. Its tenant and device must be these.
  AuditEntry audit;
};

enum class AcceptOutcome {
  // The challenge is used up and all was recorded.
  kOpened,
  // This very message was accepted before; its answer still holds.
  kSameAgain,
  // This very message was accepted before, and its update has been answered, ...
  kAnswered,
  // ... superseded, ...
  kSuperseded,
  // ... or is past its deadline.
  kExpired,
  // This challenge, or a later one, was accepted with another message.
  kUsed,
  // Issued ahead of the database's clock.
  kFuture,
  // The key is unknown, retired, banned, or not in this guard.
  kKeyNotActive,
};

struct AcceptResult {
  AcceptOutcome outcome = AcceptOutcome::kKeyNotActive;
  // kOpened and kSameAgain: the update, absent where the message opened none.
  std::optional<UpdateRecord> update;
};

// The report on one manifest of an update.
struct ManifestReport {
  ManifestDigest digest;
  bool installed = false;
  // Why not.
  std::string reason;
};

// A Success or an Error with a token, signature verified.
struct ReportRequest {
  TenantId tenant;
  EndpointId endpoint;
  DeviceId device;
  KeyThumbprint key;
  bool pending = false;
  UpdateToken token;
  // Success: what the update told to unlink is gone. Error: it is not.
  bool success = false;
  // What happened to each manifest of the update. One not named here is as `success` says; one that
  // the update does not bear is ignored.
  std::vector<ManifestReport> manifests;
  // For Errors: hold off further updates for so long. Zero: not at all. A Success clears it.
  absl::Duration back_off = absl::ZeroDuration();
  // For Errors: err-code and text, kept with the update.
  std::optional<uint32_t> err_code;
  std::string err_msg;
  // Written if the report counts. Its tenant and device must be these.
  AuditEntry audit;
};

enum class ReportOutcome {
  // It counted, late or not.
  kRecorded,
  // The update was answered before.
  kAlreadyAnswered,
  // The device has no update of this token at this endpoint.
  kUnknownToken,
  // The key is unknown, retired, banned, or not in this guard.
  kKeyNotActive,
};

struct ReportResult {
  ReportOutcome outcome = ReportOutcome::kAlreadyAnswered;
  // kRecorded: the update as closed.
  std::optional<UpdateRecord> update;
};

// A device's closed update, for people to read.
struct ClosedUpdate {
  UpdateRecord update;
  std::optional<uint32_t> err_code;
  std::string err_msg;
};

// All that the TAM knows of a device, for people to read.
struct DeviceRecord {
  Device device;
  std::vector<DeviceKey> keys;
  std::vector<DeviceManifest> manifests;
  std::optional<AttestationRecord> last_attestation;
  // What the device last said it holds, as AcceptRequest gave it.
  Bytes reported_state;
  std::vector<UpdateRecord> open_updates;
  // Newest first, at most 10.
  std::vector<ClosedUpdate> closed_updates;
  // Time of the last accepted QueryResponse or report.
  std::optional<absl::Time> last_contact;
  std::optional<absl::Time> back_off_until;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MODEL_SESSION_H_
