// The tenants' private keys: made here, kept wrapped in storage, unwrapped for a short while in
// memory.
#ifndef TAMARACK_SERVICES_SIGNING_KEY_RING_H_
#define TAMARACK_SERVICES_SIGNING_KEY_RING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/call_context.h"
#include "services/runtime/database_time.h"
#include "storage/signing_store.h"
#include "storage/tenant_store.h"

namespace tam::signing {

// Thread safe.
class KeyRing {
 public:
  struct Options {
    // Tenants whose keys are held unwrapped; the one read longest ago makes room.
    size_t max_tenants = 1024;
    // How long they are held: a key retired by another replica signs no longer than this.
    absl::Duration life = absl::Minutes(1);
  };

  // What the ring works on; all must outlive it.
  struct Dependencies {
    storage::SigningStore& store;
    storage::TenantReader& tenants;
    runtime::AuditComposer& audit;
    const secret::KeyWrapper& wrapper;
    secret::RandomSource& random;
    runtime::MonotonicClock monotonic;
  };

  explicit KeyRing(Dependencies dependencies) : KeyRing(std::move(dependencies), Options()) {}
  KeyRing(Dependencies dependencies, const Options& options)
      : dependencies_(std::move(dependencies)), options_(options) {}

  // The tenant's active key. One is made where the tenant never had any for this purpose and
  // algorithm: one in all, however many calls and replicas ask at the same moment.
  // FailedPrecondition where it had and all are retired; NotFound for no such tenant; Internal
  // where the key does not unwrap (another KEK, or an altered row); Unavailable.
  absl::StatusOr<keys::PrivateKey> ActiveKey(const runtime::CallContext& context,
                                             const storage::TenantId& tenant,
                                             storage::SigningPurpose purpose, int32_t algorithm);

  // What signs a TEEP message, and the chains that may go with it, by position.
  struct Signer {
    keys::PrivateKey key;
    std::vector<storage::KeyCertificate> certificates;
  };
  // The active key for TEEP messages, as ActiveKey has it, with its certificate chains.
  absl::StatusOr<Signer> ActiveSigner(const runtime::CallContext& context,
                                      const storage::TenantId& tenant, int32_t algorithm);

  // The keys that open what devices encrypted: active, on standby and retired, newest first, at
  // most kMaxDecryptionKeys; none is made. Errors as of ActiveKey.
  absl::StatusOr<std::vector<keys::AgreementKey>> DecryptionKeys(
      const runtime::CallContext& context, const storage::TenantId& tenant);
  static constexpr size_t kMaxDecryptionKeys = 16;

  // Makes a key, which signs from now on; the active one before it is retired and stays listed. Or
  // one on standby, which changes nothing for the active one.
  absl::StatusOr<storage::SigningKey> Create(const runtime::CallContext& context,
                                             const storage::TenantId& tenant,
                                             storage::SigningPurpose purpose, int32_t algorithm,
                                             bool standby = false);

  // A key on standby signs from now on, in place of the active one. FailedPrecondition of a retired
  // one; NotFound.
  absl::Status Activate(const runtime::CallContext& context, const storage::TenantId& tenant,
                        const storage::KeyThumbprint& key);

  // Retires a key. NotFound.
  absl::Status Retire(const runtime::CallContext& context, const storage::TenantId& tenant,
                      const storage::KeyThumbprint& key);

  // Chains of a key, checked by the caller. Errors of storage::SigningStore.
  absl::StatusOr<storage::KeyCertificate> AddCertificate(
      const runtime::CallContext& context, const storage::KeyCertificate& certificate);
  absl::Status RemoveCertificate(const runtime::CallContext& context,
                                 const storage::TenantId& tenant, const storage::KeyThumbprint& key,
                                 int32_t position);

 private:
  using Use = std::pair<storage::SigningPurpose, int32_t>;
  // A tenant's keys as read at one moment.
  struct Held {
    absl::Duration read;
    std::map<Use, keys::PrivateKey> active;
    std::set<Use> ever;  // uses for which a key signed, or could have
    std::vector<keys::AgreementKey> decryption;
    std::map<storage::KeyThumbprint, std::vector<storage::KeyCertificate>> certificates;
  };

  // A new key, not stored yet, and the entry for it.
  struct Made {
    storage::SigningKey key;
    storage::AuditEntry audit;
  };

  absl::StatusOr<Made> Make(const runtime::CallContext& context, const storage::TenantId& tenant,
                            storage::SigningPurpose purpose, int32_t algorithm,
                            storage::SigningKeyState state);
  // Holds an active key for `use`, or says why there is none.
  absl::StatusOr<std::shared_ptr<const Held>> HeldFor(const runtime::CallContext& context,
                                                      const storage::TenantId& tenant,
                                                      const Use& use);
  std::shared_ptr<const Held> Find(const storage::TenantId& tenant);
  absl::StatusOr<std::shared_ptr<const Held>> Load(const runtime::CallContext& context,
                                                   const storage::TenantId& tenant);
  absl::Status Hold(const storage::SigningKey& key, Held& held);
  absl::StatusOr<secret::SecretBytes> Unwrap(const storage::SigningKey& key);
  void Forget(const storage::TenantId& tenant);

  const Dependencies dependencies_;
  const Options options_;
  absl::Mutex mutex_;
  absl::flat_hash_map<storage::TenantId, std::shared_ptr<const Held>> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_KEY_RING_H_
