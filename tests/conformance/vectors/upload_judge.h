// A developer's upload, after the earlier ones that its row tells of.
#ifndef TAMARACK_TESTS_CONFORMANCE_VECTORS_UPLOAD_JUDGE_H_
#define TAMARACK_TESTS_CONFORMANCE_VECTORS_UPLOAD_JUDGE_H_

#include "tests/support/vectors.h"

namespace tam::conformance {

// "accept" or "refused". "seq 2 after seq 3/4 stored" in the row's text: a manifest of sequence
// number 4 has been published for the component before.
testing::Judgement JudgeUpload(const testing::VectorCase& row, const std::string& folder);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_VECTORS_UPLOAD_JUDGE_H_
