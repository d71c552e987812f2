#include <algorithm>

#include "storage/memory/state.h"

namespace tam::storage::memory {
namespace {

absl::Status CheckNewKey(State& state, const TenantId& tenant, const DeviceKey& key) {
  if (key.state != DeviceKeyState::kActive && key.state != DeviceKeyState::kPending) {
    return absl::InvalidArgumentError("key.state: want active or pending, got another");
  }
  auto claim = state.key_claims.find({tenant, key.thumbprint});
  if (claim == state.key_claims.end()) return absl::OkStatus();
  if (!claim->second.banned) return Taken("key.thumbprint");
  return absl::PermissionDeniedError(
      "key.thumbprint: want one that is not banned, got a banned one");
}

void EnterGuard(State& state, const DeviceRef& device, const KeyThumbprint& key, bool pending) {
  state.guards[{device, pending ? key : KeyThumbprint()}].keys.insert(key);
}

void LeaveGuard(State& state, const DeviceRef& device, const KeyThumbprint& key,
                DeviceKeyState from) {
  if (from == DeviceKeyState::kPending) {
    state.guards.erase({device, key});
  } else {
    state.guards[{device, KeyThumbprint()}].keys.erase(key);
  }
}

void AddKey(State& state, const DeviceRef& device, const DeviceKey& key) {
  DeviceKey& row = state.devices[device].keys[key.thumbprint] = key;
  row.created = state.now();
  state.key_claims[{device.first, key.thumbprint}] = {device.second, false};
  EnterGuard(state, device, key.thumbprint, key.state == DeviceKeyState::kPending);
}

class MemoryDeviceStore : public DeviceStore {
 public:
  explicit MemoryDeviceStore(State& state) : state_(state) {}

  absl::Status Create(const Device& device, const std::vector<DeviceKey>& keys,
                      const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const DeviceRef ref(device.tenant, device.id);
    if (state_.devices.contains(ref)) return Taken("device.id");
    if (FindByName(device.tenant, device.name) != nullptr) return Taken("device.name");
    std::set<KeyThumbprint> seen;
    for (const DeviceKey& key : keys) {
      if (absl::Status s = CheckNewKey(state_, device.tenant, key); !s.ok()) return s;
      if (!seen.insert(key.thumbprint).second) return Taken("key.thumbprint");
    }
    if (!device.ueid.empty() &&
        !state_.ueid_claims.emplace(std::pair(device.tenant, device.ueid), device.id).second) {
      return Taken("device.ueid");
    }
    DeviceRow& row = state_.devices[ref];
    row.device = device;
    row.device.version = 1;
    row.device.created = state_.now();
    for (const DeviceKey& key : keys) AddKey(state_, ref, key);
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status Update(const Device& device, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.devices.find({device.tenant, device.id});
    if (it == state_.devices.end()) return Missing("device");
    Device& row = it->second.device;
    if (absl::Status s = CheckVersion(device.version, row.version); !s.ok()) return s;
    const DeviceRow* other = FindByName(device.tenant, device.name);
    if (other != nullptr && other != &it->second) return Taken("device.name");
    row.name = device.name;
    row.device_class = device.device_class;
    row.labels = device.labels;
    ++row.version;
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status Delete(const TenantId& tenant, const DeviceId& id, uint64_t version,
                      const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const DeviceRef ref(tenant, id);
    auto it = state_.devices.find(ref);
    if (it == state_.devices.end()) return Missing("device");
    const Device& device = it->second.device;
    if (absl::Status s = CheckVersion(version, device.version); !s.ok()) return s;
    for (const auto& [thumbprint, key] : it->second.keys) {
      if (key.state != DeviceKeyState::kBanned) state_.key_claims.erase({tenant, thumbprint});
    }
    if (!device.ueid.empty()) state_.ueid_claims.erase({tenant, device.ueid});
    std::erase_if(state_.guards, [&](const auto& guard) { return guard.first.first == ref; });
    std::erase_if(state_.attestation_keys, [&](const auto& key) {
      return key.first.first == tenant && key.second.device == id;
    });
    ++state_.attestation_generation[tenant];
    state_.devices.erase(it);
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Device> Get(const TenantId& tenant, const DeviceId& id, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.devices.find({tenant, id});
    if (it == state_.devices.end()) return Missing("device");
    return it->second.device;
  }

  absl::StatusOr<Device> GetByName(const TenantId& tenant, absl::string_view name,
                                   CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const DeviceRow* row = FindByName(tenant, name);
    if (row == nullptr) return Missing("device");
    return row->device;
  }

  absl::StatusOr<Page<Device>> List(const TenantId& tenant, const PageRequest& page,
                                    CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<Device> rows;
    for (const auto& [ref, row] : state_.devices) {
      if (ref.first == tenant) rows.push_back(row.device);
    }
    return Paginate(rows, page, [](const Device& d) { return RawBytes(d.id); });
  }

 private:
  const DeviceRow* FindByName(const TenantId& tenant, absl::string_view name) {
    for (const auto& [ref, row] : state_.devices) {
      if (ref.first == tenant && row.device.name == name) return &row;
    }
    return nullptr;
  }

  State& state_;
};

class MemoryDeviceKeyStore : public DeviceKeyStore {
 public:
  explicit MemoryDeviceKeyStore(State& state) : state_(state) {}

  absl::StatusOr<std::vector<DeviceKey>> List(const TenantId& tenant, const DeviceId& device,
                                              CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<DeviceKey> keys;
    auto it = state_.devices.find({tenant, device});
    if (it == state_.devices.end()) return keys;
    for (const auto& [thumbprint, key] : it->second.keys) keys.push_back(key);
    std::stable_sort(keys.begin(), keys.end(),
                     [](const DeviceKey& a, const DeviceKey& b) { return a.created < b.created; });
    return keys;
  }

  absl::Status Add(const TenantId& tenant, const DeviceId& device, const DeviceKey& key,
                   const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (!state_.devices.contains({tenant, device})) return Missing("device");
    if (absl::Status s = CheckNewKey(state_, tenant, key); !s.ok()) return s;
    AddKey(state_, {tenant, device}, key);
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status SetState(const TenantId& tenant, const KeyThumbprint& thumbprint, DeviceKeyState to,
                        const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    DeviceKey* key = Find(tenant, thumbprint);
    if (key == nullptr) return Missing("key");
    const DeviceKeyState from = key->state;
    if (!MayMove(from, to)) {
      return absl::FailedPreconditionError("key.state: want a later state, got an earlier one");
    }
    const DeviceRef ref(tenant, state_.key_claims[{tenant, thumbprint}].device);
    if (from != DeviceKeyState::kRetired) LeaveGuard(state_, ref, thumbprint, from);
    if (to == DeviceKeyState::kActive) EnterGuard(state_, ref, thumbprint, false);
    if (to == DeviceKeyState::kBanned) state_.key_claims[{tenant, thumbprint}].banned = true;
    key->state = to;
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status SetEndpoints(const TenantId& tenant, const KeyThumbprint& thumbprint,
                            const std::vector<EndpointId>& endpoints, const AuditEntry& audit,
                            CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    DeviceKey* key = Find(tenant, thumbprint);
    if (key == nullptr) return Missing("key");
    key->endpoints = endpoints;
    state_.Append(audit);
    return absl::OkStatus();
  }

 private:
  // The states stand in the order of a key's life.
  static bool MayMove(DeviceKeyState from, DeviceKeyState to) {
    return static_cast<int>(from) < static_cast<int>(to);
  }

  DeviceKey* Find(const TenantId& tenant, const KeyThumbprint& thumbprint) {
    auto claim = state_.key_claims.find({tenant, thumbprint});
    if (claim == state_.key_claims.end()) return nullptr;
    auto device = state_.devices.find({tenant, claim->second.device});
    if (device == state_.devices.end()) return nullptr;
    auto key = device->second.keys.find(thumbprint);
    return key == device->second.keys.end() ? nullptr : &key->second;
  }

  State& state_;
};

class MemoryDeviceRecordReader : public DeviceRecordReader {
 public:
  explicit MemoryDeviceRecordReader(State& state) : state_(state) {}

  absl::StatusOr<DeviceRecord> Show(const TenantId& tenant, const DeviceId& id,
                                    CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.devices.find({tenant, id});
    if (it == state_.devices.end()) return Missing("device");
    const DeviceRow& row = it->second;
    DeviceRecord record;
    record.device = row.device;
    for (const auto& [thumbprint, key] : row.keys) record.keys.push_back(key);
    for (const auto& [component, manifest] : row.manifests) {
      record.manifests.push_back(manifest.manifest);
    }
    record.last_attestation = row.last_attestation;
    record.reported_state = row.reported_state;
    record.last_contact = row.last_contact;
    record.back_off_until = row.back_off_until;
    for (const auto& [token, update] : row.updates) {
      record.open_updates.push_back(
          WithState(update, state_.guards[{it->first, update.lane}], state_.now()));
    }
    std::stable_sort(
        record.open_updates.begin(), record.open_updates.end(),
        [](const UpdateRecord& a, const UpdateRecord& b) { return a.opened > b.opened; });
    for (auto closed = row.closed.rbegin();
         closed != row.closed.rend() && record.closed_updates.size() < 10; ++closed) {
      record.closed_updates.push_back(*closed);
    }
    return record;
  }

 private:
  State& state_;
};

}  // namespace

std::unique_ptr<DeviceStore> NewDeviceStore(State& state) {
  return std::make_unique<MemoryDeviceStore>(state);
}
std::unique_ptr<DeviceKeyStore> NewDeviceKeyStore(State& state) {
  return std::make_unique<MemoryDeviceKeyStore>(state);
}
std::unique_ptr<DeviceRecordReader> NewDeviceRecordReader(State& state) {
  return std::make_unique<MemoryDeviceRecordReader>(state);
}

}  // namespace tam::storage::memory
