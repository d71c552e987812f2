#include <algorithm>

#include "storage/memory/state.h"
#include "storage/model/session_rules.h"

namespace tam::storage::memory {

UpdateRecord WithState(const UpdateRow& row, const GuardRow& guard, absl::Time now) {
  UpdateRecord record = row.record;
  const bool in_slot =
      std::any_of(guard.view.slots.begin(), guard.view.slots.end(),
                  [&](const OpenSlot& slot) { return slot.token == record.plan.token; });
  if (record.deadline <= now) {
    record.state = UpdateState::kExpired;
  } else {
    record.state = in_slot ? UpdateState::kOpen : UpdateState::kSuperseded;
  }
  return record;
}

namespace {

// Frees the slots that are past their deadline, and the oldest if the new one finds no room.
void TakeSlot(std::vector<OpenSlot>& slots, const OpenSlot& slot, absl::Time now) {
  std::erase_if(slots, [&](const OpenSlot& s) { return s.deadline <= now; });
  if (slots.size() >= kMaxOpenUpdates) slots.erase(slots.begin());
  slots.push_back(slot);
}

// What one report does to the record of manifests.
class ManifestMover {
 public:
  ManifestMover(DeviceRow& device, const UpdateRecord& update, absl::Time now)
      : device_(device), update_(update), now_(now) {}

  void Unlink(const ComponentId& component) {
    ManifestRow* row = Row(component);
    if (row == nullptr) return;
    row->manifest.installed.reset();
    row->manifest.failure.reset();
  }

  void Settle(const UpdateManifest& manifest, bool installed, const std::string& reason) {
    ManifestRow* row = Row(manifest.manifest_component);
    if (row == nullptr) return;
    row->manifest.domain = manifest.manifest.domain;
    const ManifestDigest& digest = manifest.manifest.digest;
    if (installed) {
      row->manifest.installed = DeviceManifest::Installed{digest, manifest.sequence};
      row->manifest.failure.reset();
    } else {
      row->manifest.failure = DeviceManifest::Failure{digest, manifest.sequence, reason};
    }
  }

 private:
  // Null if the report of a younger update wrote the row.
  ManifestRow* Row(const ComponentId& component) {
    auto [it, fresh] = device_.manifests.try_emplace(component);
    ManifestRow& row = it->second;
    if (!fresh && row.opened > update_.opened) return nullptr;
    row.manifest.manifest_component = component;
    row.manifest.changed = now_;
    row.opened = update_.opened;
    return &row;
  }

  DeviceRow& device_;
  const UpdateRecord& update_;
  const absl::Time now_;
};

class MemorySessionStore : public SessionStore {
 public:
  explicit MemorySessionStore(State& state) : state_(state) {}

  absl::StatusOr<KeyLookup> Lookup(const TenantId& tenant, const EndpointId& endpoint,
                                   const KeyThumbprint& key, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto claim = state_.key_claims.find({tenant, key});
    if (claim == state_.key_claims.end()) return Missing("key");
    KeyLookup found;
    found.device = claim->second.device;
    found.now = state_.now();
    auto pseudonym =
        state_.pseudonyms.find({tenant, absl::StrCat("device/", found.device.ToString())});
    if (pseudonym != state_.pseudonyms.end()) found.pseudonym = pseudonym->second;
    if (claim->second.banned) {
      found.key_state = DeviceKeyState::kBanned;
      return found;
    }
    const DeviceRef ref(tenant, found.device);
    const DeviceRow& row = state_.devices[ref];
    const DeviceKey& device_key = row.keys.at(key);
    if (std::count(device_key.endpoints.begin(), device_key.endpoints.end(), endpoint) == 0) {
      return Missing("key");
    }
    FillDevice(row, device_key, found);
    if (device_key.state != DeviceKeyState::kRetired) FillGuard(ref, row, endpoint, key, found);
    return found;
  }

  absl::StatusOr<std::vector<Bytes>> ListEndpointKeys(const TenantId& tenant,
                                                      const EndpointId& endpoint, size_t max,
                                                      CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::map<KeyThumbprint, Bytes> found;
    for (const auto& [ref, row] : state_.devices) {
      if (ref.first != tenant) continue;
      for (const auto& [thumbprint, key] : row.keys) {
        if (key.state != DeviceKeyState::kPending && key.state != DeviceKeyState::kActive) continue;
        if (std::count(key.endpoints.begin(), key.endpoints.end(), endpoint) == 0) continue;
        found.emplace(thumbprint, key.public_key);
      }
    }
    if (found.size() > max) return TooManyKeys(max);
    std::vector<Bytes> keys;
    for (auto& [thumbprint, key] : found) keys.push_back(std::move(key));
    return keys;
  }

  absl::StatusOr<AcceptResult> Accept(const AcceptRequest& request, CallDeadline) override {
    if (absl::Status s = CheckAcceptRequest(request); !s.ok()) return s;
    std::lock_guard lock(state_.mutex);
    GuardRow* guard = FindGuard(request.tenant, request.device, request.pending, request.key);
    if (guard == nullptr) return AcceptResult{AcceptOutcome::kKeyNotActive, std::nullopt};
    const absl::Time now = state_.now();
    const bool future = request.challenge.issued_ms > absl::ToUnixMillis(now) + kMaxClockSkewMs;
    const bool newer = !guard->view.last_challenge.has_value() ||
                       request.challenge.issued_ms > guard->view.last_challenge->issued_ms;
    if (newer && !future) {
      if (absl::Status s = Claim(request); !s.ok()) return s;
      return Open(request, *guard, now);
    }
    if (guard->view.last_message == request.message) return Again(request, *guard, now);
    return AcceptResult{future ? AcceptOutcome::kFuture : AcceptOutcome::kUsed, std::nullopt};
  }

  absl::StatusOr<ReportResult> Report(const ReportRequest& request, CallDeadline) override {
    if (absl::Status s = CheckReportRequest(request); !s.ok()) return s;
    std::lock_guard lock(state_.mutex);
    GuardRow* guard = FindGuard(request.tenant, request.device, request.pending, request.key);
    if (guard == nullptr) return ReportResult{ReportOutcome::kKeyNotActive, std::nullopt};
    DeviceRow& device = state_.devices[{request.tenant, request.device}];
    auto it = device.updates.find(request.token);
    if (it == device.updates.end() || it->second.record.endpoint != request.endpoint ||
        it->second.lane != Lane(request.pending, request.key)) {
      return ReportResult{Unanswerable(device, request), std::nullopt};
    }
    ReportResult result{ReportOutcome::kRecorded, Close(request, it->second.record)};
    device.updates.erase(it);
    std::erase_if(guard->view.slots,
                  [&](const OpenSlot& slot) { return slot.token == request.token; });
    device.closed.push_back({*result.update, request.err_code, request.err_msg});
    if (!request.pending) Move(request, *result.update, device);
    state_.Append(request.audit);
    return result;
  }

 private:
  static KeyThumbprint Lane(bool pending, const KeyThumbprint& key) {
    return pending ? key : KeyThumbprint();
  }

  GuardRow* FindGuard(const TenantId& tenant, const DeviceId& device, bool pending,
                      const KeyThumbprint& key) {
    auto it = state_.guards.find({{tenant, device}, Lane(pending, key)});
    if (it == state_.guards.end() || !it->second.keys.contains(key)) return nullptr;
    return &it->second;
  }

  static void FillDevice(const DeviceRow& row, const DeviceKey& key, KeyLookup& found) {
    found.device_name = row.device.name;
    found.device_class = row.device.device_class;
    found.labels = row.device.labels;
    found.ueid = row.device.ueid;
    found.public_key = key.public_key;
    found.key_state = key.state;
    found.back_off_until = row.back_off_until;
    if (key.state != DeviceKeyState::kActive) return;
    if (row.last_attestation.has_value()) found.last_result = row.last_attestation->result;
    for (const auto& [component, manifest] : row.manifests) {
      found.manifests.push_back(manifest.manifest);
    }
  }

  void FillGuard(const DeviceRef& ref, const DeviceRow& row, const EndpointId& endpoint,
                 const KeyThumbprint& key, KeyLookup& found) {
    const KeyThumbprint lane = Lane(found.key_state == DeviceKeyState::kPending, key);
    const GuardRow& guard = state_.guards[{ref, lane}];
    found.guard = guard.view;
    for (const auto& [token, update] : row.updates) {
      if (update.lane != lane) continue;
      UpdateRecord record = WithState(update, guard, found.now);
      if (guard.view.last_token == token && record.endpoint == endpoint) {
        found.last_update = record;
      }
      if (record.state == UpdateState::kOpen && record.endpoint == endpoint) {
        found.open_updates.push_back(std::move(record));
      }
    }
    std::stable_sort(
        found.open_updates.begin(), found.open_updates.end(),
        [](const UpdateRecord& a, const UpdateRecord& b) { return a.opened > b.opened; });
  }

  absl::Status Claim(const AcceptRequest& request) {
    if (!request.identity.has_value()) return absl::OkStatus();
    const IdentityClaim& claim = *request.identity;
    Device& device = state_.devices[{request.tenant, request.device}].device;
    if (!device.ueid.empty() && device.ueid != claim.ueid) {
      return absl::FailedPreconditionError("device.ueid: want the one it has, got another");
    }
    const bool new_class =
        device.device_class == DeviceClass() && claim.device_class != DeviceClass();
    const bool new_ueid = device.ueid.empty();
    if (!new_class && !new_ueid) return absl::OkStatus();
    if (new_ueid &&
        !state_.ueid_claims.emplace(std::pair(request.tenant, claim.ueid), request.device).second) {
      return Taken("device.ueid");
    }
    device.ueid = claim.ueid;
    if (new_class) device.device_class = claim.device_class;
    ++device.version;
    state_.Append(claim.audit);
    return absl::OkStatus();
  }

  // At most kMaxKeptUpdates of a lane, not one of which has a slot: many may be opened in one
  // moment.
  static void DropOldest(DeviceRow& device, const KeyThumbprint& lane,
                         const std::vector<OpenSlot>& slots) {
    auto oldest = device.updates.end();
    int kept = 0;
    for (auto it = device.updates.begin(); it != device.updates.end(); ++it) {
      if (it->second.lane != lane) continue;
      ++kept;
      const bool has_slot = std::any_of(slots.begin(), slots.end(), [&](const OpenSlot& slot) {
        return slot.token == it->first;
      });
      const bool older =
          oldest == device.updates.end() || it->second.record.opened < oldest->second.record.opened;
      if (!has_slot && older) oldest = it;
    }
    if (kept > kMaxKeptUpdates && oldest != device.updates.end()) device.updates.erase(oldest);
  }

  AcceptResult Open(const AcceptRequest& request, GuardRow& guard, absl::Time now) {
    AcceptResult result{AcceptOutcome::kOpened, std::nullopt};
    DeviceRow& device = state_.devices[{request.tenant, request.device}];
    guard.view.last_challenge = request.challenge;
    guard.view.last_message = request.message;
    guard.view.last_token.reset();
    if (request.update.has_value()) {
      UpdateRecord record{*request.update,
                          request.endpoint,
                          request.key,
                          UpdateState::kOpen,
                          now,
                          now + request.update_lifetime,
                          /*closed=*/std::nullopt};
      guard.view.last_token = record.plan.token;
      TakeSlot(guard.view.slots, {record.plan.token, record.deadline}, now);
      const KeyThumbprint lane = Lane(request.pending, request.key);
      device.updates[record.plan.token] = {record, lane};
      DropOldest(device, lane, guard.view.slots);
      result.update = std::move(record);
    }
    if (!request.pending) Record(request, device, now);
    state_.Append(request.audit);
    return result;
  }

  static void Record(const AcceptRequest& request, DeviceRow& device, absl::Time now) {
    device.last_contact = now;
    if (!request.reported_state.empty()) device.reported_state = request.reported_state;
    if (request.back_off > absl::ZeroDuration()) device.back_off_until = now + request.back_off;
    if (!request.attestation.has_value()) return;
    device.last_attestation = request.attestation;
    device.last_attestation->at = now;
  }

  AcceptResult Again(const AcceptRequest& request, const GuardRow& guard, absl::Time now) {
    if (!guard.view.last_token.has_value()) return {AcceptOutcome::kSameAgain, std::nullopt};
    const DeviceRow& device = state_.devices[{request.tenant, request.device}];
    auto it = device.updates.find(*guard.view.last_token);
    if (it == device.updates.end()) return {AcceptOutcome::kAnswered, std::nullopt};
    UpdateRecord record = WithState(it->second, guard, now);
    if (record.endpoint != request.endpoint) return {AcceptOutcome::kUsed, std::nullopt};
    switch (record.state) {
      case UpdateState::kExpired:
        return {AcceptOutcome::kExpired, std::nullopt};
      case UpdateState::kSuperseded:
        return {AcceptOutcome::kSuperseded, std::nullopt};
      default:
        return {AcceptOutcome::kSameAgain, std::move(record)};
    }
  }

  static ReportOutcome Unanswerable(const DeviceRow& device, const ReportRequest& request) {
    const bool answered =
        std::any_of(device.closed.begin(), device.closed.end(), [&](const ClosedUpdate& closed) {
          return closed.update.plan.token == request.token &&
                 closed.update.endpoint == request.endpoint;
        });
    return answered ? ReportOutcome::kAlreadyAnswered : ReportOutcome::kUnknownToken;
  }

  UpdateRecord Close(const ReportRequest& request, const UpdateRecord& open) {
    UpdateRecord record = open;
    record.state = request.success ? UpdateState::kSucceeded : UpdateState::kFailed;
    record.closed = state_.now();
    return record;
  }

  // By our record, or once an update that was sent is answered: of others no row is kept.
  static bool MayBeThere(const DeviceRow& device, const ComponentId& component) {
    if (device.manifests.count(component) > 0) return true;
    return std::any_of(device.updates.begin(), device.updates.end(), [&](const auto& update) {
      const auto& manifests = update.second.record.plan.manifests;
      return std::any_of(manifests.begin(), manifests.end(), [&](const UpdateManifest& m) {
        return m.manifest_component == component;
      });
    });
  }

  static void Move(const ReportRequest& request, const UpdateRecord& update, DeviceRow& device) {
    const absl::Time now = *update.closed;
    device.last_contact = now;
    if (request.success) device.back_off_until.reset();
    if (request.back_off > absl::ZeroDuration()) device.back_off_until = now + request.back_off;
    ManifestMover mover(device, update, now);
    for (const ComponentId& component : update.plan.unlinks) {
      const bool replaced =
          std::any_of(update.plan.manifests.begin(), update.plan.manifests.end(),
                      [&](const UpdateManifest& m) { return m.manifest_component == component; });
      if (request.success && !replaced && MayBeThere(device, component)) mover.Unlink(component);
    }
    for (const UpdateManifest& manifest : update.plan.manifests) {
      auto report = std::find_if(
          request.manifests.begin(), request.manifests.end(),
          [&](const ManifestReport& r) { return r.digest == manifest.manifest.digest; });
      const bool named = report != request.manifests.end();
      mover.Settle(manifest, named ? report->installed : request.success,
                   named ? report->reason : request.err_msg);
    }
  }

  State& state_;
};

}  // namespace

std::unique_ptr<SessionStore> NewSessionStore(State& state) {
  return std::make_unique<MemorySessionStore>(state);
}

}  // namespace tam::storage::memory
