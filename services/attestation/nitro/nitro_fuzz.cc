// Any bytes as a document, and as the payload of one that an enclave made here signed. Only what it
// signed with its own chain is authentic, and every refusal says why.
#include <cstdlib>
#include <string>

#include "crypto/cbor/cbor.h"
#include "services/attestation/nitro/nitro.h"
#include "services/attestation/nitro/testing/enclave.h"

namespace tam::attestation {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

EvidenceVerdict Verify(const nitro::testing::Enclave& enclave, Bytes document) {
  EvidenceInput input;
  input.evidence = document;
  TrustedInput trusted;
  trusted.anchors = {enclave.root().der};
  EvidenceVerdict verdict =
      VerifyNitro(input, trusted, {absl::FromUnixSeconds(1'800'000'000), std::nullopt});
  Require(verdict.authentic() == verdict.claims.has_value());
  for (const auto* list : {&verdict.unauthentic, &verdict.refused, &verdict.warned}) {
    for (const Finding& finding : *list) Require(!finding.claim.empty());
  }
  return verdict;
}

void CheckInput(Bytes input) {
  static const auto& enclave = *new nitro::testing::Enclave();
  Require(!Verify(enclave, input).authentic());
  // No input holds the certificate of that key.
  const std::string own = enclave.Sign(cbor::AsString(input));
  Require(!Verify(enclave, cbor::AsBytes(own)).authentic());
}

}  // namespace
}  // namespace tam::attestation

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  tam::attestation::CheckInput(tam::attestation::Bytes(data, size));
  return 0;
}
