// Tokens as a device makes them, right or spoilt: claims in a COSE_Sign1 or COSE_Mac0. The maker of
// the signature is given, so that any key may make it.
#ifndef TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_BUILDER_H_
#define TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_BUILDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/cbor/cbor.h"

namespace tam::attestation::testing {

struct TokenSpec {
  std::optional<uint64_t> tag = 18;
  std::optional<int64_t> algorithm = -7;  // in the protected bucket
  // r||s, or the tag of a MAC, over these bytes.
  std::function<std::string(std::string_view)> sign;
  std::vector<std::string> x5chain = {};  // DER, the leaf first; unprotected
  // More of the unprotected bucket: encoded values by label.
  std::map<int64_t, std::string> unprotected = {};
};

std::string BuildToken(std::string_view payload, const TokenSpec& spec);

// A map of claims by label, each encoded; of `changes` nullopt drops a claim.
using EncodedClaims = std::map<int64_t, std::string>;
using ClaimChanges = std::map<int64_t, std::optional<std::string>>;
std::string EncodeClaims(EncodedClaims claims, const ClaimChanges& changes);

// One encoded item.
std::string Octets(std::string_view value);
std::string Text(std::string_view value);
std::string Number(int64_t value);

}  // namespace tam::attestation::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_EVIDENCE_TESTING_TOKEN_BUILDER_H_
