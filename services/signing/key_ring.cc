#include "services/signing/key_ring.h"

#include <algorithm>
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/text/text.h"
#include "services/signing/kek.h"

namespace tam::signing {
namespace {

std::string_view PurposeName(storage::SigningPurpose purpose) {
  return purpose == storage::SigningPurpose::kTeepMessage ? "teep-message" : "attestation-result";
}

absl::StatusOr<keys::KeyType> TypeOf(int32_t algorithm) {
  if (algorithm == cose::kEsp256) return keys::KeyType::kP256;
  if (algorithm == cose::kEd25519) return keys::KeyType::kEd25519;
  return absl::InvalidArgumentError(Concat("algorithm: want -9 or -19, got ", algorithm));
}

std::string Target(const storage::TenantId& tenant, const storage::KeyThumbprint& key) {
  return Concat("tenants/", tenant.ToString(), "/signingKeys/", key.ToString());
}

}  // namespace

std::shared_ptr<const KeyRing::Held> KeyRing::Find(const storage::TenantId& tenant) {
  const absl::Duration now = dependencies_.monotonic();
  absl::MutexLock lock(&mutex_);
  auto it = held_.find(tenant);
  if (it == held_.end()) return nullptr;
  if (now - it->second->read < options_.life) return it->second;
  held_.erase(it);
  return nullptr;
}

void KeyRing::Forget(const storage::TenantId& tenant) {
  absl::MutexLock lock(&mutex_);
  held_.erase(tenant);
}

absl::StatusOr<keys::PrivateKey> KeyRing::Unwrap(const storage::SigningKey& key) {
  auto secret = dependencies_.wrapper.Unwrap(key.wrapped_private_key,
                                             KeyContext(key.tenant, key.thumbprint, key.purpose));
  const std::string name = Concat("signing key ", key.thumbprint.ToString());
  if (!secret.ok()) {
    return absl::InternalError(
        Concat(name, ": does not unwrap; another key encryption key, or an altered row"));
  }
  auto parsed = keys::PrivateKey::FromCoseKey(secret->Reveal());
  if (!parsed.ok() || parsed->public_key().thumbprint() != key.thumbprint.array()) {
    return absl::InternalError(Concat(name, ": the unwrapped key is another"));
  }
  return parsed;
}

absl::StatusOr<std::shared_ptr<const KeyRing::Held>> KeyRing::Load(
    const runtime::CallContext& context, const storage::TenantId& tenant) {
  auto held = std::make_shared<Held>();
  held->read = dependencies_.monotonic();
  auto stored = dependencies_.store.ListKeys(tenant, {context.deadline});
  if (!stored.ok()) return stored.status();
  for (const storage::SigningKey& key : *stored) {
    const Use use(key.purpose, key.algorithm);
    // One that never signed does not stand for a key that was retired on purpose.
    if (key.state != storage::SigningKeyState::kStandby) held->ever.insert(use);
    if (key.state != storage::SigningKeyState::kActive || held->active.contains(use)) continue;
    auto unwrapped = Unwrap(key);
    if (!unwrapped.ok()) return unwrapped.status();
    held->active.emplace(use, *std::move(unwrapped));
  }
  absl::MutexLock lock(&mutex_);
  if (held_.size() >= options_.max_tenants && !held_.contains(tenant)) {
    held_.erase(std::min_element(held_.begin(), held_.end(), [](const auto& a, const auto& b) {
      return a.second->read < b.second->read;
    }));
  }
  held_[tenant] = held;
  return std::shared_ptr<const Held>(std::move(held));
}

absl::StatusOr<keys::PrivateKey> KeyRing::ActiveKey(const runtime::CallContext& context,
                                                    const storage::TenantId& tenant,
                                                    storage::SigningPurpose purpose,
                                                    int32_t algorithm) {
  const Use use(purpose, algorithm);
  std::shared_ptr<const Held> held = Find(tenant);
  if (held == nullptr || !held->active.contains(use)) {
    auto loaded = Load(context, tenant);
    if (!loaded.ok()) return loaded.status();
    held = *std::move(loaded);
  }
  if (!held->active.contains(use) && !held->ever.contains(use)) {
    // First use. AlreadyExists: another call, here or in another replica, was first at the same
    // moment; its key is read below, and this one is dropped.
    auto first = Make(context, tenant, purpose, algorithm, storage::SigningKeyState::kActive);
    if (!first.ok()) return first.status();
    const absl::Status added =
        dependencies_.store.AddFirstKey(first->key, first->audit, {context.deadline});
    if (!added.ok() && !absl::IsAlreadyExists(added)) return added;
    auto loaded = Load(context, tenant);
    if (!loaded.ok()) return loaded.status();
    held = *std::move(loaded);
  }
  auto found = held->active.find(use);
  if (found != held->active.end()) return found->second;
  return absl::FailedPreconditionError(Concat("signing key: the tenant has no active key for ",
                                              PurposeName(purpose), ", algorithm ", algorithm));
}

absl::StatusOr<KeyRing::Made> KeyRing::Make(const runtime::CallContext& context,
                                            const storage::TenantId& tenant,
                                            storage::SigningPurpose purpose, int32_t algorithm,
                                            storage::SigningKeyState state) {
  if (purpose == storage::SigningPurpose::kTeepDecryption) {
    return absl::InvalidArgumentError("purpose: want a key that signs");
  }
  auto type = TypeOf(algorithm);
  if (!type.ok()) return type.status();
  if (auto found = dependencies_.tenants.Get(tenant, {context.deadline}); !found.ok()) {
    return found.status();
  }
  auto made = keys::PrivateKey::Generate(*type);
  if (!made.ok()) return made.status();
  storage::SigningKey key;
  key.tenant = tenant;
  key.thumbprint = storage::KeyThumbprint(made->public_key().thumbprint());
  key.purpose = purpose;
  key.algorithm = algorithm;
  key.state = state;
  const std::string& public_key = made->public_key().cose_key();
  key.public_key.assign(public_key.begin(), public_key.end());
  const secret::SecretBytes secret = made->ToCoseKey();
  const std::string wrapped = dependencies_.wrapper.Wrap(
      secret.Reveal(), KeyContext(tenant, key.thumbprint, purpose), dependencies_.random);
  key.wrapped_private_key.assign(wrapped.begin(), wrapped.end());
  auto entry = dependencies_.audit.OfCaller(
      context, tenant, "signing-key.create", Target(tenant, key.thumbprint),
      {{"purpose", std::string(PurposeName(purpose))}, {"algorithm", Concat(algorithm)}});
  if (!entry.ok()) return entry.status();
  return Made{std::move(key), *std::move(entry)};
}

absl::StatusOr<storage::SigningKey> KeyRing::Create(const runtime::CallContext& context,
                                                    const storage::TenantId& tenant,
                                                    storage::SigningPurpose purpose,
                                                    int32_t algorithm, bool standby) {
  auto made =
      Make(context, tenant, purpose, algorithm,
           standby ? storage::SigningKeyState::kStandby : storage::SigningKeyState::kActive);
  if (!made.ok()) return made.status();
  const absl::Status added = dependencies_.store.AddKey(made->key, made->audit, {context.deadline});
  if (!added.ok()) return added;
  Forget(tenant);
  return dependencies_.store.GetKey(tenant, made->key.thumbprint, {context.deadline});
}

absl::Status KeyRing::Activate(const runtime::CallContext& context, const storage::TenantId& tenant,
                               const storage::KeyThumbprint& key) {
  auto entry =
      dependencies_.audit.OfCaller(context, tenant, "signing-key.activate", Target(tenant, key));
  if (!entry.ok()) return entry.status();
  const absl::Status status =
      dependencies_.store.ActivateKey(tenant, key, *entry, {context.deadline});
  Forget(tenant);
  return status;
}

absl::Status KeyRing::Retire(const runtime::CallContext& context, const storage::TenantId& tenant,
                             const storage::KeyThumbprint& key) {
  auto entry =
      dependencies_.audit.OfCaller(context, tenant, "signing-key.retire", Target(tenant, key));
  if (!entry.ok()) return entry.status();
  const absl::Status status = dependencies_.store.SetKeyState(
      tenant, key, storage::SigningKeyState::kRetired, *entry, {context.deadline});
  Forget(tenant);
  return status;
}

}  // namespace tam::signing
