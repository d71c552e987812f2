// Starts again what was killed, as an orchestrator would.
#ifndef TAMARACK_TESTS_E2E_SUPERVISOR_H_
#define TAMARACK_TESTS_E2E_SUPERVISOR_H_

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/e2e/stack.h"

namespace tam::testing {

// From construction to destruction, every process of the stack that ends, PostgreSQL included, is
// started again at once. PostgreSQL comes first: the others do not start without it, and then all
// at a time. Thread safe.
class Supervisor {
 public:
  explicit Supervisor(Stack& stack);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Waits until everything runs and is ready; DeadlineExceeded, with the last failure to start.
  absl::Status AwaitAllRunning(absl::Duration timeout = absl::Seconds(60));

 private:
  void Watch();
  // True when everything ran already.
  bool StartWhatEnded();

  Stack& stack_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  // guards what follows
  absl::Status last_failure_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_SUPERVISOR_H_
