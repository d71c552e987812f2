// Judges of published EAT vectors.
#ifndef TAMARACK_TEEP_EAT_TESTING_VECTOR_JUDGES_H_
#define TAMARACK_TEEP_EAT_TESTING_VECTOR_JUDGES_H_

#include "tests/support/vectors.h"

namespace tam::eat::testing {

// Of the kinds "EAT claims-set", "EAT token" (a bundle with its detached claims sets among them;
// signatures are left alone, for the folder has no keys) and "EAR claims-set" (as an Attestation
// Result: whether it affirms).
const tam::testing::Judges& VectorJudges();

}  // namespace tam::eat::testing

#endif  // TAMARACK_TEEP_EAT_TESTING_VECTOR_JUDGES_H_
