// Judges of published vectors of keys, signatures, MACs and encryption.
#ifndef TAMARACK_CRYPTO_COSE_TESTING_VECTOR_JUDGES_H_
#define TAMARACK_CRYPTO_COSE_TESTING_VECTOR_JUDGES_H_

#include "tests/support/vectors.h"

namespace tam::cose::testing {

// Of the kinds "key", "COSE_Key", "COSE JSON vector", "COSE_Sign1/COSE_Sign", "COSE_Encrypt",
// "SUIT_Encryption_Info (COSE_Encrypt, detached)" and "ciphertext".
const tam::testing::Judges& VectorJudges();

}  // namespace tam::cose::testing

#endif  // TAMARACK_CRYPTO_COSE_TESTING_VECTOR_JUDGES_H_
