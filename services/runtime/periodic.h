#ifndef TAMARACK_SERVICES_RUNTIME_PERIODIC_H_
#define TAMARACK_SERVICES_RUNTIME_PERIODIC_H_

// Work that comes again and again and belongs to no call.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace tam::runtime {

// A thread that runs a task, for the first time after one `interval`, then one interval after each
// run has ended. Its destruction waits for a run under way, and for nothing else.
class Periodic {
 public:
  // `interval` is positive. What the task uses must outlive this.
  Periodic(absl::Duration interval, std::function<void()> task);
  ~Periodic();

 private:
  void Run(absl::Duration interval, const std::function<void()>& task);

  std::mutex mutex_;  // guards ends_
  std::condition_variable changed_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_PERIODIC_H_
