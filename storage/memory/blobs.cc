#include "storage/memory/state.h"

namespace tam::storage::memory {
namespace {

class MemoryBlobStore : public BlobStore {
 public:
  explicit MemoryBlobStore(State& state) : state_(state) {}

  absl::Status Put(const TenantId& tenant, const BlobId& id, absl::Span<const uint8_t> bytes,
                   CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    const bool fresh =
        state_.blobs.emplace(std::pair(tenant, id), Bytes(bytes.begin(), bytes.end())).second;
    return fresh ? absl::OkStatus() : Taken("blob");
  }

  absl::StatusOr<Bytes> Get(const TenantId& tenant, const BlobId& id, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    auto it = state_.blobs.find({tenant, id});
    if (it == state_.blobs.end()) return Missing("blob");
    return it->second;
  }

  absl::Status Delete(const TenantId& tenant, const BlobId& id, CallDeadline) override {
    std::lock_guard lock(state_.mutex);
    state_.blobs.erase({tenant, id});
    return absl::OkStatus();
  }

 private:
  State& state_;
};

}  // namespace

std::unique_ptr<BlobStore> NewBlobStore(State& state) {
  return std::make_unique<MemoryBlobStore>(state);
}

}  // namespace tam::storage::memory
