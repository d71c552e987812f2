#ifndef TAMARACK_SERVICES_CLIENTS_TESTING_LOAD_H_
#define TAMARACK_SERVICES_CLIENTS_TESTING_LOAD_H_

// Calls that go on while a test does something to what they pass through.

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/runtime/rpc.h"

namespace tam::clients::testing {

// Thread safe.
class Load {
 public:
  // Begins `threads` of them: each makes one call after the other, in turn of every method of
  // RegistrySessionService. `channel` must outlive this.
  Load(runtime::RpcChannel& channel, int threads, absl::Duration timeout = absl::Seconds(10));
  ~Load();

  // Waits until so many more calls have ended well, and with `from` only those that it answered.
  // False after 100 s.
  bool AwaitMore(int calls, const std::string& from = "");
  // Ends the calls.
  void Stop();

  int done() const { return done_; }
  // How many went wrong, and the first of them.
  int failed() const { return failed_; }
  absl::Status first_failure() const;
  absl::Duration slowest() const;

 private:
  void Run(int thread, absl::Duration timeout);
  int Count(const std::string& from) const;

  runtime::RpcChannel& channel_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> done_ = 0;
  std::atomic<int> failed_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, int> by_name_;
  absl::Status first_failure_;
  absl::Duration slowest_;
  std::vector<std::thread> threads_;
};

}  // namespace tam::clients::testing

#endif  // TAMARACK_SERVICES_CLIENTS_TESTING_LOAD_H_
