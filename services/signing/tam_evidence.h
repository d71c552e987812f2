// What the TAM says about itself to a device that asks with ERR_ATTESTATION_REQUIRED (draft -26
// sections 4.6 and 7.1.2; TEEP.md T-45, T-46): an EAT of the same profile as devices' evidence.
//
// Nothing in it is confidential (T-71): a name, a hash of the tenant's uid, and the digest of a
// program that anybody may have.
#ifndef TAMARACK_SERVICES_SIGNING_TAM_EVIDENCE_H_
#define TAMARACK_SERVICES_SIGNING_TAM_EVIDENCE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/keys/key.h"
#include "proto/tam/v1/signing_session.pb.h"
#include "storage/model/id.h"
#include "teep/eat/eat.h"

namespace tam::signing {

// SHA-256 of the program that runs, read once. Internal: /proc/self/exe cannot be read.
absl::StatusOr<std::string> ProgramDigest();

// `message_key` signs the message that carries the evidence: it is what cnf names. `now` becomes
// iat. InvalidArgument: a nonce of another size than 8 to 64 bytes. Pure.
absl::StatusOr<eat::Claims> ComposeTamEvidence(const v1::TamAttestation& asked,
                                               const storage::TenantId& tenant,
                                               const keys::Thumbprint& message_key, absl::Time now,
                                               const std::string& program_digest);

// The media type of that evidence.
std::string TamEvidenceFormat();

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_TAM_EVIDENCE_H_
