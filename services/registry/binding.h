// The registry's methods under the names of their RPCs.
#ifndef TAMARACK_SERVICES_REGISTRY_BINDING_H_
#define TAMARACK_SERVICES_REGISTRY_BINDING_H_

#include "services/registry/handler.h"
#include "services/runtime/rpc.h"

namespace tam::registry {

// tam.v1.RegistryService. The handler must outlive the binding.
runtime::ServiceBinding Bind(AdminHandler& handler);
// tam.v1.RegistrySessionService.
runtime::ServiceBinding Bind(SessionHandler& handler);

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_BINDING_H_
