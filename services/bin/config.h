// Everything that `tamd` is told on its command line, in one value. Flags are read nowhere else.
#ifndef TAMARACK_SERVICES_BIN_CONFIG_H_
#define TAMARACK_SERVICES_BIN_CONFIG_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/runtime/log.h"

namespace tam::bin {

enum class Module { kSigning, kRegistry, kCatalog, kAttestation, kAudit, kGateway };

// "signing", ...: as in --services, DSN files and log lines.
std::string NameOf(Module module);

// Where a module of another process is, and who answers there.
struct Peer {
  // As whom the process presents itself: a process has one certificate, whatever it serves.
  Module identity = Module::kRegistry;
  // "host:port" of each replica.
  std::vector<std::string> servers;

  bool operator==(const Peer&) const = default;
};

struct Config {
  std::set<Module> modules;
  // Holds NAME.dsn for each module but the gateway, which reads none.
  std::string database_dir;
  int database_connections = 16;
  // How long a start waits for a database that is down or still recovering.
  absl::Duration database_start_timeout = absl::Seconds(60);
  std::string kek_file;
  std::string trust_domain;
  // Holds NAME.pem and NAME.key, as which the module NAME calls others. Empty, or nothing there for
  // a module: the two files below.
  std::string tls_dir;
  std::string tls_cert_file;
  std::string tls_key_file;
  std::string tls_ca_file;
  absl::Duration tls_reload = absl::Seconds(10);
  std::string admin_listen;
  int admin_workers = 16;
  // "address:port", the address numeric.
  std::string http_listen;
  int http_workers = 16;
  // Both or neither: the TEEP listener speaks HTTPS, or plain HTTP.
  std::string http_tls_cert_file;
  std::string http_tls_key_file;
  int http_connections = 4096;
  int http_connections_per_source = 1024;
  // The processes that serve modules which are not in this one.
  std::map<Module, Peer> peers;
  double query_requests_per_second = 0;
  // A second; ten times as many at once.
  double failures_per_source = 20;
  // Of one identity; twenty at once.
  double refusals_per_second = 1;
  // Empty: none.
  std::string ready_file;
  absl::Duration drain_timeout = absl::Seconds(20);
  runtime::Severity log_level = runtime::Severity::kInfo;

  bool Has(Module module) const { return modules.contains(module); }
};

// Parses the command line with absl's flags (--help exits). InvalidArgument names the flag.
absl::StatusOr<Config> ReadConfig(int argc, char** argv);

// The parts that tests reach without a command line.
absl::StatusOr<std::set<Module>> ParseModules(const std::string& list);
absl::StatusOr<std::map<Module, Peer>> ParsePeers(const std::string& list);

}  // namespace tam::bin

#endif  // TAMARACK_SERVICES_BIN_CONFIG_H_
