// AttestationSessionService: judges what a device sent as attestation-payload.
#ifndef TAMARACK_SERVICES_ATTESTATION_SESSION_HANDLER_H_
#define TAMARACK_SERVICES_ATTESTATION_SESSION_HANDLER_H_

#include "absl/status/statusor.h"
#include "proto/tam/v1/attestation_session.pb.h"
#include "services/attestation/eat/verifier.h"
#include "services/attestation/inputs.h"
#include "services/clients/signing_client.h"
#include "services/runtime/call_context.h"
#include "services/runtime/database_time.h"
#include "services/runtime/rpc.h"

namespace tam::attestation {

// Thread safe. Codes: proto/tam/v1/attestation_session.proto. All arguments must outlive this.
class SessionHandler {
 public:
  SessionHandler(InputsCache& inputs, clients::SigningSessionClient& signing,
                 runtime::DatabaseTime& time)
      : inputs_(inputs), signing_(signing), time_(time) {}

  absl::StatusOr<v1::AppraiseResponse> Appraise(const runtime::CallContext& context,
                                                const v1::AppraiseRequest& request);

  // Every method, for the dispatcher. Borrows this.
  runtime::ServiceBinding Binding();

 private:
  absl::Status AddResult(const runtime::CallContext& context, const v1::AppraiseRequest& request,
                         const Inputs& inputs, const Appraisal& appraisal,
                         v1::AppraiseResponse& response);

  InputsCache& inputs_;
  clients::SigningSessionClient& signing_;
  runtime::DatabaseTime& time_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_SESSION_HANDLER_H_
