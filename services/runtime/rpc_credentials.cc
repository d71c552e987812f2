#include "services/runtime/rpc_credentials.h"

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_certificate_verifier.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace tam::runtime {
namespace {

using ::grpc::experimental::ExternalCertificateVerifier;
using ::grpc::experimental::TlsCustomVerificationCheckRequest;

class SpiffeVerifier : public ExternalCertificateVerifier {
 public:
  explicit SpiffeVerifier(ServerCheck check) : check_(std::move(check)) {}

  bool Verify(TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    std::vector<std::string> uris;
    for (const grpc::string_ref& uri : request->uri_names()) {
      uris.emplace_back(uri.data(), uri.size());
    }
    if (absl::Status status = check_(uris); !status.ok()) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(status.message()));
    }
    return true;
  }
  void Cancel(TlsCustomVerificationCheckRequest*) override {}

 private:
  const ServerCheck check_;
};

// gRPC's C++ classes have no server credentials that ask again; its C functions have.
class ReloadingServerCredentials : public grpc::ServerCredentials {
 public:
  explicit ReloadingServerCredentials(std::shared_ptr<TlsSource> source)
      : source_(std::move(source)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY, &Fetch, this))) {}
  ~ReloadingServerCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // gRPC calls it under a lock of its own.
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<ReloadingServerCredentials*>(self)->FetchNow(config);
  }

  grpc_ssl_certificate_config_reload_status FetchNow(grpc_ssl_server_certificate_config** config) {
    const TlsSource::Snapshot now = source_->Get();
    if (now.generation == handed_out_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {now.material->private_key_pem.c_str(),
                                             now.material->certificate_pem.c_str()};
    *config = grpc_ssl_server_certificate_config_create(now.material->ca_pem.c_str(), &pair, 1);
    handed_out_ = now.generation;
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<TlsSource> source_;
  uint64_t handed_out_ = 0;
  grpc_server_credentials* const credentials_;
};

}  // namespace

std::shared_ptr<grpc::ChannelCredentials> RpcChannelCredentials(const TlsMaterial& tls,
                                                                ServerCheck check) {
  std::vector<grpc::experimental::IdentityKeyCertPair> own;
  if (!tls.certificate_pem.empty()) own.push_back({tls.private_key_pem, tls.certificate_pem});
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(tls.ca_pem, own));
  options.watch_root_certs();
  if (!own.empty()) options.watch_identity_key_cert_pairs();
  options.set_certificate_verifier(
      ExternalCertificateVerifier::Create<SpiffeVerifier>(std::move(check)));
  options.set_check_call_host(false);
  return grpc::experimental::TlsCredentials(options);
}

std::shared_ptr<grpc::ServerCredentials> RpcServerCredentials(std::shared_ptr<TlsSource> source) {
  return std::make_shared<ReloadingServerCredentials>(std::move(source));
}

}  // namespace tam::runtime
