// Starts again what was killed, as an orchestrator would.
#ifndef TAMARACK_TESTS_E2E_SUPERVISOR_H_
#define TAMARACK_TESTS_E2E_SUPERVISOR_H_

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/e2e/stack.h"

namespace tam::testing {

// From construction to destruction, every process of the stack that ends is started again at once:
// PostgreSQL by a thread of its own, because services wait for it at their start. Thread safe.
class Supervisor {
 public:
  explicit Supervisor(Stack& stack);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Waits until everything runs and is ready; DeadlineExceeded, with the last failure to start.
  absl::Status AwaitAllRunning(absl::Duration timeout = absl::Seconds(60));

 private:
  // Over and over; a pause where all ran.
  void Watch(const std::function<bool()>& start_what_ended);
  // True when all ran already.
  bool StartDatabaseIfEnded();
  bool StartServicesThatEnded();
  void Note(const absl::Status& started);

  Stack& stack_;
  std::atomic<bool> stop_ = false;
  std::mutex mutex_;  // guards what follows
  absl::Status last_failure_;
  std::thread database_;  // last: they use all of the above
  std::thread services_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_E2E_SUPERVISOR_H_
