#include "services/bin/config.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

ABSL_FLAG(std::string, services, "all",
          "What runs in this process: all, or a list of signing,registry,catalog,attestation,audit,"
          "gateway");
ABSL_FLAG(std::string, database_dir, "",
          "Folder with one file a service, NAME.dsn: its PostgreSQL connection string; each as "
          "private as --kek_file");
ABSL_FLAG(int, database_connections, 16, "Most connections of each service to the database");
ABSL_FLAG(absl::Duration, database_start_timeout, absl::Seconds(60),
          "How long a start waits for a database that is down or still recovering");
ABSL_FLAG(
    std::string, kek_file, "",
    "File with the 32-byte key that wraps signing keys at rest; needed by signing. Like every "
    "secret: mode 0600 or 0400, or 0440 owned by root and a group of this process (as "
    "Kubernetes mounts one with fsGroup)");
ABSL_FLAG(std::string, trust_domain, "tamarack.example", "Trust domain of all SPIFFE IDs");
ABSL_FLAG(
    std::string, tls_dir, "",
    "Folder with NAME.pem and NAME.key for modules of this process: as whom each calls others. "
    "The listener presents --tls_cert, or without it that of the first module here, in the "
    "order signing, registry, catalog, attestation, audit, gateway");
ABSL_FLAG(std::string, tls_cert, "",
          "PEM file: this process's certificate chain, leaf first; of every module that --tls_dir "
          "has nothing for");
ABSL_FLAG(std::string, tls_key, "", "PEM file: its private key; as private as --kek_file");
ABSL_FLAG(std::string, tls_ca, "", "PEM file: the authorities that peers' certificates must be of");
ABSL_FLAG(absl::Duration, tls_reload, absl::Seconds(10),
          "How soon new certificates, keys and authorities in these files are used");
ABSL_FLAG(std::string, admin_listen, "127.0.0.1:0",
          "host:port of the gRPC listener (mutual TLS); port 0: any free one");
ABSL_FLAG(int, admin_workers, 16, "Most gRPC calls handled at once");
ABSL_FLAG(std::string, http_listen, "127.0.0.1:0",
          "address:port of the TEEP listener, the address numeric; port 0: any free one");
ABSL_FLAG(int, http_workers, 16, "Most TEEP messages handled at once");
ABSL_FLAG(
    std::string, http_tls_cert, "",
    "PEM file: the TEEP listener's certificate chain, leaf first; it then speaks HTTPS alone. "
    "Read again when it changes. Without it: plain HTTP, for loopback and behind a proxy");
ABSL_FLAG(std::string, http_tls_key, "",
          "PEM file: the private key of --http_tls_cert; as private as --kek_file");
ABSL_FLAG(int, http_connections, 4096,
          "Most connections of devices; over TLS each takes about 100 KiB");
ABSL_FLAG(int, http_connections_per_source, 1024,
          "Most of them from one address; behind a proxy as many as --http_connections");
ABSL_FLAG(
    std::string, peers, "",
    "Where the modules of other processes are that the modules here need: NAME=host:port,... A "
    "NAME several times: so many replicas, at numeric addresses of one family. The process must "
    "present spiffe://TRUST_DOMAIN/service/NAME, or with NAME=IDENTITY@host:port that of "
    "IDENTITY: a process that serves registry and catalog and presents registry is "
    "registry=h:p,catalog=registry@h:p");
ABSL_FLAG(double, query_requests_per_second, 0,
          "Budget of signed QueryRequests; above it devices get 503. 0: no limit");
ABSL_FLAG(
    double, failures_per_source, 20,
    "Messages a second of one address that may fail (ten times as many at once); above it the "
    "address competes with others like it for what is left, and gets 503. Raise it where many "
    "devices stand behind one address");
ABSL_FLAG(double, refusals_per_second, 1,
          "Refused gRPC calls a second of one identity that are answered with the reason and kept "
          "in the audit record (twenty at once); above it the answer is RESOURCE_EXHAUSTED alone");
ABSL_FLAG(std::string, ready_file, "",
          "Written when everything listens: lines admin=host:port and http=host:port");
ABSL_FLAG(absl::Duration, drain_timeout, absl::Seconds(20),
          "How long SIGTERM waits for calls that have begun");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error");

namespace tam::bin {
namespace {

constexpr std::array<std::pair<const char*, Module>, 6> kModules = {{
    {"signing", Module::kSigning},
    {"registry", Module::kRegistry},
    {"catalog", Module::kCatalog},
    {"attestation", Module::kAttestation},
    {"audit", Module::kAudit},
    {"gateway", Module::kGateway},
}};

std::optional<Module> FindModule(absl::string_view name) {
  for (const auto& [known, module] : kModules) {
    if (name == known) return module;
  }
  return std::nullopt;
}

absl::Status Want(absl::string_view flag, absl::string_view want, absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, ": want ", want, ", got \"", got, "\""));
}

absl::StatusOr<runtime::Severity> ParseSeverity(const std::string& level) {
  if (level == "debug") return runtime::Severity::kDebug;
  if (level == "info") return runtime::Severity::kInfo;
  if (level == "warning") return runtime::Severity::kWarning;
  if (level == "error") return runtime::Severity::kError;
  return Want("log_level", "debug, info, warning or error", level);
}

absl::Status CheckTls(const Config& config) {
  if (config.tls_ca_file.empty()) return Want("tls_ca", "a PEM file", "");
  if (config.tls_cert_file.empty() != config.tls_key_file.empty()) {
    return Want(config.tls_cert_file.empty() ? "tls_cert" : "tls_key", "both or neither", "");
  }
  if (config.tls_dir.empty() && config.tls_cert_file.empty()) {
    return Want("tls_cert", "a PEM file, or --tls_dir", "");
  }
  if (config.tls_reload <= absl::ZeroDuration()) {
    return Want("tls_reload", "a positive duration", absl::FormatDuration(config.tls_reload));
  }
  return absl::OkStatus();
}

absl::Status CheckHttp(const Config& config) {
  if (config.http_tls_cert_file.empty() != config.http_tls_key_file.empty()) {
    return Want("http_tls_key", "both --http_tls_cert and --http_tls_key, or neither",
                config.http_tls_key_file);
  }
  for (const auto& [flag, count] :
       {std::pair<const char*, int>{"http_connections", config.http_connections},
        {"http_connections_per_source", config.http_connections_per_source}}) {
    if (count < 1 || count > 1'000'000) return Want(flag, "1 to 1000000", absl::StrCat(count));
  }
  return absl::OkStatus();
}

// What must be there for these modules to run.
absl::Status Check(const Config& config) {
  const bool only_gateway = config.modules == std::set{Module::kGateway};
  if (!only_gateway && config.database_dir.empty()) {
    return Want("database_dir", "a folder with NAME.dsn files", "");
  }
  if (config.Has(Module::kSigning) && config.kek_file.empty()) {
    return Want("kek_file", "a file", "");
  }
  if (absl::Status tls = CheckTls(config); !tls.ok()) return tls;
  for (const auto& [flag, count] :
       {std::pair<const char*, int>{"database_connections", config.database_connections},
        {"admin_workers", config.admin_workers},
        {"http_workers", config.http_workers}}) {
    if (count < 1 || count > 1024) return Want(flag, "1 to 1024", absl::StrCat(count));
  }
  if (!(config.failures_per_source >= 1)) {
    return Want("failures_per_source", "at least 1", absl::StrCat(config.failures_per_source));
  }
  if (!(config.refusals_per_second >= 0)) {
    return Want("refusals_per_second", "at least 0", absl::StrCat(config.refusals_per_second));
  }
  return CheckHttp(config);
}

}  // namespace

std::string NameOf(Module module) {
  for (const auto& [name, known] : kModules) {
    if (module == known) return name;
  }
  return "unknown";
}

absl::StatusOr<std::set<Module>> ParseModules(const std::string& list) {
  std::set<Module> modules;
  if (list == "all") {
    for (const auto& [name, module] : kModules) modules.insert(module);
    return modules;
  }
  for (absl::string_view name : absl::StrSplit(list, ',')) {
    const std::optional<Module> module = FindModule(name);
    if (!module.has_value()) return Want("services", "all or names of services", name);
    modules.insert(*module);
  }
  return modules;
}

absl::StatusOr<std::map<Module, Peer>> ParsePeers(const std::string& list) {
  std::map<Module, Peer> peers;
  for (absl::string_view entry : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    absl::string_view identity = parts.first;
    absl::string_view server = parts.second;
    if (const size_t at = server.find('@'); at != absl::string_view::npos) {
      identity = server.substr(0, at);
      server.remove_prefix(at + 1);
    }
    const std::optional<Module> module = FindModule(parts.first);
    const std::optional<Module> presented = FindModule(identity);
    if (!module.has_value() || !presented.has_value() ||
        server.find(':') == absl::string_view::npos) {
      return Want("peers", "NAME=host:port or NAME=IDENTITY@host:port", entry);
    }
    Peer& peer = peers.try_emplace(*module, Peer{*presented, {}}).first->second;
    if (peer.identity != *presented) {
      return Want("peers", "one identity for all replicas of a module", entry);
    }
    peer.servers.emplace_back(server);
  }
  return peers;
}

absl::StatusOr<Config> ReadConfig(int argc, char** argv) {
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) return Want("", "flags only", rest[1]);
  Config config;
  auto modules = ParseModules(absl::GetFlag(FLAGS_services));
  if (!modules.ok()) return modules.status();
  config.modules = *std::move(modules);
  auto peers = ParsePeers(absl::GetFlag(FLAGS_peers));
  if (!peers.ok()) return peers.status();
  config.peers = *std::move(peers);
  auto level = ParseSeverity(absl::GetFlag(FLAGS_log_level));
  if (!level.ok()) return level.status();
  config.log_level = *level;
  config.database_dir = absl::GetFlag(FLAGS_database_dir);
  config.database_connections = absl::GetFlag(FLAGS_database_connections);
  config.database_start_timeout = absl::GetFlag(FLAGS_database_start_timeout);
  config.kek_file = absl::GetFlag(FLAGS_kek_file);
  config.trust_domain = absl::GetFlag(FLAGS_trust_domain);
  config.tls_dir = absl::GetFlag(FLAGS_tls_dir);
  config.tls_reload = absl::GetFlag(FLAGS_tls_reload);
  config.tls_cert_file = absl::GetFlag(FLAGS_tls_cert);
  config.tls_key_file = absl::GetFlag(FLAGS_tls_key);
  config.tls_ca_file = absl::GetFlag(FLAGS_tls_ca);
  config.admin_listen = absl::GetFlag(FLAGS_admin_listen);
  config.admin_workers = absl::GetFlag(FLAGS_admin_workers);
  config.http_listen = absl::GetFlag(FLAGS_http_listen);
  config.http_workers = absl::GetFlag(FLAGS_http_workers);
  config.http_tls_cert_file = absl::GetFlag(FLAGS_http_tls_cert);
  config.http_tls_key_file = absl::GetFlag(FLAGS_http_tls_key);
  config.http_connections = absl::GetFlag(FLAGS_http_connections);
  config.http_connections_per_source = absl::GetFlag(FLAGS_http_connections_per_source);
  config.query_requests_per_second = absl::GetFlag(FLAGS_query_requests_per_second);
  config.failures_per_source = absl::GetFlag(FLAGS_failures_per_source);
  config.refusals_per_second = absl::GetFlag(FLAGS_refusals_per_second);
  config.ready_file = absl::GetFlag(FLAGS_ready_file);
  config.drain_timeout = absl::GetFlag(FLAGS_drain_timeout);
  if (absl::Status checked = Check(config); !checked.ok()) return checked;
  return config;
}

}  // namespace tam::bin
