#include "services/bin/process.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "crypto/secret/secret.h"
#include "services/runtime/fault_point.h"
#include "services/runtime/log.h"
#include "services/runtime/secret_file.h"
#include "services/runtime/server_check.h"
#include "storage/postgres/postgres_storage.h"

namespace tam::bin {
namespace {

void PassStatement(storage::postgres::StatementMoment moment) {
  const absl::string_view method = runtime::FaultScope::Method();
  if (method.empty()) return;
  runtime::PassFaultPoint(runtime::FaultPlace::kStatement, method,
                          moment == storage::postgres::StatementMoment::kBefore
                              ? runtime::FaultMoment::kBefore
                              : runtime::FaultMoment::kAfter);
}

// Of a process without a database, which serves nothing that could be refused by its table.
class LoggedDenials : public runtime::AuditSink {
 public:
  absl::Status RecordDenial(const runtime::Denial& denial) override {
    runtime::Log(runtime::Severity::kWarning, "rpc.denied",
                 {{"method", denial.method},
                  {"role", runtime::RoleName(denial.context.caller.role())},
                  {"tenant", denial.context.caller.tenant()},
                  {"request_id", denial.context.request_id},
                  {"reason", denial.reason}});
    return absl::OkStatus();
  }
};

// The files of a module: its own, where --tls_dir has them.
runtime::TlsFiles::Paths TlsPaths(const Config& config, Module module) {
  const std::string base = absl::StrCat(config.tls_dir, "/", NameOf(module));
  const bool own = !config.tls_dir.empty() &&
                   (config.tls_cert_file.empty() || access((base + ".pem").c_str(), F_OK) == 0);
  if (own) return {config.tls_ca_file, base + ".pem", base + ".key"};
  return {config.tls_ca_file, config.tls_cert_file, config.tls_key_file};
}

// "address:port"; an IPv6 address stands in brackets.
absl::Status SplitAddress(const std::string& listen, std::string& address, uint16_t& port) {
  const size_t colon = listen.rfind(':');
  int number = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(listen.substr(colon + 1), &number) ||
      number < 0 || number > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("--http_listen: want address:port, got \"", listen, "\""));
  }
  absl::string_view host = absl::string_view(listen).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) host = "";
  address = std::string(host);
  port = static_cast<uint16_t>(number);
  return absl::OkStatus();
}

// The host of "host:port" with the port that was taken.
std::string WithPort(const std::string& listen, int port) {
  return absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Process>> Process::Start(const Config& config) {
  std::unique_ptr<Process> process(new Process(config));
  absl::Status status = process->OpenTls();
  if (status.ok()) status = process->OpenStorage();
  if (status.ok()) status = process->OpenModules();
  if (status.ok()) status = process->Listen();
  if (status.ok()) status = process->StartGateway();
  if (!status.ok()) return status;
  return process;
}

Process::~Process() { Drain(); }

absl::Status Process::OpenTls() {
  std::map<std::string, std::shared_ptr<runtime::TlsFiles>> by_file;
  const auto open = [&](const runtime::TlsFiles::Paths& paths)
      -> absl::StatusOr<std::shared_ptr<runtime::TlsSource>> {
    std::shared_ptr<runtime::TlsFiles>& known = by_file[paths.certificate];
    if (known != nullptr) return known;
    auto opened = runtime::TlsFiles::Open(paths);
    if (opened.ok()) known = *opened;
    return opened;
  };
  for (const Module module : config_.modules) {
    auto opened = open(TlsPaths(config_, module));
    if (!opened.ok()) return opened.status();
    tls_[module] = *std::move(opened);
  }
  listener_tls_ = tls_.begin()->second;
  if (!config_.tls_cert_file.empty()) {
    auto opened = open({config_.tls_ca_file, config_.tls_cert_file, config_.tls_key_file});
    if (!opened.ok()) return opened.status();
    listener_tls_ = *std::move(opened);
  }
  // A new file is taken at the second look.
  tls_reload_ =
      std::make_unique<runtime::Periodic>(config_.tls_reload / 2, [files = std::move(by_file)] {
        for (const auto& [name, one] : files) one->Poll();
      });
  return absl::OkStatus();
}

absl::Status Process::OpenStorage() {
  storage::postgres::DatabaseOptions options;
  options.max_connections = config_.database_connections;
  options.observer = PassStatement;
  for (const Module module : config_.modules) {
    if (module == Module::kGateway) continue;
    const std::string path = absl::StrCat(config_.database_dir, "/", NameOf(module), ".dsn");
    absl::StatusOr<std::string> dsn = runtime::ReadSecretFile(path);
    if (!dsn.ok()) return dsn.status();
    absl::StatusOr<std::unique_ptr<storage::Storage>> opened =
        storage::postgres::OpenPostgresStorage(std::string(absl::StripAsciiWhitespace(*dsn)),
                                               options, absl::StrCat("tam_", NameOf(module)),
                                               {absl::Now() + config_.database_start_timeout});
    if (!opened.ok()) {
      return absl::Status(opened.status().code(),
                          absl::StrCat(path, ": ", opened.status().message()));
    }
    storage_[module] = *std::move(opened);
  }
  return absl::OkStatus();
}

absl::Status Process::OpenModules() {
  if (storage_.empty()) {
    denials_ = std::make_unique<LoggedDenials>();
  } else {
    // Refusals are kept through whichever role is here; every role may append.
    storage::Storage& any = *storage_.begin()->second;
    composer_ = std::make_unique<runtime::AuditComposer>(
        any.pseudonyms(),
        [](absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); });
    denials_ =
        std::make_unique<runtime::DenialRecorder>(*composer_, any.tenants(), any.audit_writer());
  }
  runtime::Dispatcher::Options options;
  options.refusals.per_second = config_.refusals_per_second;
  dispatcher_ = std::make_unique<runtime::Dispatcher>(*denials_, options);
  for (const auto& [module, unused] : storage_) {
    if (absl::Status opened = OpenModule(module); !opened.ok()) {
      return absl::Status(opened.code(), absl::StrCat(NameOf(module), ": ", opened.message()));
    }
  }
  return absl::OkStatus();
}

absl::Status Process::OpenModule(Module module) {
  storage::Storage& storage = *storage_.at(module);
  ModuleOrError opened = absl::InternalError("no such module");
  switch (module) {
    case Module::kSigning:
      opened = OpenSigning(storage, config_);
      break;
    case Module::kRegistry:
      opened = OpenRegistry(storage);
      break;
    case Module::kCatalog:
      opened = OpenCatalog(storage);
      break;
    case Module::kAudit:
      opened = OpenAudit(storage);
      break;
    case Module::kAttestation: {
      absl::StatusOr<runtime::RpcChannel*> signing = ChannelTo(Module::kSigning, module);
      if (!signing.ok()) return signing.status();
      opened = OpenAttestation(storage, **signing);
      break;
    }
    case Module::kGateway:
      break;
  }
  if (!opened.ok()) return opened.status();
  modules_.push_back(*std::move(opened));
  for (const runtime::ServiceBinding& binding : modules_.back()->Bindings()) {
    if (absl::Status added = dispatcher_->Add(binding); !added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status Process::Listen() {
  runtime::RpcServer::Options options;
  options.listen = config_.admin_listen;
  options.tls = listener_tls_;
  options.trust_domain = config_.trust_domain;
  options.workers = config_.admin_workers;
  absl::StatusOr<std::unique_ptr<runtime::RpcServer>> server =
      runtime::RpcServer::Start(options, *dispatcher_);
  if (!server.ok()) return server.status();
  admin_ = *std::move(server);
  admin_address_ = WithPort(config_.admin_listen, admin_->port());
  return absl::OkStatus();
}

absl::Status Process::StartGateway() {
  if (!config_.Has(Module::kGateway)) return absl::OkStatus();
  std::vector<runtime::RpcChannel*> peers;
  for (const Module module :
       {Module::kRegistry, Module::kAttestation, Module::kCatalog, Module::kSigning}) {
    absl::StatusOr<runtime::RpcChannel*> channel = ChannelTo(module, Module::kGateway);
    if (!channel.ok()) return channel.status();
    peers.push_back(*channel);
  }
  absl::StatusOr<runtime::Identity> self = IdentityOf(Module::kGateway);
  if (!self.ok()) return self.status();
  gateway::GatewayConfig gateway;
  gateway.http.workers = config_.http_workers;
  gateway.session.failures_per_source = {config_.failures_per_source,
                                         10 * config_.failures_per_source};
  gateway.http.tls = {config_.http_tls_cert_file, config_.http_tls_key_file};
  gateway.http.admission.connections = static_cast<size_t>(config_.http_connections);
  gateway.http.admission.connections_per_source =
      static_cast<size_t>(config_.http_connections_per_source);
  absl::Status address = SplitAddress(config_.http_listen, gateway.http.address, gateway.http.port);
  if (!address.ok()) return address;
  gateway_ = std::make_unique<gateway::GatewayModule>(
      gateway, *std::move(self),
      gateway::Peers::Channels{*peers[0], *peers[1], *peers[2], *peers[3]});
  if (absl::Status started = gateway_->Start(); !started.ok()) return started;
  http_address_ = WithPort(config_.http_listen, gateway_->port());
  return absl::OkStatus();
}

absl::StatusOr<runtime::RpcChannel*> Process::ChannelTo(Module module, Module self) {
  if (config_.Has(module)) {
    absl::StatusOr<runtime::Identity> identity = IdentityOf(self);
    if (!identity.ok()) return identity.status();
    channels_.push_back(
        std::make_unique<runtime::LocalChannel>(*dispatcher_, *std::move(identity)));
    return channels_.back().get();
  }
  const auto peer = config_.peers.find(module);
  if (peer == config_.peers.end()) {
    return absl::InvalidArgumentError(absl::StrCat("--peers: want ", NameOf(module),
                                                   "=host:port, which ", NameOf(self), " needs"));
  }
  runtime::RpcClientOptions options;
  options.servers = peer->second.servers;
  options.tls = tls_.at(self);
  options.server =
      runtime::IsServer(runtime::ServiceId(config_.trust_domain, NameOf(peer->second.identity)));
  absl::StatusOr<std::unique_ptr<runtime::RpcChannel>> client = runtime::NewRpcClient(options);
  if (!client.ok()) {
    return absl::Status(client.status().code(),
                        absl::StrCat("--peers: ", NameOf(module), ": ", client.status().message()));
  }
  channels_.push_back(*std::move(client));
  return channels_.back().get();
}

absl::StatusOr<runtime::Identity> Process::IdentityOf(Module module) const {
  return runtime::Identity::Parse(runtime::ServiceId(config_.trust_domain, NameOf(module)),
                                  config_.trust_domain);
}

void Process::Drain() {
  const absl::Time deadline = absl::Now() + config_.drain_timeout;
  if (gateway_ != nullptr) gateway_->Stop(config_.drain_timeout);
  gateway_.reset();
  if (admin_ != nullptr) admin_->Drain(deadline);
  admin_.reset();
}

}  // namespace tam::bin
