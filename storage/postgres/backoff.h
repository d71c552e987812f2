// Spares a database that cannot be reached.

#ifndef TAMARACK_STORAGE_POSTGRES_BACKOFF_H_
#define TAMARACK_STORAGE_POSTGRES_BACKOFF_H_

#include <functional>

#include "absl/time/time.h"
#include "storage/postgres/connection.h"

namespace tam::storage::postgres {

// Time since some fixed moment; never goes back. Injected; must be thread safe.
using MonotonicClock = std::function<absl::Duration()>;
MonotonicClock SystemMonotonicClock();

struct BackoffLimits {
  absl::Duration first = absl::Milliseconds(50);
  absl::Duration most = absl::Seconds(1);
};

// `factory`, not called for a while after it failed: first, 2 * first, ... at most `most`, until it
// succeeds. Meanwhile the answer is Unavailable, at once. The result is thread safe if the factory
// is.
ConnectionFactory WithBackoff(ConnectionFactory factory, const BackoffLimits& limits,
                              MonotonicClock clock);

}  // namespace tam::storage::postgres

#endif  // TAMARACK_STORAGE_POSTGRES_BACKOFF_H_
