// Threads for work that blocks, behind a queue with a hard cap.
#ifndef TAMARACK_SERVICES_RUNTIME_WORKER_POOL_H_
#define TAMARACK_SERVICES_RUNTIME_WORKER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tam::runtime {

// Thread safe. Tasks begin in the order of submission.
class WorkerPool {
 public:
  WorkerPool(int threads, size_t queue_limit);
  // Runs what is queued, then ends the threads.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // What sessions already begun need goes first when the queue fills: new work may use half of it.
  enum class Priority { kNew, kContinuing };

  // False, and nothing queued, when the queue is full for this priority, or after Stop.
  bool TrySubmit(std::function<void()> task, Priority priority);

  // Refuses new tasks, runs what is queued, and returns when all is done. Once.
  void Stop();

 private:
  void Run();

  const size_t queue_limit_;
  std::mutex mutex_;  // guards queue_ and stopping_
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_WORKER_POOL_H_
