// What opening and making a COSE_Encrypt share. Internal to crypto/cose.
#ifndef TAMARACK_CRYPTO_COSE_ENCRYPT_INTERNAL_H_
#define TAMARACK_CRYPTO_COSE_ENCRYPT_INTERNAL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "crypto/cose/encrypt.h"
#include "crypto/secret/cipher.h"

namespace tam::cose {

secret::Cipher CipherOf(ContentAlgorithm algorithm);

// Enc_structure (RFC 9052 section 5.3); empty for a cipher without associated data.
std::string EncStructure(ContentAlgorithm algorithm, bool has_recipients, Bytes protected_bytes,
                         Bytes external_aad);

// The 16-byte key-encryption key of ECDH-ES+A128KW. Unauthenticated when the two keys agree on
// nothing.
absl::StatusOr<secret::SecretBytes> AgreedKek(const keys::AgreementKey& key,
                                              const keys::AgreementPublicKey& peer, Bytes salt,
                                              Bytes recipient_protected, std::string_view other);

}  // namespace tam::cose

#endif  // TAMARACK_CRYPTO_COSE_ENCRYPT_INTERNAL_H_
