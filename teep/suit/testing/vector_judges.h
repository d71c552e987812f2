// Judges of published SUIT vectors.
#ifndef TAMARACK_TEEP_SUIT_TESTING_VECTOR_JUDGES_H_
#define TAMARACK_TEEP_SUIT_TESTING_VECTOR_JUDGES_H_

#include "tests/support/vectors.h"

namespace tam::suit::testing {

// Of the kinds "suit-envelope", "developer upload", "NEGATIVE developer upload", "SUIT_Report" and
// "payload": what parses and verifies, with the dependencies inside and what is encrypted for a key
// of the folder; an upload besides by CheckPublishable. Which sequence number comes next is the
// catalogue's to say: a rollback is accepted here.
const tam::testing::Judges& VectorJudges();

}  // namespace tam::suit::testing

#endif  // TAMARACK_TEEP_SUIT_TESTING_VECTOR_JUDGES_H_
