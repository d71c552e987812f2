// What evidence is judged by, parsed and kept for a while.
#ifndef TAMARACK_SERVICES_ATTESTATION_INPUTS_H_
#define TAMARACK_SERVICES_ATTESTATION_INPUTS_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/attestation/eat/verifier.h"
#include "services/runtime/database_time.h"
#include "storage/attestation_store.h"

namespace tam::attestation {

// Stored inputs with keys parsed and defaults filled in. Immutable.
struct Inputs {
  uint64_t generation = 0;
  EvidencePolicy evidence;
  ResultPolicy results;
  absl::Duration result_lifetime = absl::Hours(1);
};

// The defaults of a policy that leaves them open.
std::vector<std::string> DefaultResultProfiles();
std::vector<std::string> DefaultEvidenceProfiles();
inline constexpr absl::Duration kDefaultResultLifetime = absl::Hours(1);

// Internal where a stored key cannot be read.
absl::StatusOr<Inputs> ParseInputs(const storage::AppraisalInputs& stored);

// Thread safe. Kept inputs are used while the tenant's generation stands; the generation itself is
// believed for `generation_life`, so a revocation by another replica counts after that.
class InputsCache {
 public:
  struct Options {
    size_t max_entries = 10'000;  // each a few hundred bytes; the one used longest ago makes room
    size_t max_tenants = 10'000;
    absl::Duration generation_life = absl::Seconds(1);
  };
  InputsCache(storage::AppraisalReader& reader, runtime::MonotonicClock monotonic)
      : InputsCache(reader, std::move(monotonic), Options()) {}
  InputsCache(storage::AppraisalReader& reader, runtime::MonotonicClock monotonic,
              const Options& options)
      : reader_(reader), monotonic_(std::move(monotonic)), options_(options) {}

  // Unavailable; Internal.
  absl::StatusOr<std::shared_ptr<const Inputs>> Get(const storage::TenantId& tenant,
                                                    const storage::DeviceId& device,
                                                    const storage::DeviceClass& device_class,
                                                    storage::CallDeadline deadline);
  // After a write by this process: the next Get asks the store.
  void Forget(const storage::TenantId& tenant);

 private:
  using Key = std::tuple<storage::TenantId, storage::DeviceId, storage::DeviceClass>;
  struct Entry {
    Key key;
    std::shared_ptr<const Inputs> inputs;
  };
  struct Generation {
    uint64_t value = 0;
    absl::Duration read;
  };

  absl::StatusOr<uint64_t> GenerationOf(const storage::TenantId& tenant,
                                        storage::CallDeadline deadline);
  std::shared_ptr<const Inputs> Find(const Key& key, uint64_t generation);
  void Keep(const Key& key, std::shared_ptr<const Inputs> inputs);

  storage::AppraisalReader& reader_;
  const runtime::MonotonicClock monotonic_;
  const Options options_;
  absl::Mutex mutex_;
  std::list<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // the last used first
  absl::flat_hash_map<Key, std::list<Entry>::iterator> index_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<storage::TenantId, Generation> generations_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_INPUTS_H_
