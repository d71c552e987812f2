// Typed requests to the values that are signed. There is no other way to a signature: nobody hands
// this service bytes to sign.
#ifndef TAMARACK_SERVICES_SIGNING_COMPOSE_H_
#define TAMARACK_SERVICES_SIGNING_COMPOSE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "proto/tam/v1/types.pb.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"

namespace tam::signing {

// The longest challenge and token that we send: what eat_nonce can hold (TEEP.md A6).
inline constexpr size_t kMaxNonce = 64;
inline constexpr size_t kMinNonce = 8;
// The longest life of an Attestation Result.
inline constexpr int64_t kMaxResultLifetimeSeconds = 86400;

// Each: InvalidArgument "field: want X, got Y". Pure.
absl::StatusOr<teep::QueryRequest> ComposeQueryRequest(const v1::SignQueryRequestRequest& request);
absl::StatusOr<teep::Update> ComposeUpdate(const v1::SignUpdateRequest& request);
// iat is `now`, in whole seconds.
absl::StatusOr<eat::Claims> ComposeAttestationResult(
    const v1::SignAttestationResultRequest& request, absl::Time now);

// How the payload is numbered. UNSPECIFIED is draft-26.
teep::WireProfile ProfileOf(v1::WireProfile profile);

// COSE algorithm number. InvalidArgument for UNSPECIFIED.
absl::StatusOr<int32_t> AlgorithmOf(v1::CipherSuite suite);  // of a key that signs

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_COMPOSE_H_
