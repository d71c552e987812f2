#ifndef TAMARACK_SERVICES_CLIENTS_SIGNING_CLIENT_H_
#define TAMARACK_SERVICES_CLIENTS_SIGNING_CLIENT_H_

// What gateway and attestation ask of signing: proto/tam/v1/signing_session.proto, call by call.
// The proto's comments say what each call does and returns.

#include <memory>

#include "absl/status/statusor.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"

namespace tam::clients {

// Thread safe. Beyond the proto's codes: Unavailable, the service cannot be reached.
class SigningSessionClient {
 public:
  virtual ~SigningSessionClient() = default;
  virtual absl::StatusOr<v1::SignQueryRequestResponse> SignQueryRequest(
      const runtime::CallContext& context, const v1::SignQueryRequestRequest& request) = 0;
  virtual absl::StatusOr<v1::SignUpdateResponse> SignUpdate(
      const runtime::CallContext& context, const v1::SignUpdateRequest& request) = 0;
  virtual absl::StatusOr<v1::SignAttestationResultResponse> SignAttestationResult(
      const runtime::CallContext& context, const v1::SignAttestationResultRequest& request) = 0;
  virtual absl::StatusOr<v1::DecryptResponse> Decrypt(const runtime::CallContext& context,
                                                      const v1::DecryptRequest& request) = 0;
  virtual absl::StatusOr<v1::GetChallengeKeysResponse> GetChallengeKeys(
      const runtime::CallContext& context, const v1::GetChallengeKeysRequest& request) = 0;
};

// `channel` must outlive the client: a LocalChannel where the service is in this process, else one
// of NewRpcClient.
std::unique_ptr<SigningSessionClient> NewSigningSessionClient(runtime::RpcChannel& channel);

}  // namespace tam::clients

#endif  // TAMARACK_SERVICES_CLIENTS_SIGNING_CLIENT_H_
