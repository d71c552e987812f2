#ifndef TAMARACK_SERVICES_CLIENTS_REGISTRY_CLIENT_H_
#define TAMARACK_SERVICES_CLIENTS_REGISTRY_CLIENT_H_

// What the gateway asks of the registry: proto/tam/v1/registry_session.proto, call by call. The
// proto's comments say what each call does and returns.

#include <memory>

#include "absl/status/statusor.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"

namespace tam::clients {

// Thread safe. Beyond the proto's codes: Unavailable, the service cannot be reached.
class RegistrySessionClient {
 public:
  virtual ~RegistrySessionClient() = default;
  virtual absl::StatusOr<v1::ResolveEndpointResponse> ResolveEndpoint(
      const runtime::CallContext& context, const v1::ResolveEndpointRequest& request) = 0;
  virtual absl::StatusOr<v1::LookupResponse> Lookup(const runtime::CallContext& context,
                                                    const v1::LookupRequest& request) = 0;
  virtual absl::StatusOr<v1::AcceptResponse> Accept(const runtime::CallContext& context,
                                                    const v1::AcceptRequest& request) = 0;
  virtual absl::StatusOr<v1::ReportResponse> Report(const runtime::CallContext& context,
                                                    const v1::ReportRequest& request) = 0;
  virtual absl::StatusOr<v1::NoteRefusalResponse> NoteRefusal(
      const runtime::CallContext& context, const v1::NoteRefusalRequest& request) = 0;
};

// `channel` must outlive the client: a LocalChannel where the service is in this process, else one
// of NewRpcClient.
std::unique_ptr<RegistrySessionClient> NewRegistrySessionClient(runtime::RpcChannel& channel);

}  // namespace tam::clients

#endif  // TAMARACK_SERVICES_CLIENTS_REGISTRY_CLIENT_H_
