// Signing keys and challenge roots at rest, private parts wrapped.

#ifndef TAMARACK_STORAGE_SIGNING_STORE_H_
#define TAMARACK_STORAGE_SIGNING_STORE_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/audit.h"
#include "storage/model/call.h"
#include "storage/model/id.h"
#include "storage/model/signing.h"

namespace tam::storage {

// Thread safe. Unavailable: the database cannot be reached by the deadline; the write may or may
// not have happened. Writes append their audit entry in the same transaction.
class SigningStore {
 public:
  virtual ~SigningStore() = default;
  // An active key, or one on standby if `key.state` says so. With an active one, active ones of the
  // same tenant, purpose and algorithm are retired. AlreadyExists if any tenant has the thumbprint:
  // a key belongs to one tenant.
  virtual absl::Status AddKey(const SigningKey& key, const AuditEntry& audit,
                              CallDeadline deadline) = 0;
  // The same, but only where the tenant never had a key of that purpose and algorithm, in whatever
  // state but standby: of any number of callers at the same moment one succeeds, and only that one
  // is audited. AlreadyExists for the others.
  virtual absl::Status AddFirstKey(const SigningKey& key, const AuditEntry& audit,
                                   CallDeadline deadline) = 0;
  // Standby -> active, and active ones of the same purpose and algorithm are retired. Of an active
  // one, changes nothing. Of concurrent ones the last to commit stays active. FailedPrecondition of
  // a retired or destroyed one; NotFound.
  virtual absl::Status ActivateKey(const TenantId& tenant, const KeyThumbprint& key,
                                   const AuditEntry& audit, CallDeadline deadline) = 0;
  // Any other state -> retired (twice changes nothing), or destroyed, which empties the wrapped
  // key. FailedPrecondition otherwise; NotFound.
  virtual absl::Status SetKeyState(const TenantId& tenant, const KeyThumbprint& key,
                                   SigningKeyState state, const AuditEntry& audit,
                                   CallDeadline deadline) = 0;
  // NotFound.
  virtual absl::StatusOr<SigningKey> GetKey(const TenantId& tenant, const KeyThumbprint& key,
                                            CallDeadline deadline) = 0;
  // Every key of the tenant in every state, the newest first. A tenant has few.
  virtual absl::StatusOr<std::vector<SigningKey>> ListKeys(const TenantId& tenant,
                                                           CallDeadline deadline) = 0;

  // A further chain of a key, behind those that it has; as stored. The position of one that was
  // removed is not given again. AlreadyExists where the key has this chain, ResourceExhausted where
  // it has kMaxKeyCertificates, FailedPrecondition of a key that signs no more; NotFound.
  virtual absl::StatusOr<KeyCertificate> AddCertificate(const KeyCertificate& certificate,
                                                        const AuditEntry& audit,
                                                        CallDeadline deadline) = 0;
  // NotFound, also of one that was removed before.
  virtual absl::Status RemoveCertificate(const TenantId& tenant, const KeyThumbprint& key,
                                         int32_t position, const AuditEntry& audit,
                                         CallDeadline deadline) = 0;
  // Of all keys of the tenant, by key and position; not those that were removed.
  virtual absl::StatusOr<std::vector<KeyCertificate>> ListCertificates(const TenantId& tenant,
                                                                       CallDeadline deadline) = 0;
};

// Thread safe; Unavailable as above.
class ChallengeRootStore {
 public:
  virtual ~ChallengeRootStore() = default;
  // The oldest root, made from `candidate` if there is none: every replica gets the same one. The
  // audit entry is appended only when the candidate was stored.
  virtual absl::StatusOr<ChallengeRoot> GetOrCreate(const ChallengeRoot& candidate,
                                                    const AuditEntry& audit,
                                                    CallDeadline deadline) = 0;
};

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_SIGNING_STORE_H_
