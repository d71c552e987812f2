// For what cannot fail unless the test itself is wrong.
#ifndef TAMARACK_TESTS_CONFORMANCE_MUTATED_MUST_H_
#define TAMARACK_TESTS_CONFORMANCE_MUTATED_MUST_H_

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/status/statusor.h"

namespace tam::conformance {

// Ends the process with the status where there is no value.
template <typename T>
T Must(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::cerr << "mutated sessions: " << value.status() << std::endl;
  abort();
}

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_MUTATED_MUST_H_
