// The last QueryResponse of a device that was turned away before anything of it was believed: its
// nonce was no live challenge of ours. By the protocol such a message changes no row, or a flood of
// replays would write (DESIGN.md, "A session", step 2); yet the person at the device wants to know.
// So the reason is kept in this process's memory alone, for a bounded number of devices: a hint,
// lost at restart, that decides nothing.
#ifndef TAMARACK_SERVICES_REGISTRY_REFUSAL_BOARD_H_
#define TAMARACK_SERVICES_REGISTRY_REFUSAL_BOARD_H_

#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "storage/model/attestation.h"
#include "storage/model/device.h"
#include "storage/model/id.h"

namespace tam::registry {

struct TurnedAway {
  storage::AttestationReason reason;
  absl::Time at;
};

// Thread safe.
class RefusalBoard {
 public:
  explicit RefusalBoard(size_t capacity = 4096) : capacity_(capacity) {}

  // Replaces what is there of the device; the device noted longest ago makes room.
  void Note(const storage::TenantId& tenant, const storage::DeviceId& device, TurnedAway refusal);
  std::optional<TurnedAway> Find(const storage::TenantId& tenant,
                                 const storage::DeviceId& device) const;

 private:
  using Key = std::pair<storage::TenantId, storage::DeviceId>;
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::list<std::pair<Key, TurnedAway>> newest_first_;
  std::map<Key, std::list<std::pair<Key, TurnedAway>>::iterator> by_device_;
};

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_REFUSAL_BOARD_H_
