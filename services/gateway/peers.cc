#include "services/gateway/peers.h"

#include "absl/status/status.h"

namespace tam::gateway {
namespace {

// For calls to which these codes mean a fault of ours, not the device's.
template <typename Response>
absl::StatusOr<Response> NeverAboutTheDevice(absl::StatusOr<Response> result) {
  if (absl::IsNotFound(result.status()) || absl::IsOutOfRange(result.status())) {
    return absl::InternalError(result.status().ToString());
  }
  return result;
}

}  // namespace

Peers::Peers(const Channels& channels)
    : registry_(clients::NewRegistrySessionClient(channels.registry)),
      attestation_(clients::NewAttestationSessionClient(channels.attestation)),
      catalog_(clients::NewCatalogSessionClient(channels.catalog)),
      signing_(clients::NewSigningSessionClient(channels.signing)) {}

absl::StatusOr<v1::ResolveEndpointResponse> Peers::ResolveEndpoint(
    const Context& context, const v1::ResolveEndpointRequest& request) {
  return registry_->ResolveEndpoint(context, request);
}

absl::StatusOr<v1::LookupResponse> Peers::Lookup(const Context& context,
                                                 const v1::LookupRequest& request) {
  return registry_->Lookup(context, request);
}

absl::StatusOr<v1::AcceptResponse> Peers::Accept(const Context& context,
                                                 const v1::AcceptRequest& request) {
  return NeverAboutTheDevice(registry_->Accept(context, request));
}

absl::StatusOr<v1::ReportResponse> Peers::Report(const Context& context,
                                                 const v1::ReportRequest& request) {
  return NeverAboutTheDevice(registry_->Report(context, request));
}

absl::StatusOr<v1::NoteRefusalResponse> Peers::NoteRefusal(const Context& context,
                                                           const v1::NoteRefusalRequest& request) {
  return registry_->NoteRefusal(context, request);
}

absl::StatusOr<v1::AppraiseResponse> Peers::Appraise(const Context& context,
                                                     const v1::AppraiseRequest& request) {
  return NeverAboutTheDevice(attestation_->Appraise(context, request));
}

absl::StatusOr<v1::ResolveResponse> Peers::Resolve(const Context& context,
                                                   const v1::ResolveRequest& request) {
  return NeverAboutTheDevice(catalog_->Resolve(context, request));
}

absl::StatusOr<v1::GetEnvelopesResponse> Peers::GetEnvelopes(
    const Context& context, const v1::GetEnvelopesRequest& request) {
  return catalog_->GetEnvelopes(context, request);
}

absl::StatusOr<v1::SignQueryRequestResponse> Peers::SignQueryRequest(
    const Context& context, const v1::SignQueryRequestRequest& request) {
  return NeverAboutTheDevice(signing_->SignQueryRequest(context, request));
}

absl::StatusOr<v1::SignUpdateResponse> Peers::SignUpdate(const Context& context,
                                                         const v1::SignUpdateRequest& request) {
  return NeverAboutTheDevice(signing_->SignUpdate(context, request));
}

absl::StatusOr<v1::DecryptResponse> Peers::Decrypt(const Context& context,
                                                   const v1::DecryptRequest& request) {
  return NeverAboutTheDevice(signing_->Decrypt(context, request));
}

absl::StatusOr<v1::GetChallengeKeysResponse> Peers::GetChallengeKeys(const Context& context) {
  return NeverAboutTheDevice(signing_->GetChallengeKeys(context, v1::GetChallengeKeysRequest()));
}

}  // namespace tam::gateway
