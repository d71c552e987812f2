#include "storage/memory/memory_storage.h"

#include <atomic>

#include "storage/testing/contract.h"

namespace tam::storage {
namespace {

class MemoryHarness : public StorageHarness {
 public:
  Storage& storage() override { return *storage_; }
  void SetNow(absl::Time now) override { micros_ = absl::ToUnixMicros(now); }

 private:
  std::atomic<int64_t> micros_{0};
  std::unique_ptr<Storage> storage_ =
      NewMemoryStorage([this] { return absl::FromUnixMicros(micros_); });
};

std::unique_ptr<StorageHarness> NewHarness() { return std::make_unique<MemoryHarness>(); }

INSTANTIATE_TEST_SUITE_P(Memory, StorageContract, ::testing::Values(&NewHarness));

}  // namespace
}  // namespace tam::storage
