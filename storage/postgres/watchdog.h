// Ends what overruns its deadline, for calls that have no time-out of their own.

#ifndef TAMARACK_STORAGE_POSTGRES_WATCHDOG_H_
#define TAMARACK_STORAGE_POSTGRES_WATCHDOG_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace tam::storage::postgres {

// One thread that sleeps until the nearest deadline. Thread safe. Must outlive its watches.
class Watchdog {
 public:
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Ends with End or with its life; `cut` neither runs afterwards nor is running then.
  class Watch {
   public:
    // Calls `cut` once, in the watchdog's thread, if the watch lives at `deadline` (this process's
    // wall clock). `cut` must be quick and must not come back to the watchdog.
    Watch(Watchdog& watchdog, absl::Time deadline, std::function<void()> cut);
    ~Watch() { End(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // True if `cut` was called.
    bool End();

   private:
    Watchdog& watchdog_;
    const absl::Time deadline_;
    const uint64_t id_;
    bool ended_ = false;
    bool was_cut_ = false;
  };

 private:
  // By deadline, then in the order of arrival.
  using Key = std::pair<absl::Time, uint64_t>;

  uint64_t Add(absl::Time deadline, std::function<void()> cut);
  // False if it was cut.
  bool Remove(const Key& key);
  void Run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<Key, std::function<void()>> watched_;
  uint64_t last_id_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_WATCHDOG_H_
