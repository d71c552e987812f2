#include "services/bin/modules.h"

#include <utility>

#include "crypto/secret/secret.h"
#include "services/attestation/admin_handler.h"
#include "services/attestation/inputs.h"
#include "services/attestation/session_handler.h"
#include "services/bin/bindings.h"
#include "services/clients/signing_client.h"
#include "services/registry/binding.h"
#include "services/registry/handler.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/database_time.h"
#include "services/signing/admin_handler.h"
#include "services/signing/kek.h"
#include "services/signing/key_ring.h"
#include "services/signing/session_handler.h"

namespace tam::bin {
namespace {

storage::RandomSource SystemRandom() {
  return [](absl::Span<uint8_t> out) { secret::RandomSource::System().Fill(out); };
}

class RegistryModule : public ModuleInstance {
 public:
  explicit RegistryModule(storage::Storage& storage)
      : stores_{storage.tenants(),     storage.endpoints(),      storage.devices(),
                storage.device_keys(), storage.device_records(), storage.sessions(),
                storage.pseudonyms()},
        admin_(stores_, SystemRandom()),
        session_(stores_, SystemRandom()) {}
  std::vector<runtime::ServiceBinding> Bindings() override {
    return {registry::Bind(admin_), registry::Bind(session_)};
  }

 private:
  const registry::Stores stores_;
  registry::AdminHandler admin_;
  registry::SessionHandler session_;
};

class CatalogModule : public ModuleInstance {
 public:
  explicit CatalogModule(storage::Storage& storage)
      : composer_(storage.pseudonyms(), SystemRandom()),
        admin_({storage.tenants(), storage.domains(), storage.manifests(), storage.deployments(),
                storage.clock(), composer_, SystemRandom()}),
        session_(storage.catalog(), storage.manifests(), storage.domains()) {}
  std::vector<runtime::ServiceBinding> Bindings() override {
    return {BindCatalog(admin_), BindCatalogSession(session_)};
  }

 private:
  runtime::AuditComposer composer_;
  catalog::CatalogHandler admin_;
  catalog::CatalogSessionHandler session_;
};

class AuditModule : public ModuleInstance {
 public:
  explicit AuditModule(storage::Storage& storage)
      : handler_(storage.tenants(), storage.audit(), storage.pseudonyms()) {}
  std::vector<runtime::ServiceBinding> Bindings() override { return {BindAudit(handler_)}; }

 private:
  audit::AuditHandler handler_;
};

class SigningModule : public ModuleInstance {
 public:
  SigningModule(storage::Storage& storage, secret::KeyWrapper wrapper, double budget)
      : composer_(storage.pseudonyms(), SystemRandom()),
        wrapper_(std::move(wrapper)),
        keys_({storage.signing(), storage.tenants(), composer_, wrapper_,
               secret::RandomSource::System(), runtime::SystemMonotonicClock()}),
        admin_(keys_, storage.signing(), storage.tenants(), storage.clock()),
        session_({keys_, storage.challenge_roots(), storage.clock(), composer_, wrapper_,
                  secret::RandomSource::System(), runtime::SystemMonotonicClock(), budget}) {}
  std::vector<runtime::ServiceBinding> Bindings() override {
    return {admin_.Binding(), session_.Binding()};
  }

 private:
  runtime::AuditComposer composer_;
  const secret::KeyWrapper wrapper_;
  signing::KeyRing keys_;
  signing::AdminHandler admin_;
  signing::SessionHandler session_;
};

class AttestationModule : public ModuleInstance {
 public:
  AttestationModule(storage::Storage& storage, runtime::RpcChannel& signing)
      : composer_(storage.pseudonyms(), SystemRandom()),
        inputs_(storage.appraisal(), runtime::SystemMonotonicClock()),
        time_(storage.clock(), runtime::SystemMonotonicClock()),
        signing_(clients::NewSigningSessionClient(signing)),
        admin_({storage.attestation(), storage.reference_values(), storage.tenants(), composer_,
                inputs_}),
        session_(inputs_, *signing_, time_) {}
  std::vector<runtime::ServiceBinding> Bindings() override {
    return {admin_.Binding(), session_.Binding()};
  }

 private:
  runtime::AuditComposer composer_;
  attestation::InputsCache inputs_;
  runtime::DatabaseTime time_;
  const std::unique_ptr<clients::SigningSessionClient> signing_;
  attestation::AdminHandler admin_;
  attestation::SessionHandler session_;
};

}  // namespace

ModuleOrError OpenRegistry(storage::Storage& storage) {
  return std::make_unique<RegistryModule>(storage);
}

ModuleOrError OpenCatalog(storage::Storage& storage) {
  return std::make_unique<CatalogModule>(storage);
}

ModuleOrError OpenAudit(storage::Storage& storage) {
  return std::make_unique<AuditModule>(storage);
}

ModuleOrError OpenSigning(storage::Storage& storage, const Config& config) {
  absl::StatusOr<secret::KeyWrapper> wrapper = signing::ReadKek(config.kek_file);
  if (!wrapper.ok()) return wrapper.status();
  return std::make_unique<SigningModule>(storage, *std::move(wrapper),
                                         config.query_requests_per_second);
}

ModuleOrError OpenAttestation(storage::Storage& storage, runtime::RpcChannel& signing) {
  return std::make_unique<AttestationModule>(storage, signing);
}

}  // namespace tam::bin
