// What time a gateway takes it to be.
#ifndef TAMARACK_TESTS_FAULTS_LOAD_ISSUE_TIME_H_
#define TAMARACK_TESTS_FAULTS_LOAD_ISSUE_TIME_H_

#include <string>

#include "absl/time/time.h"

namespace tam::testing {

// Of the challenge in a fresh QueryRequest from that URL. InfinitePast where none comes, as while a
// gateway is restarted.
absl::Time ReadIssueTime(const std::string& url);

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_FAULTS_LOAD_ISSUE_TIME_H_
