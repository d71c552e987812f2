#include "services/runtime/refusal_limiter.h"

#include <algorithm>

#include "absl/hash/hash.h"

namespace tam::runtime {

RefusalLimiter::RefusalLimiter(const Options& options)
    : options_(options), buckets_(options.buckets, Bucket{options.burst, absl::InfinitePast()}) {}

bool RefusalLimiter::Take(absl::string_view identity, absl::Time now) {
  const size_t index = absl::HashOf(identity) % options_.buckets;
  std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_[index];
  if (now > bucket.filled) {
    const double gained = absl::ToDoubleSeconds(now - bucket.filled) * options_.per_second;
    bucket.tokens = std::min(options_.burst, bucket.tokens + gained);
    bucket.filled = now;
  }
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

}  // namespace tam::runtime
