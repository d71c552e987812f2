// Child processes for tests: run one to its end, or keep one running and end it.
#ifndef TAMARACK_TESTS_SUPPORT_PROCESS_H_
#define TAMARACK_TESTS_SUPPORT_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::testing {

struct Finished {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out;
  std::string err;
};

// Runs argv[0] with the test's environment plus `environment` ("NAME=value"), waits at most
// `timeout` (then SIGKILL and DeadlineExceeded). Not thread safe against chdir.
absl::StatusOr<Finished> RunProcess(const std::vector<std::string>& argv,
                                    const std::vector<std::string>& environment = {},
                                    absl::Duration timeout = absl::Seconds(120));

// Sends `signal` to a process and its children: all at once, for the process starts no further
// child meanwhile. SIGKILL returns when none of them runs any more. Nothing happens where it has
// ended.
void SignalFamily(pid_t parent, int signal);

// Waits at most `timeout` for the end of a process, anybody's child; false when it came first.
bool AwaitEnd(pid_t pid, absl::Duration timeout);

// A process that runs until Stop or the test's end (it dies with the test: PR_SET_PDEATHSIG). One
// thread at a time.
class Background {
 public:
  // stdout and stderr are appended to `log_path`; `environment` as in RunProcess. Any thread may
  // call it and end before the process.
  static absl::StatusOr<Background> Start(const std::vector<std::string>& argv,
                                          const std::string& log_path,
                                          const std::vector<std::string>& environment = {});
  Background(Background&& other) noexcept;
  Background& operator=(Background&& other) noexcept;
  ~Background();

  pid_t pid() const { return pid_; }
  bool Running();
  // Sends `signal` and waits for the end; the exit code as in Finished. SIGKILL after `grace`.
  int Stop(int signal, absl::Duration grace = absl::Seconds(20));

 private:
  explicit Background(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_PROCESS_H_
