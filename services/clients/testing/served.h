#ifndef TAMARACK_SERVICES_CLIENTS_TESTING_SERVED_H_
#define TAMARACK_SERVICES_CLIENTS_TESTING_SERVED_H_

// FakeServices behind a real server, and channels to it both ways.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/clients/testing/fake_services.h"
#include "services/runtime/dispatcher.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/test_credentials.h"

namespace tam::clients::testing {

inline constexpr char kDomain[] = "tamarack.example";
// "spiffe://tamarack.example/service/NAME".
std::string Service(const std::string& name);
runtime::Identity IdentityOf(const std::string& spiffe_id);
// Of a call by the gateway, whose request id is "request-1".
runtime::CallContext Context(absl::Duration timeout = absl::Seconds(20));

// Dies when openssl cannot be run. Made once in a process.
const runtime::TestAuthority& OurAuthority();
// The same certificate for the same URIs each time.
runtime::TlsMaterial CertificateOf(const std::vector<std::string>& uris);

// Presents service/registry. The refusal limit is too high to matter.
class Served {
 public:
  using Change = std::function<void(runtime::RpcServer::Options&)>;
  static absl::StatusOr<std::unique_ptr<Served>> Start(const Change& change = nullptr);

  FakeServices& services() { return services_; }
  runtime::RpcServer& server() { return *server_; }
  std::string address() const;

  // As one of `uris`' certificate, or in this process.
  std::unique_ptr<runtime::RpcChannel> Remote(const std::vector<std::string>& uris);
  std::unique_ptr<runtime::RpcChannel> Direct(const std::string& spiffe_id);

 private:
  Served();
  FakeServices services_;
  runtime::Dispatcher dispatcher_;
  std::unique_ptr<runtime::RpcServer> server_;
};

// Options of a client of these servers, which must be service/registry, calling as the gateway.
runtime::RpcClientOptions ClientOf(const std::vector<std::string>& servers);

}  // namespace tam::clients::testing

#endif  // TAMARACK_SERVICES_CLIENTS_TESTING_SERVED_H_
