#include "services/signing/key_ring.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/cose/encrypt.h"
#include "crypto/text/text.h"
#include "services/runtime/log.h"
#include "services/signing/kek.h"

namespace tam::signing {
namespace {

std::string_view PurposeName(storage::SigningPurpose purpose) {
  switch (purpose) {
    case storage::SigningPurpose::kTeepMessage:
      return "teep-message";
    case storage::SigningPurpose::kAttestationResult:
      return "attestation-result";
    case storage::SigningPurpose::kTeepDecryption:
      return "decryption";
    case storage::SigningPurpose::kTamEvidence:
      return "tam-evidence";
  }
  return "unknown";
}

absl::StatusOr<keys::KeyType> TypeOf(int32_t algorithm) {
  if (algorithm == cose::kEsp256) return keys::KeyType::kP256;
  if (algorithm == cose::kEd25519) return keys::KeyType::kEd25519;
  return absl::InvalidArgumentError(Concat("algorithm: want -9 or -19, got ", algorithm));
}

// Of a key just made.
struct Material {
  keys::Thumbprint thumbprint;
  std::string public_key;
  secret::SecretBytes secret;
};

absl::StatusOr<Material> Generate(storage::SigningPurpose purpose, int32_t algorithm,
                                  secret::RandomSource& random) {
  const bool decrypts = purpose == storage::SigningPurpose::kTeepDecryption;
  if (decrypts != (algorithm == cose::kEcdhEsA128Kw)) {
    return absl::InvalidArgumentError("suite: want ECDH-ES+A128KW for a key that decrypts alone");
  }
  if (decrypts) {
    const auto key = keys::AgreementKey::Generate(keys::AgreementCurve::kP256, random);
    return Material{key.public_key().thumbprint(), key.public_key().cose_key(), key.ToCoseKey()};
  }
  auto type = TypeOf(algorithm);
  if (!type.ok()) return type.status();
  auto key = keys::PrivateKey::Generate(*type);
  if (!key.ok()) return key.status();
  return Material{key->public_key().thumbprint(), key->public_key().cose_key(), key->ToCoseKey()};
}

std::string Target(const storage::TenantId& tenant, const storage::KeyThumbprint& key) {
  return Concat("tenants/", tenant.ToString(), "/signingKeys/", key.ToString());
}

std::string DigestText(const storage::Bytes& bytes) {
  return absl::BytesToHexString(cbor::AsString(secret::Sha256(bytes)));
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

absl::StatusOr<secret::SecretBytes> KeyRing::Unwrap(const storage::SigningKey& key) {
  auto secret = dependencies_.wrapper.Unwrap(key.wrapped_private_key,
                                             KeyContext(key.tenant, key.thumbprint, key.purpose));
  if (secret.ok()) return secret;
  return absl::InternalError(
      Concat("signing key ", key.thumbprint.ToString(),
             ": does not unwrap; another key encryption key, or an altered row"));
}

absl::Status KeyRing::Hold(const storage::SigningKey& key, Held& held) {
  const Use use(key.purpose, key.algorithm);
  const bool decrypts = key.purpose == storage::SigningPurpose::kTeepDecryption;
  // One that never signed does not stand for a key that was retired on purpose.
  if (key.state != storage::SigningKeyState::kStandby) held.ever.insert(use);
  // Devices go on encrypting to a retired key until they learn of another.
  const bool wanted =
      decrypts ? key.state != storage::SigningKeyState::kDestroyed &&
                     held.decryption.size() < kMaxDecryptionKeys
               : key.state == storage::SigningKeyState::kActive && !held.active.contains(use);
  if (!wanted) return absl::OkStatus();
  auto secret = Unwrap(key);
  if (!secret.ok()) return secret.status();
  const absl::Status another = absl::InternalError(
      Concat("signing key ", key.thumbprint.ToString(), ": the unwrapped key is another"));
  if (decrypts) {
    auto parsed = keys::AgreementKey::FromCoseKey(secret->Reveal());
    if (!parsed.ok() || parsed->public_key().thumbprint() != key.thumbprint.array()) return another;
    held.decryption.push_back(*std::move(parsed));
    return absl::OkStatus();
  }
  auto parsed = keys::PrivateKey::FromCoseKey(secret->Reveal());
  if (!parsed.ok() || parsed->public_key().thumbprint() != key.thumbprint.array()) return another;
  held.active.emplace(use, *std::move(parsed));
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const KeyRing::Held>> KeyRing::Load(
    const runtime::CallContext& context, const storage::TenantId& tenant) {
  auto held = std::make_shared<Held>();
  held->read = dependencies_.monotonic();
  auto stored = dependencies_.store.ListKeys(tenant, {context.deadline});
  if (!stored.ok()) return stored.status();
  for (const storage::SigningKey& key : *stored) {
    const absl::Status status = Hold(key, *held);
    if (status.ok()) continue;
    // What a lost decryption key opened is lost with it; the tenant goes on signing.
    if (key.purpose != storage::SigningPurpose::kTeepDecryption) return status;
    runtime::Log(runtime::Severity::kError, "decryption_key_skipped",
                 {{"tenant", tenant.ToString()}, {"reason", AbslView(StdView(status.message()))}});
  }
  auto certificates = dependencies_.store.ListCertificates(tenant, {context.deadline});
  if (!certificates.ok()) return certificates.status();
  for (storage::KeyCertificate& certificate : *certificates) {
    held->certificates[certificate.key].push_back(std::move(certificate));
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

absl::StatusOr<std::shared_ptr<const KeyRing::Held>> KeyRing::HeldFor(
    const runtime::CallContext& context, const storage::TenantId& tenant, const Use& use) {
  const auto [purpose, algorithm] = use;
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
  if (held->active.contains(use)) return held;
  return absl::FailedPreconditionError(Concat("signing key: the tenant has no active key for ",
                                              PurposeName(purpose), ", algorithm ", algorithm));
}

absl::StatusOr<keys::PrivateKey> KeyRing::ActiveKey(const runtime::CallContext& context,
                                                    const storage::TenantId& tenant,
                                                    storage::SigningPurpose purpose,
                                                    int32_t algorithm) {
  const Use use(purpose, algorithm);
  auto held = HeldFor(context, tenant, use);
  if (!held.ok()) return held.status();
  return (*held)->active.at(use);
}

absl::StatusOr<KeyRing::Signer> KeyRing::ActiveSigner(const runtime::CallContext& context,
                                                      const storage::TenantId& tenant,
                                                      int32_t algorithm) {
  const Use use(storage::SigningPurpose::kTeepMessage, algorithm);
  auto held = HeldFor(context, tenant, use);
  if (!held.ok()) return held.status();
  Signer signer{(*held)->active.at(use), {}};
  const auto found =
      (*held)->certificates.find(storage::KeyThumbprint(signer.key.public_key().thumbprint()));
  if (found != (*held)->certificates.end()) signer.certificates = found->second;
  return signer;
}

absl::StatusOr<std::vector<keys::AgreementKey>> KeyRing::DecryptionKeys(
    const runtime::CallContext& context, const storage::TenantId& tenant) {
  std::shared_ptr<const Held> held = Find(tenant);
  if (held == nullptr) {
    auto loaded = Load(context, tenant);
    if (!loaded.ok()) return loaded.status();
    held = *std::move(loaded);
  }
  return held->decryption;
}

absl::StatusOr<KeyRing::Made> KeyRing::Make(const runtime::CallContext& context,
                                            const storage::TenantId& tenant,
                                            storage::SigningPurpose purpose, int32_t algorithm,
                                            storage::SigningKeyState state) {
  auto made = Generate(purpose, algorithm, dependencies_.random);
  if (!made.ok()) return made.status();
  if (auto found = dependencies_.tenants.Get(tenant, {context.deadline}); !found.ok()) {
    return found.status();
  }
  storage::SigningKey key;
  key.tenant = tenant;
  key.thumbprint = storage::KeyThumbprint(made->thumbprint);
  key.purpose = purpose;
  key.algorithm = algorithm;
  key.state = state;
  key.public_key.assign(made->public_key.begin(), made->public_key.end());
  const std::string wrapped = dependencies_.wrapper.Wrap(
      made->secret.Reveal(), KeyContext(tenant, key.thumbprint, purpose), dependencies_.random);
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

absl::StatusOr<storage::KeyCertificate> KeyRing::AddCertificate(
    const runtime::CallContext& context, const storage::KeyCertificate& certificate) {
  auto entry =
      dependencies_.audit.OfCaller(context, certificate.tenant, "signing-key.certify",
                                   Target(certificate.tenant, certificate.key),
                                   {{"leaf_sha256", DigestText(certificate.chain.front())}});
  if (!entry.ok()) return entry.status();
  auto added = dependencies_.store.AddCertificate(certificate, *entry, {context.deadline});
  Forget(certificate.tenant);
  return added;
}

absl::Status KeyRing::RemoveCertificate(const runtime::CallContext& context,
                                        const storage::TenantId& tenant,
                                        const storage::KeyThumbprint& key, int32_t position) {
  auto entry = dependencies_.audit.OfCaller(context, tenant, "signing-key.uncertify",
                                            Target(tenant, key), {{"position", Concat(position)}});
  if (!entry.ok()) return entry.status();
  const absl::Status status =
      dependencies_.store.RemoveCertificate(tenant, key, position, *entry, {context.deadline});
  Forget(tenant);
  return status;
}

}  // namespace tam::signing
