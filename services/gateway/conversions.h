// TEEP and proto values into one another. Nothing here decides anything but sizes.
#ifndef TAMARACK_SERVICES_GATEWAY_CONVERSIONS_H_
#define TAMARACK_SERVICES_GATEWAY_CONVERSIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "proto/tam/v1/catalog_session.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "services/gateway/endpoint_cache.h"
#include "services/gateway/epoch_keys.h"
#include "teep/message/message.h"

namespace tam::gateway {

// Internal when the registry's answer does not fit (a uid of another size).
absl::StatusOr<Endpoint> EndpointFrom(const v1::ResolveEndpointResponse& response);
FetchedKeys KeysFrom(const v1::GetChallengeKeysResponse& response);

// CBOR array of byte strings.
std::string EncodeComponent(const teep::ComponentId& id);

// What a QueryResponse says, for the registry and for the catalogue.
void AddReported(const teep::QueryResponse& response, v1::AcceptRequest& request);
void AddReported(const teep::QueryResponse& response, v1::ResolveRequest& request);
// Which binaries it says it has (have-binary), at most 256, in place of what stood there.
void SetHeld(const teep::QueryResponse& response, v1::GetEnvelopesRequest& request);

// The media type of an Attestation Result of ours; empty: the TEEP profile's, which is not sent
// (TEEP.md A1).
std::string ResultFormat(std::string_view result);

// The suite of a signature, -9 or -19.
v1::CipherSuite SuiteOf(int64_t algorithm);

// Says in a request to signing how the endpoint's devices want messages. `Request` is
// SignQueryRequestRequest or SignUpdateRequest.
template <typename Request>
void SetProfile(const Endpoint& endpoint, Request& request) {
  request.set_wire_profile(endpoint.profile == teep::WireProfile::kLegacy
                               ? v1::WIRE_PROFILE_LEGACY
                               : v1::WIRE_PROFILE_DRAFT_26);
  request.set_older_algorithms(endpoint.legacy.older_algorithms);
}

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_CONVERSIONS_H_
