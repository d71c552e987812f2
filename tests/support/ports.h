// TCP ports of 127.0.0.1 that stay one's own while the processes on them come and go.
#ifndef TAMARACK_TESTS_SUPPORT_PORTS_H_
#define TAMARACK_TESTS_SUPPORT_PORTS_H_

#include <vector>

#include "absl/status/statusor.h"

namespace tam::testing {

// Below the ports that the system gives to clients by itself, so that no connection takes one while
// its process is down; held against other tests by a name that ends with this process. Not thread
// safe.
class PortReservations {
 public:
  PortReservations() = default;
  PortReservations(const PortReservations&) = delete;
  PortReservations& operator=(const PortReservations&) = delete;
  ~PortReservations();

  // A port on which nobody listens. ResourceExhausted: none is free.
  absl::StatusOr<int> Take();

 private:
  std::vector<int> held_;  // descriptors
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_PORTS_H_
