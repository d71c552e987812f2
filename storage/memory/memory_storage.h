// All storage in this process's memory. For tests: everything is lost with the object.

#ifndef TAMARACK_STORAGE_MEMORY_MEMORY_STORAGE_H_
#define TAMARACK_STORAGE_MEMORY_MEMORY_STORAGE_H_

#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "storage/storage.h"

namespace tam::storage {

// `now` stands for the database's clock; called under a lock, so it must not call back.
std::unique_ptr<Storage> NewMemoryStorage(std::function<absl::Time()> now);

}  // namespace tam::storage

#endif  // TAMARACK_STORAGE_MEMORY_MEMORY_STORAGE_H_
