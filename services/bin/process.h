// One tamd: the modules that its configuration names, wired to each other, served, and drained.
#ifndef TAMARACK_SERVICES_BIN_PROCESS_H_
#define TAMARACK_SERVICES_BIN_PROCESS_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/bin/config.h"
#include "services/bin/modules.h"
#include "services/gateway/module.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/dispatcher.h"
#include "services/runtime/periodic.h"
#include "services/runtime/rpc_client.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/tls_source.h"
#include "storage/storage.h"

namespace tam::bin {

class Process {
 public:
  // Opens storage (refusing a schema that is not this program's), wires the modules, listens.
  // FailedPrecondition, Unavailable, InvalidArgument, NotFound: which file, address or database.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const Config& config);
  ~Process();

  // "host:port" as listened on. http_address is empty where this process is no gateway.
  const std::string& admin_address() const { return admin_address_; }
  const std::string& http_address() const { return http_address_; }

  // Takes no new request, and lets those that have begun finish within the configured time.
  void Drain();

 private:
  explicit Process(const Config& config) : config_(config) {}

  absl::Status OpenTls();
  absl::Status OpenStorage();
  absl::Status OpenModules();
  absl::Status OpenModule(Module module);
  absl::Status Listen();
  absl::Status StartGateway();
  // How this process, as the service `self`, reaches `module`: here, or at its peer.
  absl::StatusOr<runtime::RpcChannel*> ChannelTo(Module module, Module self);
  absl::StatusOr<runtime::Identity> IdentityOf(Module module) const;

  // In the order of construction: each may use what stands before it.
  const Config config_;
  // As whom each module calls; and what the listener presents.
  std::map<Module, std::shared_ptr<runtime::TlsSource>> tls_;
  std::shared_ptr<runtime::TlsSource> listener_tls_;
  // Looks after the files of all of them.
  std::unique_ptr<runtime::Periodic> tls_reload_;
  std::map<Module, std::unique_ptr<storage::Storage>> storage_;
  std::unique_ptr<runtime::AuditComposer> composer_;
  std::unique_ptr<runtime::AuditSink> denials_;
  std::unique_ptr<runtime::Dispatcher> dispatcher_;
  std::vector<std::unique_ptr<runtime::RpcChannel>> channels_;
  std::vector<std::unique_ptr<ModuleInstance>> modules_;
  std::unique_ptr<runtime::RpcServer> admin_;
  std::unique_ptr<gateway::GatewayModule> gateway_;
  std::string admin_address_;
  std::string http_address_;
};

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_PROCESS_H_
