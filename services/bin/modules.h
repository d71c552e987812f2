// The services as modules: what each is made from, and how it answers.
#ifndef TAMARACK_SERVICES_BIN_MODULES_H_
#define TAMARACK_SERVICES_BIN_MODULES_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "services/bin/config.h"
#include "services/runtime/rpc.h"
#include "storage/storage.h"

namespace tam::bin {

// Owns a service's handlers and what they are built on.
class ModuleInstance {
 public:
  virtual ~ModuleInstance() = default;
  // Borrow this instance.
  virtual std::vector<runtime::ServiceBinding> Bindings() = 0;
};

using ModuleOrError = absl::StatusOr<std::unique_ptr<ModuleInstance>>;

// Each borrows the storage and the channels.
ModuleOrError OpenRegistry(storage::Storage& storage);
ModuleOrError OpenCatalog(storage::Storage& storage);
ModuleOrError OpenAudit(storage::Storage& storage);
// InvalidArgument or NotFound: the key encryption key cannot be read.
ModuleOrError OpenSigning(storage::Storage& storage, const Config& config);
ModuleOrError OpenAttestation(storage::Storage& storage, runtime::RpcChannel& signing);

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_MODULES_H_
