#include "services/attestation/inputs.h"

#include <utility>

#include "crypto/cbor/cbor.h"
#include "crypto/text/text.h"

namespace tam::attestation {

std::vector<std::string> DefaultResultProfiles() { return {eat::kTeepProfile}; }
std::vector<std::string> DefaultEvidenceProfiles() { return {eat::kEvidenceProfile}; }

absl::StatusOr<Inputs> ParseInputs(const storage::AppraisalInputs& stored) {
  Inputs inputs;
  inputs.generation = stored.generation;
  for (const storage::AttestationKey& key : stored.keys) {
    auto parsed = keys::PublicKey::FromCoseKey(key.public_key);
    if (!parsed.ok()) {
      return absl::InternalError(
          Concat("attestation key ", key.thumbprint.ToString(), ": cannot be read"));
    }
    inputs.evidence.keys.push_back(*std::move(parsed));
  }
  for (const storage::ReferenceValue& value : stored.reference_values) {
    auto& digests = inputs.evidence.reference_values[value.measurement];
    for (const auto& digest : value.digests) digests.insert(cbor::AsString(digest.bytes()));
  }
  const storage::AttestationPolicy& policy = stored.policy;
  inputs.evidence.profiles =
      policy.evidence_profiles.empty() ? DefaultEvidenceProfiles() : policy.evidence_profiles;
  inputs.results.profiles =
      policy.result_profiles.empty() ? DefaultResultProfiles() : policy.result_profiles;
  for (const storage::Bytes& key : policy.verifier_keys) {
    auto parsed = keys::PublicKey::FromCoseKey(key);
    if (!parsed.ok()) return absl::InternalError("verifier key of the policy: cannot be read");
    inputs.results.verifiers.push_back(*std::move(parsed));
  }
  if (policy.result_lifetime > absl::ZeroDuration()) {
    inputs.result_lifetime = policy.result_lifetime;
  } else {
    inputs.result_lifetime = kDefaultResultLifetime;
  }
  return inputs;
}

absl::StatusOr<uint64_t> InputsCache::GenerationOf(const storage::TenantId& tenant,
                                                   storage::CallDeadline deadline) {
  const absl::Duration now = monotonic_();
  {
    absl::MutexLock lock(&mutex_);
    auto it = generations_.find(tenant);
    if (it != generations_.end() && now - it->second.read < options_.generation_life) {
      return it->second.value;
    }
  }
  auto value = reader_.Generation(tenant, deadline);
  if (!value.ok()) return value.status();
  absl::MutexLock lock(&mutex_);
  if (generations_.size() >= options_.max_tenants) generations_.clear();
  generations_[tenant] = {*value, now};
  return *value;
}

std::shared_ptr<const Inputs> InputsCache::Find(const Key& key, uint64_t generation) {
  absl::MutexLock lock(&mutex_);
  auto it = index_.find(key);
  if (it == index_.end()) return nullptr;
  if (it->second->inputs->generation != generation) {
    entries_.erase(it->second);
    index_.erase(it);
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, it->second);
  return it->second->inputs;
}

void InputsCache::Keep(const Key& key, std::shared_ptr<const Inputs> inputs) {
  absl::MutexLock lock(&mutex_);
  if (auto it = index_.find(key); it != index_.end()) {
    it->second->inputs = std::move(inputs);
    return;
  }
  entries_.push_front({key, std::move(inputs)});
  index_[key] = entries_.begin();
  while (entries_.size() > options_.max_entries) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

absl::StatusOr<std::shared_ptr<const Inputs>> InputsCache::Get(
    const storage::TenantId& tenant, const storage::DeviceId& device,
    const storage::DeviceClass& device_class, storage::CallDeadline deadline) {
  auto generation = GenerationOf(tenant, deadline);
  if (!generation.ok()) return generation.status();
  const Key key(tenant, device, device_class);
  if (auto kept = Find(key, *generation); kept != nullptr) return kept;
  auto stored = reader_.Inputs(tenant, device, device_class, deadline);
  if (!stored.ok()) return stored.status();
  auto parsed = ParseInputs(*stored);
  if (!parsed.ok()) return parsed.status();
  auto inputs = std::make_shared<const Inputs>(*std::move(parsed));
  Keep(key, inputs);
  return inputs;
}

void InputsCache::Forget(const storage::TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  generations_.erase(tenant);
}

}  // namespace tam::attestation
