// Messages to one gateway of several.
#ifndef TAMARACK_TESTS_FAULTS_SESSIONS_AT_GATEWAY_H_
#define TAMARACK_TESTS_FAULTS_SESSIONS_AT_GATEWAY_H_

#include <string>

#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/stack.h"

namespace tam::testing {

// To the endpoint of the scenario. A test failure, and status 0, where nothing answers.
Reply PostAt(Stack& stack, int gateway, const std::string& body);

// The challenge of a fresh QueryRequest.
std::string ChallengeAt(Stack& stack, int gateway);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_SESSIONS_AT_GATEWAY_H_
