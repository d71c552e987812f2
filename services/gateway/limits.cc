#include "services/gateway/limits.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "absl/hash/hash.h"

namespace tam::gateway {
namespace {

uint64_t SeededHash(uint64_t seed, std::string_view key) { return absl::HashOf(seed, key); }

}  // namespace

TokenBucket::TokenBucket(Rate rate, MonotonicClock clock)
    : rate_(rate), clock_(std::move(clock)), tokens_(rate.burst), last_(clock_()) {}

bool TokenBucket::TryTake() {
  std::lock_guard lock(mutex_);
  const absl::Duration now = clock_();
  if (now > last_) {
    tokens_ =
        std::min(rate_.burst, tokens_ + absl::ToDoubleSeconds(now - last_) * rate_.per_second);
    last_ = now;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

BucketTable::BucketTable(size_t slots, Rate rate, MonotonicClock clock, uint64_t seed)
    : rate_(rate),
      clock_(std::move(clock)),
      seed_(seed),
      slots_(std::bit_ceil(std::max<size_t>(slots, 1)),
             Slot{static_cast<float>(rate.burst), absl::ToInt64Milliseconds(clock_())}) {}

size_t BucketTable::IndexOf(std::string_view key) const {
  return SeededHash(seed_, key) & (slots_.size() - 1);
}

BucketTable::Slot& BucketTable::Fill(size_t index) {
  Slot& slot = slots_[index];
  const int64_t now_ms = absl::ToInt64Milliseconds(clock_());
  if (now_ms > slot.last_ms) {
    const double gained = static_cast<double>(now_ms - slot.last_ms) / 1000 * rate_.per_second;
    slot.tokens = static_cast<float>(std::min(rate_.burst, slot.tokens + gained));
    slot.last_ms = now_ms;
  }
  return slot;
}

bool BucketTable::TryTake(std::string_view key) {
  const size_t index = IndexOf(key);
  std::lock_guard lock(stripes_[index % kStripes]);
  Slot& slot = Fill(index);
  if (slot.tokens < 1) return false;
  slot.tokens -= 1;
  return true;
}

void BucketTable::GiveBack(std::string_view key) {
  const size_t index = IndexOf(key);
  std::lock_guard lock(stripes_[index % kStripes]);
  Slot& slot = Fill(index);
  slot.tokens = static_cast<float>(std::min<double>(rate_.burst, slot.tokens + 1.0));
}

bool BucketTable::HasToken(std::string_view key) {
  const size_t index = IndexOf(key);
  std::lock_guard lock(stripes_[index % kStripes]);
  return Fill(index).tokens >= 1;
}

RecentKeys::RecentKeys(size_t slots, absl::Duration keep, MonotonicClock clock, uint64_t seed)
    : keep_(keep),
      clock_(std::move(clock)),
      seed_(seed),
      slots_(std::bit_ceil(std::max<size_t>(slots, 1))) {}

uint64_t RecentKeys::TagOf(std::string_view key) const { return SeededHash(seed_, key); }

void RecentKeys::Remember(std::string_view key) {
  const uint64_t tag = TagOf(key);
  std::lock_guard lock(mutex_);
  slots_[tag & (slots_.size() - 1)] = {tag, absl::ToInt64Milliseconds(clock_() + keep_)};
}

bool RecentKeys::Contains(std::string_view key) {
  const uint64_t tag = TagOf(key);
  std::lock_guard lock(mutex_);
  const Slot& slot = slots_[tag & (slots_.size() - 1)];
  return slot.tag == tag && absl::ToInt64Milliseconds(clock_()) < slot.until_ms;
}

}  // namespace tam::gateway
