#ifndef TAMARACK_SERVICES_RUNTIME_CALL_CONTEXT_H_
#define TAMARACK_SERVICES_RUNTIME_CALL_CONTEXT_H_

// What every handler is told about a call, besides the request. A value, cheap to pass by
// reference; the same whether the caller is in this process or not.

#include <string>

#include "absl/time/time.h"
#include "services/runtime/identity.h"

namespace tam::runtime {

struct CallContext {
  // Verified, and already found in the authorisation table for this call.
  Identity caller;
  // By this process's wall clock (absl::Now()); hand it on as storage::CallDeadline. Never infinite
  // for a call that came over the network.
  absl::Time deadline = absl::InfiniteFuture();
  // For logs and audit entries: the same through all services that one request reaches.
  std::string request_id;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_CALL_CONTEXT_H_
