// SigningSessionService: signatures during a session, and the keys of challenges.
#ifndef TAMARACK_SERVICES_SIGNING_SESSION_HANDLER_H_
#define TAMARACK_SERVICES_SIGNING_SESSION_HANDLER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"
#include "services/signing/budget.h"
#include "services/signing/chains.h"
#include "services/signing/key_ring.h"
#include "teep/message/message.h"

namespace tam::signing {

// Thread safe. Codes of each call: proto/tam/v1/signing_session.proto.
class SessionHandler {
 public:
  struct Dependencies {
    KeyRing& keys;
    storage::ChallengeRootStore& roots;
    storage::DatabaseClock& clock;
    runtime::AuditComposer& audit;
    const secret::KeyWrapper& wrapper;
    secret::RandomSource& random;
    runtime::MonotonicClock monotonic;
    // QueryRequests signed a second, over all tenants. 0: without limit.
    double query_requests_per_second = 0;
    SkippedSink skipped = LogSkipped;
  };
  explicit SessionHandler(Dependencies dependencies);

  absl::StatusOr<v1::SignQueryRequestResponse> SignQueryRequest(
      const runtime::CallContext& context, const v1::SignQueryRequestRequest& request);
  absl::StatusOr<v1::SignUpdateResponse> SignUpdate(const runtime::CallContext& context,
                                                    const v1::SignUpdateRequest& request);
  absl::StatusOr<v1::SignAttestationResultResponse> SignAttestationResult(
      const runtime::CallContext& context, const v1::SignAttestationResultRequest& request);
  absl::StatusOr<v1::DecryptResponse> Decrypt(const runtime::CallContext& context,
                                              const v1::DecryptRequest& request);
  absl::StatusOr<v1::GetChallengeKeysResponse> GetChallengeKeys(
      const runtime::CallContext& context, const v1::GetChallengeKeysRequest& request);

  // Every method, for the dispatcher. Borrows this.
  runtime::ServiceBinding Binding();

 private:
  absl::StatusOr<std::string> SignForBothSuites(const runtime::CallContext& context,
                                                const v1::SignQueryRequestRequest& request,
                                                const storage::TenantId& tenant,
                                                const std::string& payload);
  absl::StatusOr<v1::SignQueryRequestResponse> SignForOneSuite(
      const runtime::CallContext& context, const v1::SignQueryRequestRequest& request,
      const storage::TenantId& tenant, teep::QueryRequest message);
  // What stands in the signature's header; empty: nothing.
  absl::StatusOr<std::vector<std::string>> ChainFor(const runtime::CallContext& context,
                                                    const KeyRing::Signer& signer, size_t passed);
  absl::StatusOr<std::string> MakeTamEvidence(const runtime::CallContext& context,
                                              const v1::TamAttestation& asked,
                                              const storage::TenantId& tenant, int32_t algorithm,
                                              const keys::Thumbprint& message_key);
  // Reads the root once; it never changes afterwards.
  absl::Status EnsureRoot(const runtime::CallContext& context);

  const Dependencies dependencies_;
  Budget budget_;
  runtime::DatabaseTime time_;
  ChainChooser chains_;
  absl::Mutex mutex_;
  std::optional<secret::SecretBytes> root_ ABSL_GUARDED_BY(mutex_);
};

// HKDF-SHA-256 of the root: the MAC key of one hour. `epoch` is floor(Unix seconds / 3600).
secret::SecretBytes ChallengeKeyOf(secret::Bytes root, int64_t epoch);

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_SESSION_HANDLER_H_
