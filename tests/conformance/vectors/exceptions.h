// Rows of the index whose verdict is not ours, each with the argument.
#ifndef TAMARACK_TESTS_CONFORMANCE_VECTORS_EXCEPTIONS_H_
#define TAMARACK_TESTS_CONFORMANCE_VECTORS_EXCEPTIONS_H_

namespace tam::conformance {

struct Exception {
  const char* file;
  const char* verdict;  // ours
  const char* argument;
};

inline constexpr char kUnprotectedAlg[] =
    "alg stands in the unprotected bucket although the algorithm authenticates headers. RFC 9052 "
    "section 3.1: alg MUST be authenticated where the ability to do so exists. TEEP draft -26 "
    "section 4.1.2 has a receiver check headers by that RFC.";

inline constexpr Exception kExceptions[] = {
    {"cose/sign1-tests/sign-pass-01.json", "invalid", kUnprotectedAlg},
    {"cose/mac0-tests/mac-pass-02.json", "invalid", kUnprotectedAlg},
    {"cose/mac0-tests/mac-pass-03.json", "invalid", kUnprotectedAlg},
    {"cose/encrypted-tests/enc-pass-03.json", "invalid", kUnprotectedAlg},
    {"cose/enveloped-tests/env-pass-01.json", "invalid", kUnprotectedAlg},
    {"cose/eddsa-examples/eddsa-sig-02.json", "invalid",
     "Ed448, which BoringSSL does not have: it cannot be judged here. TEEP draft -26 section 8.1 "
     "asks for Ed25519 alone."},
};

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_VECTORS_EXCEPTIONS_H_
