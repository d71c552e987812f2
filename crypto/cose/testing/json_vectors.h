// The vectors of the COSE working group: a JSON object with the message, the keys and, for each
// structure, what went in. Internal to crypto/cose/testing.
#ifndef TAMARACK_CRYPTO_COSE_TESTING_JSON_VECTORS_H_
#define TAMARACK_CRYPTO_COSE_TESTING_JSON_VECTORS_H_

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "crypto/cose/cose.h"

namespace tam::cose::testing {

using Json = nlohmann::json;

// The JWK of a vector as a key file: without the names that the group uses loosely, and with
// coordinates given in hex as base64url.
Json PlainJwk(Json jwk);
// The bytes of a JWK's "k".
std::string SymmetricKey(const Json& jwk);

// OK when the message verifies, or decrypts to its plaintext.
absl::Status JudgeJsonVector(const Json& vector);

// A COSE_Mac (tag 97) with HMAC 512/512 or AES-MAC 256/64 whose key one recipient wraps: A128KW, or
// ECDH-ES+A128KW on P-256. TEEP has no use for it, the library none either: read here alone.
absl::Status JudgeMac(Bytes message, const Json& jwk);

}  // namespace tam::cose::testing

#endif  // TAMARACK_CRYPTO_COSE_TESTING_JSON_VECTORS_H_
