#ifndef TAMARACK_SERVICES_RUNTIME_REFUSAL_LIMITER_H_
#define TAMARACK_SERVICES_RUNTIME_REFUSAL_LIMITER_H_

// Token buckets for refused calls, one an identity, in a table of fixed size.

#include <cstddef>
#include <mutex>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace tam::runtime {

// Thread safe. Identities whose hashes meet share a bucket; since refused calls alone take from it,
// a caller that is never refused never notices.
class RefusalLimiter {
 public:
  struct Options {
    size_t buckets = 4096;
    // Refusals in a row that are answered and audited one by one.
    double burst = 20;
    // And so many a second from then on.
    double per_second = 1;
  };

  explicit RefusalLimiter(const Options& options);

  // Takes a token of `identity`; false if it has none left at `now`. A `now` before an earlier one
  // refills nothing.
  bool Take(absl::string_view identity, absl::Time now);

 private:
  struct Bucket {
    double tokens;
    absl::Time filled;
  };

  const Options options_;
  // A standard one: the distribution's Abseil is not built for TSan.
  std::mutex mutex_;  // guards buckets_
  std::vector<Bucket> buckets_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_REFUSAL_LIMITER_H_
