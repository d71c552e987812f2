// The registry's handlers over in-memory stores, with tenant "acme" and endpoint "main".
#ifndef TAMARACK_SERVICES_REGISTRY_REGISTRY_FIXTURE_H_
#define TAMARACK_SERVICES_REGISTRY_REGISTRY_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "crypto/keys/key.h"
#include "gtest/gtest.h"
#include "services/registry/handler.h"
#include "storage/memory/memory_storage.h"
#include "tests/support/status_matchers.h"

namespace tam::registry {

inline constexpr int64_t kNowMs = 1'764'000'000'000;

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    CreateTenant("acme");
    CreateEndpoint("acme", "main", true);
  }

  v1::CreateTenantRequest TenantRequest(const std::string& name) {
    v1::CreateTenantRequest request;
    request.mutable_tenant()->set_name("tenants/" + name);
    return request;
  }
  void CreateTenant(const std::string& name) {
    EXPECT_OK(admin_.CreateTenant(operator_, TenantRequest(name)));
  }
  v1::Endpoint CreateEndpoint(const std::string& tenant, const std::string& name, bool attested) {
    v1::CreateEndpointRequest request;
    request.set_parent("tenants/" + tenant);
    request.set_endpoint_id(name);
    request.mutable_endpoint()->set_attestation_required(attested);
    auto created = admin_.CreateEndpoint(operator_, request);
    EXPECT_OK(created);
    return created->endpoint();
  }
  // /tam/acme/old, for older peers.
  v1::Endpoint CreateLegacyEndpoint(const v1::LegacyOptions& legacy) {
    v1::CreateEndpointRequest request;
    request.set_parent("tenants/acme");
    request.set_endpoint_id("old");
    request.mutable_endpoint()->set_wire_profile(v1::WIRE_PROFILE_LEGACY);
    *request.mutable_endpoint()->mutable_legacy() = legacy;
    auto created = admin_.CreateEndpoint(operator_, request);
    EXPECT_OK(created);
    return created.ok() ? created->endpoint() : v1::Endpoint();
  }
  v1::NewDeviceKey NewKey(const keys::PublicKey& key) {
    v1::NewDeviceKey out;
    out.mutable_key()->set_cose_key(key.cose_key());
    return out;
  }
  v1::Device CreateDevice(const std::string& name, const keys::PublicKey& key) {
    v1::CreateDeviceRequest request;
    request.set_parent("tenants/acme");
    request.mutable_device()->set_display_name(name);
    *request.add_new_keys() = NewKey(key);
    auto created = admin_.CreateDevice(operator_, request);
    EXPECT_OK(created);
    return created.ok() ? created->device() : v1::Device();
  }
  v1::ResolveEndpointResponse Resolve(const std::string& path) {
    v1::ResolveEndpointRequest request;
    request.set_path(path);
    auto resolved = session_.ResolveEndpoint(gateway_, request);
    EXPECT_OK(resolved);
    return resolved.value_or(v1::ResolveEndpointResponse());
  }
  absl::StatusOr<v1::LookupResponse> Lookup(const v1::ResolveEndpointResponse& at,
                                            const keys::PublicKey& key) {
    v1::LookupRequest request;
    request.set_tenant_uid(at.tenant_uid());
    request.set_endpoint_uid(at.endpoint().uid());
    request.set_thumbprint(std::string(key.thumbprint().begin(), key.thumbprint().end()));
    return session_.Lookup(gateway_, request);
  }
  v1::AcceptRequest AcceptFor(const v1::ResolveEndpointResponse& at,
                              const v1::LookupResponse& found, const keys::PublicKey& key) {
    v1::AcceptRequest request;
    request.set_tenant_uid(at.tenant_uid());
    request.set_device_uid(found.device_uid());
    request.set_endpoint_uid(at.endpoint().uid());
    request.set_thumbprint(std::string(key.thumbprint().begin(), key.thumbprint().end()));
    request.set_issue_ms(kNowMs - 5);
    request.set_random("12345678");
    request.set_message_digest(std::string(32, 'm'));
    request.mutable_attestation()->set_verdict(v1::VERDICT_ACCEPTED);
    request.mutable_update()->set_token(std::string(16, 't'));
    request.mutable_update()->set_deadline_seconds(60);
    v1::ManifestRef* manifest = request.mutable_update()->add_manifests();
    manifest->set_digest(std::string(32, 'd'));
    manifest->set_domain_uid(std::string(16, 'n'));
    manifest->set_component_id(
        "\x81\x43"
        "app");
    manifest->set_sequence(3);
    return request;
  }
  std::vector<storage::AuditRecord> Audit(const std::string& kind) {
    storage::AuditFilter filter;
    filter.kind = kind;
    auto tenant = storage_->tenants().GetByName("acme", {});
    if (tenant.ok()) filter.tenant = tenant->id;
    auto page = storage_->audit().List(filter, {}, {});
    EXPECT_OK(page);
    return page->items;
  }

  const keys::PublicKey key_ = keys::PrivateKey::Generate(keys::KeyType::kP256)->public_key();
  std::unique_ptr<storage::Storage> storage_ =
      storage::NewMemoryStorage([] { return absl::FromUnixMillis(kNowMs); });
  uint32_t next_ = 1;
  const Stores stores_{storage_->tenants(),     storage_->endpoints(),      storage_->devices(),
                       storage_->device_keys(), storage_->device_records(), storage_->sessions(),
                       storage_->pseudonyms()};
  const storage::RandomSource random_ = [this](absl::Span<uint8_t> out) {
    for (uint8_t& byte : out) {
      next_ = next_ * 1664525 + 1013904223;
      byte = static_cast<uint8_t>(next_ >> 24);
    }
  };
  AdminHandler admin_{stores_, random_};
  SessionHandler session_{stores_, random_};
  const runtime::CallContext operator_{
      *runtime::Identity::Parse("spiffe://test/tenant/acme/operator/olga", "test"),
      absl::InfiniteFuture(), "request-1"};
  const runtime::CallContext gateway_{
      *runtime::Identity::Parse("spiffe://test/service/gateway", "test"), absl::InfiniteFuture(),
      "request-2"};
};

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_REGISTRY_FIXTURE_H_
