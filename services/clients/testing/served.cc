#include "services/clients/testing/served.h"

#include <cstdlib>
#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

namespace tam::clients::testing {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (result.ok()) return *std::move(result);
  std::cerr << result.status() << std::endl;
  abort();
}

runtime::Dispatcher::Options NoRefusalLimit() {
  runtime::Dispatcher::Options options;
  options.refusals.burst = 1e9;
  return options;
}

}  // namespace

std::string Service(const std::string& name) { return runtime::ServiceId(kDomain, name); }

runtime::Identity IdentityOf(const std::string& spiffe_id) {
  return OrDie(runtime::Identity::Parse(spiffe_id, kDomain));
}

runtime::CallContext Context(absl::Duration timeout) {
  return {IdentityOf(Service("gateway")), absl::Now() + timeout, "request-1"};
}

const runtime::TestAuthority& OurAuthority() {
  static const auto& authority =
      *new runtime::TestAuthority(OrDie(runtime::TestAuthority::Create("authority")));
  return authority;
}

runtime::TlsMaterial CertificateOf(const std::vector<std::string>& uris) {
  static auto& made = *new std::map<std::string, runtime::TlsMaterial>();
  const std::string key = absl::StrJoin(uris, " ");
  if (!made.contains(key)) made[key] = OrDie(OurAuthority().Issue(uris));
  return made[key];
}

Served::Served() : dispatcher_(services_, NoRefusalLimit()) {}

absl::StatusOr<std::unique_ptr<Served>> Served::Start(const Change& change) {
  std::unique_ptr<Served> served(new Served());
  if (absl::Status s = served->services_.AddTo(served->dispatcher_); !s.ok()) return s;
  runtime::RpcServer::Options options;
  options.listen = "127.0.0.1:0";
  options.tls = runtime::FixedTls(CertificateOf({Service("registry")}));
  options.trust_domain = kDomain;
  if (change) change(options);
  auto server = runtime::RpcServer::Start(options, served->dispatcher_);
  if (!server.ok()) return server.status();
  served->server_ = *std::move(server);
  return served;
}

std::string Served::address() const { return absl::StrCat("127.0.0.1:", server_->port()); }

std::unique_ptr<runtime::RpcChannel> Served::Remote(const std::vector<std::string>& uris) {
  runtime::RpcClientOptions options = ClientOf({address()});
  options.tls = runtime::FixedTls(CertificateOf(uris));
  return OrDie(runtime::NewRpcClient(options));
}

std::unique_ptr<runtime::RpcChannel> Served::Direct(const std::string& spiffe_id) {
  return std::make_unique<runtime::LocalChannel>(dispatcher_, IdentityOf(spiffe_id));
}

runtime::RpcClientOptions ClientOf(const std::vector<std::string>& servers) {
  runtime::RpcClientOptions options;
  options.servers = servers;
  options.tls = runtime::FixedTls(CertificateOf({Service("gateway")}));
  options.server = runtime::IsServer(Service("registry"));
  return options;
}

}  // namespace tam::clients::testing
