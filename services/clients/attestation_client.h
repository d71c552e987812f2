#ifndef TAMARACK_SERVICES_CLIENTS_ATTESTATION_CLIENT_H_
#define TAMARACK_SERVICES_CLIENTS_ATTESTATION_CLIENT_H_

// What the gateway asks of attestation: proto/tam/v1/attestation_session.proto, call by call. The
// proto's comments say what each call does and returns.

#include <memory>

#include "absl/status/statusor.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"

namespace tam::clients {

// Thread safe. Beyond the proto's codes: Unavailable, the service cannot be reached.
class AttestationSessionClient {
 public:
  virtual ~AttestationSessionClient() = default;
  virtual absl::StatusOr<v1::AppraiseResponse> Appraise(const runtime::CallContext& context,
                                                        const v1::AppraiseRequest& request) = 0;
};

// `channel` must outlive the client: a LocalChannel where the service is in this process, else one
// of NewRpcClient.
std::unique_ptr<AttestationSessionClient> NewAttestationSessionClient(runtime::RpcChannel& channel);

}  // namespace tam::clients

#endif  // TAMARACK_SERVICES_CLIENTS_ATTESTATION_CLIENT_H_
