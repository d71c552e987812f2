#include <algorithm>

#include "storage/memory/state.h"

namespace tam::storage::memory {
namespace {

// Falls as time and id rise, so that the newest comes first.
std::string FallingKey(const AuditRecord& record) {
  const uint64_t falling = ~static_cast<uint64_t>(absl::ToUnixMicros(record.at));
  std::string key;
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(falling >> shift));
  for (uint8_t byte : record.id.bytes()) key.push_back(static_cast<char>(~byte));
  return key;
}

class MemoryAuditStore : public AuditStore {
 public:
  explicit MemoryAuditStore(State& state) : state_(state) {}

  absl::StatusOr<Page<AuditRecord>> List(const AuditFilter& filter, const PageRequest& page,
                                         CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::vector<AuditRecord> rows;
    for (const AuditRecord& record : state_.audit) {
      const AuditEntry& entry = record.entry;
      if (entry.tenant != filter.tenant) continue;
      if (filter.device.has_value() && entry.device != *filter.device) continue;
      if (!filter.kind.empty() && entry.kind != filter.kind) continue;
      if (filter.from.has_value() && record.at < *filter.from) continue;
      if (filter.until.has_value() && record.at >= *filter.until) continue;
      rows.push_back(record);
    }
    std::sort(rows.begin(), rows.end(), [](const AuditRecord& a, const AuditRecord& b) {
      return FallingKey(a) < FallingKey(b);
    });
    return Paginate(rows, page, FallingKey);
  }

 private:
  State& state_;
};

class MemoryAuditWriter : public AuditWriter {
 public:
  explicit MemoryAuditWriter(State& state) : state_(state) {}

  absl::Status Record(const AuditEntry& entry, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    state_.Append(entry);
    return absl::OkStatus();
  }

 private:
  State& state_;
};

class MemoryPseudonymStore : public PseudonymStore {
 public:
  explicit MemoryPseudonymStore(State& state) : state_(state) {}

  absl::StatusOr<Pseudonym> GetOrCreate(const TenantId& tenant, absl::string_view subject,
                                        const Pseudonym& candidate, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    return state_.pseudonyms.emplace(std::pair(tenant, std::string(subject)), candidate)
        .first->second;
  }

  absl::StatusOr<std::map<Pseudonym, std::string>> Subjects(const TenantId& tenant,
                                                            absl::Span<const Pseudonym> pseudonyms,
                                                            CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    std::map<Pseudonym, std::string> subjects;
    for (const auto& [key, pseudonym] : state_.pseudonyms) {
      const bool wanted =
          std::find(pseudonyms.begin(), pseudonyms.end(), pseudonym) != pseudonyms.end();
      if (key.first == tenant && wanted) subjects.emplace(pseudonym, key.second);
    }
    return subjects;
  }

 private:
  State& state_;
};

class MemoryDatabaseClock : public DatabaseClock {
 public:
  explicit MemoryDatabaseClock(State& state) : state_(state) {}

  absl::StatusOr<absl::Time> Now(CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    return state_.now();
  }

 private:
  State& state_;
};

}  // namespace

std::unique_ptr<AuditStore> NewAuditStore(State& state) {
  return std::make_unique<MemoryAuditStore>(state);
}
std::unique_ptr<AuditWriter> NewAuditWriter(State& state) {
  return std::make_unique<MemoryAuditWriter>(state);
}
std::unique_ptr<PseudonymStore> NewPseudonymStore(State& state) {
  return std::make_unique<MemoryPseudonymStore>(state);
}
std::unique_ptr<DatabaseClock> NewDatabaseClock(State& state) {
  return std::make_unique<MemoryDatabaseClock>(state);
}

}  // namespace tam::storage::memory
