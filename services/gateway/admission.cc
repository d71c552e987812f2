#include "services/gateway/admission.h"

#include <utility>

namespace tam::gateway {

std::optional<Admission::Ticket> Admission::Admit(const std::string& source) {
  return AdmitUpTo(limits_.connections, source);
}

std::optional<Admission::Ticket> Admission::AdmitInstead(const std::string& source) {
  return AdmitUpTo(limits_.connections + limits_.connections / 8 + 1, source);
}

std::optional<Admission::Ticket> Admission::AdmitUpTo(size_t connections,
                                                      const std::string& source) {
  std::lock_guard lock(mutex_);
  if (all_.connections >= connections) return std::nullopt;
  const auto known = by_source_.find(source);
  if (limits_.connections_per_source == 0 ||
      (known != by_source_.end() && known->second.connections >= limits_.connections_per_source)) {
    return std::nullopt;
  }
  ++all_.connections;
  ++by_source_[source].connections;
  return Ticket(*this, source);
}

Admission::Ticket::Ticket(Ticket&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)),
      source_(std::move(other.source_)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Admission::Ticket::~Ticket() {
  if (owner_ == nullptr) return;
  std::lock_guard lock(owner_->mutex_);
  --owner_->all_.connections;
  owner_->all_.bytes -= bytes_;
  const auto held = owner_->by_source_.find(source_);
  held->second.bytes -= bytes_;
  if (--held->second.connections == 0) owner_->by_source_.erase(held);
}

bool Admission::Ticket::HoldBytes(size_t bytes) {
  std::lock_guard lock(owner_->mutex_);
  Held& all = owner_->all_;
  Held& source = owner_->by_source_[source_];
  if (bytes > bytes_ && (all.bytes - bytes_ + bytes > owner_->limits_.body_bytes ||
                         source.bytes - bytes_ + bytes > owner_->limits_.body_bytes_per_source)) {
    return false;
  }
  all.bytes += bytes - bytes_;
  source.bytes += bytes - bytes_;
  bytes_ = bytes;
  return true;
}

size_t Admission::connections() const {
  std::lock_guard lock(mutex_);
  return all_.connections;
}

size_t Admission::sources() const {
  std::lock_guard lock(mutex_);
  return by_source_.size();
}

size_t Admission::bytes() const {
  std::lock_guard lock(mutex_);
  return all_.bytes;
}

}  // namespace tam::gateway
