// Rows of the index that this TAM gets wrong as yet: faults of ours, not exceptions.
#ifndef TAMARACK_TESTS_CONFORMANCE_VECTORS_NOT_YET_H_
#define TAMARACK_TESTS_CONFORMANCE_VECTORS_NOT_YET_H_

namespace tam::conformance {

struct NotYet {
  const char* file;
  const char* verdict;  // what it gets today
  const char* missing;
};

inline constexpr NotYet kNotYet[] = {
    {"teep/generated/t-resp-attest-ar-encrypted.cbor", "answer:7",
     "the gateway opens no encrypted attestation payload"},
};

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_VECTORS_NOT_YET_H_
