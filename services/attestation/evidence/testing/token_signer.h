// Tokens signed by keys of tests.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_SIGNER_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_SIGNER_H_

#include <string_view>

#include "crypto/keys/key.h"
#include "crypto/verify/testing/issued.h"
#include "services/attestation/evidence/testing/token_builder.h"

namespace tam::attestation::testing {

using verify::testing::SigningKey;

inline verify::Hash OwnHash(verify::Kind kind) {
  if (kind == verify::Kind::kP384) return verify::Hash::kSha384;
  return kind == verify::Kind::kP521 ? verify::Hash::kSha512 : verify::Hash::kSha256;
}

// ES256, ES384 or ES512, as the key is.
inline TokenSpec SignedBy(const SigningKey& key) {
  const verify::Kind kind = key.PublicKey().kind();
  TokenSpec spec;
  spec.algorithm = kind == verify::Kind::kP256 ? -7 : kind == verify::Kind::kP384 ? -35 : -36;
  spec.sign = [key, kind](std::string_view covered) {
    return key.SignEcdsa(OwnHash(kind), covered);
  };
  return spec;
}

// Of an elliptic key.
inline keys::PublicKey PublicOf(const SigningKey& key) { return *key.PublicKey().elliptic(); }

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_SIGNER_H_
