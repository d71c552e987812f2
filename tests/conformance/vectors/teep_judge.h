// TEEP messages: those of a device by the code of `tamctl check`, those of a TAM by their form.
#ifndef TAMARACK_TESTS_CONFORMANCE_VECTORS_TEEP_JUDGE_H_
#define TAMARACK_TESTS_CONFORMANCE_VECTORS_TEEP_JUDGE_H_

#include "tests/support/vectors.h"

namespace tam::conformance {

// A signed message. Of a device: "accept", "accept:evidence", "accept:flagged", "drop" or
// "answer:N", by what the row's ctx says that the TAM had sent and knows. Of a TAM: "valid" when
// every signer of ctx verifies, its fields agree, and the SUIT envelopes in it parse; else
// "invalid".
testing::Judgement JudgeMessage(const testing::VectorCase& row, const std::string& folder);

// A payload without COSE: "parses" or "refused", in the numbering of its folder.
testing::Judgement JudgePayload(const testing::VectorCase& row, const std::string& folder);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_VECTORS_TEEP_JUDGE_H_
