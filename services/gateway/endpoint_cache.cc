#include "services/gateway/endpoint_cache.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"

namespace tam::gateway {
namespace {

// Takes a name off the front of `rest`; false when there is none.
bool TakeName(std::string_view& rest) {
  size_t n = 0;
  while (n < rest.size() && rest[n] != '/') {
    const char c = rest[n];
    if (!absl::ascii_islower(c) && (n == 0 || (!absl::ascii_isdigit(c) && c != '-'))) return false;
    ++n;
  }
  if (n == 0 || n > 63) return false;
  rest.remove_prefix(n);
  return true;
}

bool TakeText(std::string_view& rest, std::string_view text) {
  if (!rest.starts_with(text)) return false;
  rest.remove_prefix(text.size());
  return true;
}

}  // namespace

bool HasEndpointShape(std::string_view path) {
  return TakeText(path, "/tam/") && TakeName(path) && TakeText(path, "/") && TakeName(path) &&
         path.empty();
}

EndpointCache::EndpointCache(Fetch fetch, Background background, MonotonicClock clock,
                             Limits limits)
    : fetch_(std::move(fetch)),
      background_(std::move(background)),
      clock_(std::move(clock)),
      limits_(limits),
      new_paths_(limits.new_paths, clock_) {}

absl::StatusOr<std::shared_ptr<const Endpoint>> EndpointCache::Get(const std::string& path,
                                                                   absl::Time deadline) {
  auto value = Find(path);
  if (!value.ok()) return value.status();
  return (*value)->Get(deadline);
}

absl::StatusOr<std::shared_ptr<const Endpoint>> EndpointCache::GetReadAfter(const std::string& path,
                                                                            absl::Duration since,
                                                                            absl::Time deadline) {
  auto value = Find(path);
  if (!value.ok()) return value.status();
  return (*value)->GetReadAfter(since, deadline);
}

size_t EndpointCache::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

absl::StatusOr<std::shared_ptr<EndpointCache::Value>> EndpointCache::Find(const std::string& path) {
  if (!HasEndpointShape(path)) return absl::NotFoundError("no such endpoint");
  std::lock_guard lock(mutex_);
  if (auto found = entries_.find(path); found != entries_.end()) {
    found->second.last_use = clock_();
    return found->second.value;
  }
  if (!new_paths_.TryTake()) {
    return absl::ResourceExhaustedError("too many requests to endpoints not seen before");
  }
  if (entries_.size() >= limits_.max_entries) MakeRoom();
  auto value = std::make_shared<Value>([this, path] { return fetch_(path); }, background_, clock_,
                                       limits_.refresh);
  entries_.emplace(path, Entry{value, clock_()});
  return value;
}

// Unknown and stale endpoints go first, then the one unused for longest.
void EndpointCache::MakeRoom() {
  auto oldest = entries_.end();
  bool removed = false;
  for (auto it = entries_.begin(); it != entries_.end();) {
    const absl::Duration now = clock_();
    const bool idle = now - it->second.last_use > limits_.refresh.min_interval;
    if (idle && now - it->second.value->read_at() > limits_.refresh.stale_after) {
      entries_.erase(it++);
      removed = true;
      continue;
    }
    if (oldest == entries_.end() || it->second.last_use < oldest->second.last_use) oldest = it;
    ++it;
  }
  if (!removed && oldest != entries_.end()) entries_.erase(oldest);
}

}  // namespace tam::gateway
