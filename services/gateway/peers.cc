#include "services/gateway/peers.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace tam::gateway {
namespace {

template <typename Response, typename Request>
absl::StatusOr<Response> Ask(runtime::RpcChannel& channel, const runtime::CallContext& context,
                             absl::string_view method, const Request& request) {
  Response response;
  const absl::Status status = channel.Call(context, method, request, &response);
  if (!status.ok()) return status;
  return response;
}

// For calls to which these codes mean a fault of ours, not the device's.
template <typename Response>
absl::StatusOr<Response> NeverAboutTheDevice(absl::StatusOr<Response> result) {
  if (absl::IsNotFound(result.status()) || absl::IsOutOfRange(result.status())) {
    return absl::InternalError(result.status().ToString());
  }
  return result;
}

}  // namespace

absl::StatusOr<v1::ResolveEndpointResponse> Peers::ResolveEndpoint(
    const Context& context, const v1::ResolveEndpointRequest& request) {
  return Ask<v1::ResolveEndpointResponse>(
      channels_.registry, context, "/tam.v1.RegistrySessionService/ResolveEndpoint", request);
}

absl::StatusOr<v1::LookupResponse> Peers::Lookup(const Context& context,
                                                 const v1::LookupRequest& request) {
  return Ask<v1::LookupResponse>(channels_.registry, context,
                                 "/tam.v1.RegistrySessionService/Lookup", request);
}

absl::StatusOr<v1::AcceptResponse> Peers::Accept(const Context& context,
                                                 const v1::AcceptRequest& request) {
  return NeverAboutTheDevice(Ask<v1::AcceptResponse>(
      channels_.registry, context, "/tam.v1.RegistrySessionService/Accept", request));
}

absl::StatusOr<v1::ReportResponse> Peers::Report(const Context& context,
                                                 const v1::ReportRequest& request) {
  return NeverAboutTheDevice(Ask<v1::ReportResponse>(
      channels_.registry, context, "/tam.v1.RegistrySessionService/Report", request));
}

absl::StatusOr<v1::AppraiseResponse> Peers::Appraise(const Context& context,
                                                     const v1::AppraiseRequest& request) {
  return NeverAboutTheDevice(Ask<v1::AppraiseResponse>(
      channels_.attestation, context, "/tam.v1.AttestationSessionService/Appraise", request));
}

absl::StatusOr<v1::ResolveResponse> Peers::Resolve(const Context& context,
                                                   const v1::ResolveRequest& request) {
  return NeverAboutTheDevice(Ask<v1::ResolveResponse>(
      channels_.catalog, context, "/tam.v1.CatalogSessionService/Resolve", request));
}

absl::StatusOr<v1::GetEnvelopesResponse> Peers::GetEnvelopes(
    const Context& context, const v1::GetEnvelopesRequest& request) {
  return Ask<v1::GetEnvelopesResponse>(channels_.catalog, context,
                                       "/tam.v1.CatalogSessionService/GetEnvelopes", request);
}

absl::StatusOr<v1::SignQueryRequestResponse> Peers::SignQueryRequest(
    const Context& context, const v1::SignQueryRequestRequest& request) {
  return NeverAboutTheDevice(Ask<v1::SignQueryRequestResponse>(
      channels_.signing, context, "/tam.v1.SigningSessionService/SignQueryRequest", request));
}

absl::StatusOr<v1::SignUpdateResponse> Peers::SignUpdate(const Context& context,
                                                         const v1::SignUpdateRequest& request) {
  return NeverAboutTheDevice(Ask<v1::SignUpdateResponse>(
      channels_.signing, context, "/tam.v1.SigningSessionService/SignUpdate", request));
}

absl::StatusOr<v1::GetChallengeKeysResponse> Peers::GetChallengeKeys(const Context& context) {
  return NeverAboutTheDevice(Ask<v1::GetChallengeKeysResponse>(
      channels_.signing, context, "/tam.v1.SigningSessionService/GetChallengeKeys",
      v1::GetChallengeKeysRequest()));
}

}  // namespace tam::gateway
