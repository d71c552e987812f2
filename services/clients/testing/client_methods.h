#ifndef TAMARACK_SERVICES_CLIENTS_TESTING_CLIENT_METHODS_H_
#define TAMARACK_SERVICES_CLIENTS_TESTING_CLIENT_METHODS_H_

// Every method of every client interface, to be called alike.

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"

namespace tam::clients::testing {

// Of a call to FakeServices.
struct Outcome {
  // The request as sent and as seen by the handler.
  std::string sent;
  std::string echo;
  // Who answered.
  std::string name;
};

struct ClientMethod {
  // "Lookup" and "/tam.v1.RegistrySessionService/Lookup".
  std::string name;
  std::string path;
  // The service that may call it.
  std::string caller;
  // Calls it with every field of the request filled, and so many bytes more.
  std::function<absl::StatusOr<Outcome>(runtime::RpcChannel& channel,
                                        const runtime::CallContext& context, size_t padding)>
      call;
};

const std::vector<ClientMethod>& ClientMethods();

}  // namespace tam::clients::testing

#endif  // TAMARACK_SERVICES_CLIENTS_TESTING_CLIENT_METHODS_H_
