// The catalogue's handlers over memory stores, for their tests.
#ifndef TAMARACK_SERVICES_CATALOG_CATALOG_FIXTURE_H_
#define TAMARACK_SERVICES_CATALOG_CATALOG_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "crypto/cbor/cbor.h"
#include "crypto/keys/key.h"
#include "crypto/secret/secret.h"
#include "gtest/gtest.h"
#include "services/catalog/handler.h"
#include "services/catalog/session_handler.h"
#include "storage/memory/memory_storage.h"
#include "teep/suit/author.h"
#include "teep/suit/envelope.h"
#include "tests/support/status_matchers.h"

namespace tam::catalog {

inline constexpr char kOperator[] = "spiffe://tam.example/tenant/acme/operator/op";
inline constexpr char kOwner[] = "spiffe://tam.example/tenant/acme/developer/ann";
inline constexpr char kStranger[] = "spiffe://tam.example/tenant/acme/developer/bob";
inline constexpr char kDomain[] = "tenants/acme/domains/apps";
inline constexpr char kRequestId[] = "0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0";

inline runtime::CallContext As(const char* uri) {
  return {*runtime::Identity::Parse(uri, "tam.example"), absl::InfiniteFuture(), "request"};
}

inline std::string Wire(const suit::ComponentId& id) { return suit::EncodeComponentId(id); }

// Memory stores, a tenant "acme" and its domain "apps", which kOwner has.
class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() {
    storage::Tenant tenant;
    tenant.id = storage::NewId<storage::TenantId>(random_);
    tenant.name = "acme";
    tenant_ = tenant.id;
    storage::AuditEntry audit;
    audit.kind = "tenant.create";
    EXPECT_THAT(storage_->tenants().Create(tenant, audit, {}), ::tam::testing::IsOk());
    EXPECT_THAT(CreateApps(""), ::tam::testing::IsOk());
  }

  absl::StatusOr<v1::CreateDomainResponse> CreateApps(const std::string& request_id) {
    v1::CreateDomainRequest request;
    request.set_parent("tenants/acme");
    request.set_domain_id(request_id.empty() ? "apps" : "again");
    request.set_request_id(request_id);
    v1::Domain& domain = *request.mutable_domain();
    domain.add_owners(kOwner);
    domain.add_component_prefixes(Wire({request_id.empty() ? "apps" : "again"}));
    domain.add_trust_anchors()->mutable_key()->set_pem(signer_.public_key().ToPem());
    return handler_.CreateDomain(As(kOperator), request);
  }

  suit::ManifestSpec Spec(uint64_t sequence, const std::string& payload) {
    suit::ManifestSpec spec;
    spec.component_id = {"apps", "ta"};
    spec.manifest_component_id = {"apps", "ta.suit"};
    spec.sequence_number = sequence;
    spec.vendor_id = std::string(16, 'v');
    spec.class_id = std::string(16, 'c');
    spec.payload = payload;
    return spec;
  }

  absl::StatusOr<v1::PublishManifestResponse> Publish(const suit::ManifestSpec& spec,
                                                      const char* who = kOwner,
                                                      const keys::PrivateKey* key = nullptr) {
    v1::PublishManifestRequest request;
    request.set_parent(kDomain);
    request.set_envelope(*suit::CreateSignedEnvelope(spec, key == nullptr ? signer_ : *key));
    return handler_.PublishManifest(As(who), request);
  }

  absl::StatusOr<v1::CreateDeploymentResponse> Deploy(const std::string& request_id = "") {
    v1::CreateDeploymentRequest request;
    request.set_parent("tenants/acme");
    request.set_deployment_id("everywhere");
    request.set_request_id(request_id);
    request.mutable_deployment()->set_domain(kDomain);
    request.mutable_deployment()->set_component_id(Wire({"apps", "ta.suit"}));
    return handler_.CreateDeployment(As(kOperator), request);
  }

  v1::ResolveResponse Resolve(const std::vector<v1::ManifestRef>& installed = {}) {
    v1::ResolveRequest request;
    request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
    request.set_device_uid(std::string(16, 'd'));
    request.set_attested(true);
    for (const v1::ManifestRef& ref : installed) *request.add_installed() = ref;
    auto response = session_.Resolve(As("spiffe://tam.example/service/gateway"), request);
    EXPECT_THAT(response, ::tam::testing::IsOk());
    return response.ok() ? *response : v1::ResolveResponse();
  }

  absl::StatusOr<v1::GetEnvelopesResponse> Envelopes(const std::string& digest,
                                                     const std::vector<v1::HeldBinary>& held = {}) {
    v1::GetEnvelopesRequest request;
    request.mutable_held()->Add(held.begin(), held.end());
    request.set_tenant_uid(cbor::AsString(tenant_.bytes()));
    request.add_digests(digest);
    return session_.GetEnvelopes(As("spiffe://tam.example/service/gateway"), request);
  }

  absl::Status SetState(v1::DomainState state) {
    v1::GetDomainRequest get;
    get.set_name(kDomain);
    auto domain = handler_.GetDomain(As(kOperator), get);
    if (!domain.ok()) return domain.status();
    v1::UpdateDomainRequest request;
    request.set_name(kDomain);
    *request.mutable_domain() = domain->domain();
    request.mutable_domain()->set_state(state);
    return handler_.UpdateDomain(As(kOperator), request).status();
  }

  storage::RandomSource random_ = [](absl::Span<uint8_t> out) {
    secret::RandomSource::System().Fill(out);
  };
  absl::Time now_ = absl::FromUnixSeconds(1790000000);
  std::unique_ptr<storage::Storage> storage_ = storage::NewMemoryStorage([this] { return now_; });
  runtime::AuditComposer audit_{storage_->pseudonyms(), random_};
  CatalogHandler handler_{{storage_->tenants(), storage_->domains(), storage_->manifests(),
                           storage_->deployments(), storage_->clock(), audit_, random_}};
  CatalogSessionHandler session_{storage_->catalog(), storage_->manifests(), storage_->domains()};
  keys::PrivateKey signer_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  storage::TenantId tenant_;
};

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_CATALOG_FIXTURE_H_
