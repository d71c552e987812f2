// Key files in the forms that people have them, for command line tools and configuration.
#ifndef TAMARACK_CRYPTO_KEYS_KEY_FILE_H_
#define TAMARACK_CRYPTO_KEYS_KEY_FILE_H_

#include <variant>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "crypto/keys/agreement.h"
#include "crypto/keys/key.h"

namespace tam::keys {

using AnyKey = std::variant<PublicKey, PrivateKey, MacKey>;

// The one key in a file's content, whatever its form:
//   PEM        PUBLIC KEY, PRIVATE KEY (PKCS#8), EC PRIVATE KEY (SEC 1); unencrypted
//   COSE_Key   CBOR: public, private (with d), symmetric
//   JWK        JSON, RFC 7517: EC P-256, OKP Ed25519 (RFC 8037), oct
//   JSON       an object with a text member "hmac256_key_ascii", whose characters are the key
// InvalidArgument, naming the form it was read as, for anything else. At most 64 KiB.
// Public keys are of `curves`.
absl::StatusOr<AnyKey> ParseKeyFile(Bytes content, Curves curves = Curves::kTeep);

// The same where a public key is wanted: a private key gives its public part. InvalidArgument for
// a symmetric key.
absl::StatusOr<PublicKey> ParsePublicKeyFile(Bytes content, Curves curves = Curves::kTeep);

// The same forms where a key to decrypt with, or to encrypt to, is wanted: P-256 or X25519 (JWK: EC
// P-256, OKP X25519). A P-256 file says nothing of its use: who asks decides. A private key gives
// its public part where a public one is wanted.
absl::StatusOr<AgreementKey> ParseAgreementKeyFile(Bytes content);
absl::StatusOr<AgreementPublicKey> ParseAgreementPublicKeyFile(Bytes content);

}  // namespace tam::keys

#endif  // TAMARACK_CRYPTO_KEYS_KEY_FILE_H_
