#include "services/attestation/dcap/platform_cache.h"

#include <utility>

namespace tam::attestation::dcap {

std::shared_ptr<const VerifiedPlatform> PlatformCache::Find(const secret::Digest256& digest,
                                                            absl::Time at) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = index_.find(digest);
  if (found != index_.end() && found->second->platform->window().Contains(at)) {
    entries_.splice(entries_.begin(), entries_, found->second);
    ++counts_.hits;
    return found->second->platform;
  }
  ++counts_.misses;
  if (found != index_.end() && at > found->second->platform->window().until) {
    entries_.erase(found->second);
    index_.erase(found);
  }
  return nullptr;
}

void PlatformCache::Add(const secret::Digest256& digest,
                        std::shared_ptr<const VerifiedPlatform> platform) {
  if (!platform->late().empty()) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (index_.contains(digest)) return;
  entries_.push_front({digest, std::move(platform)});
  index_[digest] = entries_.begin();
  if (entries_.size() <= capacity_) return;
  index_.erase(entries_.back().digest);
  entries_.pop_back();
}

void PlatformCache::Clear() {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.clear();
  index_.clear();
}

PlatformCache::Counts PlatformCache::counts() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  Counts counts = counts_;
  counts.size = entries_.size();
  return counts;
}

}  // namespace tam::attestation::dcap
