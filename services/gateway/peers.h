// The services that a session calls, through their clients.
#ifndef TAMARACK_SERVICES_GATEWAY_PEERS_H_
#define TAMARACK_SERVICES_GATEWAY_PEERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "services/clients/attestation_client.h"
#include "services/clients/catalog_client.h"
#include "services/clients/registry_client.h"
#include "services/clients/signing_client.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"

namespace tam::gateway {

// Thread safe as the channels are; they must outlive this. Errors are the service's, except that
// what would mean something else to a device is Internal: NotFound and OutOfRange where the call's
// comment does not name them.
class Peers {
 public:
  struct Channels {
    runtime::RpcChannel& registry;
    runtime::RpcChannel& attestation;
    runtime::RpcChannel& catalog;
    runtime::RpcChannel& signing;
  };
  explicit Peers(const Channels& channels);

  using Context = runtime::CallContext;
  // NotFound: no such endpoint.
  absl::StatusOr<v1::ResolveEndpointResponse> ResolveEndpoint(
      const Context& context, const v1::ResolveEndpointRequest& request);
  // NotFound: no such key here.
  absl::StatusOr<v1::LookupResponse> Lookup(const Context& context,
                                            const v1::LookupRequest& request);
  // AlreadyExists, FailedPrecondition: the attested identity is another device's.
  absl::StatusOr<v1::AcceptResponse> Accept(const Context& context,
                                            const v1::AcceptRequest& request);
  absl::StatusOr<v1::ReportResponse> Report(const Context& context,
                                            const v1::ReportRequest& request);
  absl::StatusOr<v1::NoteRefusalResponse> NoteRefusal(const Context& context,
                                                      const v1::NoteRefusalRequest& request);
  absl::StatusOr<v1::AppraiseResponse> Appraise(const Context& context,
                                                const v1::AppraiseRequest& request);
  absl::StatusOr<v1::ResolveResponse> Resolve(const Context& context,
                                              const v1::ResolveRequest& request);
  // NotFound, FailedPrecondition: not to be delivered any more.
  absl::StatusOr<v1::GetEnvelopesResponse> GetEnvelopes(const Context& context,
                                                        const v1::GetEnvelopesRequest& request);
  absl::StatusOr<v1::SignQueryRequestResponse> SignQueryRequest(
      const Context& context, const v1::SignQueryRequestRequest& request);
  absl::StatusOr<v1::SignUpdateResponse> SignUpdate(const Context& context,
                                                    const v1::SignUpdateRequest& request);
  // Unauthenticated: no key of the tenant opens it. InvalidArgument: malformed.
  absl::StatusOr<v1::DecryptResponse> Decrypt(const Context& context,
                                              const v1::DecryptRequest& request);
  absl::StatusOr<v1::GetChallengeKeysResponse> GetChallengeKeys(const Context& context);

 private:
  const std::unique_ptr<clients::RegistrySessionClient> registry_;
  const std::unique_ptr<clients::AttestationSessionClient> attestation_;
  const std::unique_ptr<clients::CatalogSessionClient> catalog_;
  const std::unique_ptr<clients::SigningSessionClient> signing_;
};

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_PEERS_H_
