#include <algorithm>

#include "storage/memory/state.h"

namespace tam::storage::memory {
namespace {

void Commit(State& state, const TenantId& tenant, const AuditEntry& audit) {
  ++state.attestation_generation[tenant];
  state.Append(audit);
}

class MemoryAttestationStore : public AttestationStore {
 public:
  explicit MemoryAttestationStore(State& state) : state_(state) {}

  absl::Status AddKey(const AttestationKey& key, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (key.device.has_value() == key.device_class.has_value()) {
      return absl::InvalidArgumentError(
          "attestation-key: want a device or a class, got both or none");
    }
    auto [it, fresh] = state_.attestation_keys.emplace(std::pair(key.tenant, key.thumbprint), key);
    if (!fresh) return Taken("attestation-key");
    it->second.created = state_.now();
    Commit(state_, key.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status RemoveKey(const TenantId& tenant, const KeyThumbprint& key, const AuditEntry& audit,
                         CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (state_.attestation_keys.erase({tenant, key}) == 0) return Missing("attestation-key");
    Commit(state_, tenant, audit);
    return absl::OkStatus();
  }

  absl::StatusOr<Page<AttestationKey>> ListKeys(const TenantId& tenant,
                                                const std::optional<DeviceId>& device,
                                                const PageRequest& page, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<AttestationKey> rows;
    for (const auto& [key, row] : state_.attestation_keys) {
      if (key.first == tenant && (!device.has_value() || row.device == device)) rows.push_back(row);
    }
    return Paginate(rows, page, [](const AttestationKey& key) { return RawBytes(key.thumbprint); });
  }

  absl::StatusOr<AttestationPolicy> GetPolicy(const TenantId& tenant, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.policies.find(tenant);
    return it == state_.policies.end() ? AttestationPolicy() : it->second;
  }

  absl::Status SetPolicy(const TenantId& tenant, const AttestationPolicy& policy,
                         const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const uint64_t version = state_.policies[tenant].version;
    if (absl::Status s = CheckVersion(policy.version, version); !s.ok()) return s;
    state_.policies[tenant] = policy;
    state_.policies[tenant].version = version + 1;
    Commit(state_, tenant, audit);
    return absl::OkStatus();
  }

 private:
  State& state_;
};

class MemoryReferenceValueStore : public ReferenceValueStore {
 public:
  explicit MemoryReferenceValueStore(State& state) : state_(state) {}

  absl::Status Create(const ReferenceValue& value, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    for (const auto& [key, row] : state_.reference_values) {
      if (key.first == value.tenant &&
          (row.name == value.name ||
           (row.device_class == value.device_class && row.measurement == value.measurement))) {
        return Taken("reference-value");
      }
    }
    ReferenceValue& row = state_.reference_values[{value.tenant, value.name}] = value;
    row.version = 1;
    row.created = state_.now();
    Commit(state_, value.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status Update(const ReferenceValue& value, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.reference_values.find({value.tenant, value.name});
    if (it == state_.reference_values.end()) return Missing("reference-value");
    if (absl::Status s = CheckVersion(value.version, it->second.version); !s.ok()) return s;
    it->second.digests = value.digests;
    ++it->second.version;
    Commit(state_, value.tenant, audit);
    return absl::OkStatus();
  }

  absl::Status Delete(const TenantId& tenant, absl::string_view name, uint64_t version,
                      const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.reference_values.find({tenant, std::string(name)});
    if (it == state_.reference_values.end()) return Missing("reference-value");
    if (absl::Status s = CheckVersion(version, it->second.version); !s.ok()) return s;
    state_.reference_values.erase(it);
    Commit(state_, tenant, audit);
    return absl::OkStatus();
  }

  absl::StatusOr<ReferenceValue> Get(const TenantId& tenant, absl::string_view name,
                                     CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.reference_values.find({tenant, std::string(name)});
    if (it == state_.reference_values.end()) return Missing("reference-value");
    return it->second;
  }

  absl::StatusOr<Page<ReferenceValue>> List(const TenantId& tenant, const PageRequest& page,
                                            CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<ReferenceValue> rows;
    for (const auto& [key, row] : state_.reference_values) {
      if (key.first == tenant) rows.push_back(row);
    }
    return Paginate(rows, page, [](const ReferenceValue& value) { return value.name; });
  }

 private:
  State& state_;
};

class MemoryAppraisalReader : public AppraisalReader {
 public:
  explicit MemoryAppraisalReader(State& state) : state_(state) {}

  absl::StatusOr<uint64_t> Generation(const TenantId& tenant, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.attestation_generation.find(tenant);
    return it == state_.attestation_generation.end() ? 0 : it->second;
  }

  absl::StatusOr<AppraisalInputs> Inputs(const TenantId& tenant, const DeviceId& device,
                                         const DeviceClass& device_class, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    AppraisalInputs inputs;
    auto generation = state_.attestation_generation.find(tenant);
    if (generation != state_.attestation_generation.end()) inputs.generation = generation->second;
    for (const auto& [key, row] : state_.attestation_keys) {
      if (key.first != tenant) continue;
      if (row.device == device || row.device_class == device_class) inputs.keys.push_back(row);
    }
    for (const auto& [key, row] : state_.reference_values) {
      if (key.first == tenant && row.device_class == device_class) {
        inputs.reference_values.push_back(row);
      }
    }
    auto policy = state_.policies.find(tenant);
    if (policy != state_.policies.end()) inputs.policy = policy->second;
    return inputs;
  }

 private:
  State& state_;
};

class MemorySigningStore : public SigningStore {
 public:
  explicit MemorySigningStore(State& state) : state_(state) {}

  absl::Status AddKey(const SigningKey& key, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    return Add(key, audit);
  }

  absl::Status AddFirstKey(const SigningKey& key, const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    for (const auto& [thumbprint, other] : state_.signing_keys) {
      if (other.tenant == key.tenant && other.purpose == key.purpose &&
          other.algorithm == key.algorithm && other.state != SigningKeyState::kStandby) {
        return Taken("signing-key");
      }
    }
    return Add(key, audit);
  }

  absl::Status ActivateKey(const TenantId& tenant, const KeyThumbprint& key,
                           const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.signing_keys.find(key);
    if (it == state_.signing_keys.end() || it->second.tenant != tenant)
      return Missing("signing-key");
    SigningKey& row = it->second;
    if (row.state == SigningKeyState::kActive) return absl::OkStatus();
    if (row.state != SigningKeyState::kStandby) {
      return absl::FailedPreconditionError("signing-key.state: want standby");
    }
    RetireActive(row);
    row.state = SigningKeyState::kActive;
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::Status SetKeyState(const TenantId& tenant, const KeyThumbprint& key, SigningKeyState to,
                           const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.signing_keys.find(key);
    if (it == state_.signing_keys.end() || it->second.tenant != tenant)
      return Missing("signing-key");
    SigningKey& row = it->second;
    if (row.state == to && to == SigningKeyState::kRetired) return absl::OkStatus();
    if (to == SigningKeyState::kActive || to == SigningKeyState::kStandby ||
        row.state == SigningKeyState::kDestroyed) {
      return absl::FailedPreconditionError(
          "signing-key.state: want a later state, got an earlier one");
    }
    if (!row.retired.has_value()) row.retired = state_.now();
    row.state = to;
    if (to == SigningKeyState::kDestroyed) row.wrapped_private_key.clear();
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<SigningKey> GetKey(const TenantId& tenant, const KeyThumbprint& key,
                                    CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.signing_keys.find(key);
    if (it == state_.signing_keys.end() || it->second.tenant != tenant)
      return Missing("signing-key");
    return it->second;
  }

  absl::StatusOr<std::vector<SigningKey>> ListKeys(const TenantId& tenant, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<SigningKey> keys;
    for (const auto& [thumbprint, key] : state_.signing_keys) {
      if (key.tenant == tenant) keys.push_back(key);
    }
    std::stable_sort(keys.begin(), keys.end(), [](const SigningKey& a, const SigningKey& b) {
      return a.created > b.created;
    });
    return keys;
  }

  absl::StatusOr<KeyCertificate> AddCertificate(const KeyCertificate& certificate,
                                                const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.signing_keys.find(certificate.key);
    if (it == state_.signing_keys.end() || it->second.tenant != certificate.tenant) {
      return Missing("signing-key");
    }
    if (!MayBeCertified(it->second.state)) return SignsNoMore();
    auto& all = state_.key_certificates[certificate.key];
    int count = 0;
    for (const auto& other : all) {
      if (!other.has_value()) continue;
      if (other->chain == certificate.chain) return Taken("key-certificate");
      ++count;
    }
    if (count >= kMaxKeyCertificates) return TooManyCertificates();
    KeyCertificate row = certificate;
    row.position = static_cast<int32_t>(all.size());
    row.created = state_.now();
    all.push_back(row);
    state_.Append(audit);
    return row;
  }

  absl::Status RemoveCertificate(const TenantId& tenant, const KeyThumbprint& key, int32_t position,
                                 const AuditEntry& audit, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.key_certificates.find(key);
    if (it == state_.key_certificates.end() || position < 0 ||
        static_cast<size_t>(position) >= it->second.size()) {
      return Missing("key-certificate");
    }
    auto& row = it->second[static_cast<size_t>(position)];
    if (!row.has_value() || row->tenant != tenant) return Missing("key-certificate");
    row.reset();
    state_.Append(audit);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<KeyCertificate>> ListCertificates(const TenantId& tenant,
                                                               CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<KeyCertificate> found;
    for (const auto& [key, all] : state_.key_certificates) {
      for (const auto& row : all) {
        if (row.has_value() && row->tenant == tenant) found.push_back(*row);
      }
    }
    return found;
  }

 private:
  // The lock is held.
  absl::Status Add(const SigningKey& key, const AuditEntry& audit) {
    if (state_.signing_keys.contains(key.thumbprint)) return Taken("signing-key");
    const bool standby = key.state == SigningKeyState::kStandby;
    if (!standby) RetireActive(key);
    SigningKey& row = state_.signing_keys[key.thumbprint] = key;
    row.state = standby ? SigningKeyState::kStandby : SigningKeyState::kActive;
    row.retired.reset();
    row.created = state_.now();
    state_.Append(audit);
    return absl::OkStatus();
  }

  // Those of the same use as `key`. The lock is held.
  void RetireActive(const SigningKey& key) {
    for (auto& [thumbprint, other] : state_.signing_keys) {
      if (other.tenant == key.tenant && other.purpose == key.purpose &&
          other.algorithm == key.algorithm && other.state == SigningKeyState::kActive) {
        other.state = SigningKeyState::kRetired;
        other.retired = state_.now();
      }
    }
  }

  State& state_;
};

class MemoryChallengeRootStore : public ChallengeRootStore {
 public:
  explicit MemoryChallengeRootStore(State& state) : state_(state) {}

  absl::StatusOr<ChallengeRoot> GetOrCreate(const ChallengeRoot& candidate, const AuditEntry& audit,
                                            CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    if (!state_.root.has_value()) {
      state_.root = candidate;
      state_.root->created = state_.now();
      state_.Append(audit);
    }
    return *state_.root;
  }

 private:
  State& state_;
};

}  // namespace

std::unique_ptr<AttestationStore> NewAttestationStore(State& state) {
  return std::make_unique<MemoryAttestationStore>(state);
}
std::unique_ptr<ReferenceValueStore> NewReferenceValueStore(State& state) {
  return std::make_unique<MemoryReferenceValueStore>(state);
}
std::unique_ptr<AppraisalReader> NewAppraisalReader(State& state) {
  return std::make_unique<MemoryAppraisalReader>(state);
}
std::unique_ptr<SigningStore> NewSigningStore(State& state) {
  return std::make_unique<MemorySigningStore>(state);
}
std::unique_ptr<ChallengeRootStore> NewChallengeRootStore(State& state) {
  return std::make_unique<MemoryChallengeRootStore>(state);
}

}  // namespace tam::storage::memory
