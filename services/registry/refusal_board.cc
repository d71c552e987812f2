#include "services/registry/refusal_board.h"

namespace tam::registry {

void RefusalBoard::Note(const storage::TenantId& tenant, const storage::DeviceId& device,
                        TurnedAway refusal) {
  const Key key{tenant, device};
  std::lock_guard<std::mutex> lock(mutex_);
  if (const auto it = by_device_.find(key); it != by_device_.end()) {
    newest_first_.erase(it->second);
    by_device_.erase(it);
  }
  if (newest_first_.size() >= capacity_) {
    by_device_.erase(newest_first_.back().first);
    newest_first_.pop_back();
  }
  newest_first_.emplace_front(key, std::move(refusal));
  by_device_[key] = newest_first_.begin();
}

std::optional<TurnedAway> RefusalBoard::Find(const storage::TenantId& tenant,
                                             const storage::DeviceId& device) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = by_device_.find({tenant, device});
  if (it == by_device_.end()) return std::nullopt;
  return it->second->second;
}

}  // namespace tam::registry
