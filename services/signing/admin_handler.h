// SigningService: the tenants' keys as operators manage them.
#ifndef TAMARACK_SERVICES_SIGNING_ADMIN_HANDLER_H_
#define TAMARACK_SERVICES_SIGNING_ADMIN_HANDLER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "proto/tam/v1/signing.pb.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"
#include "services/signing/key_ring.h"
#include "storage/audit_store.h"

namespace tam::signing {

// Thread safe. Codes of each call: proto/tam/v1/signing.proto. All four must outlive this.
class AdminHandler {
 public:
  AdminHandler(KeyRing& keys, storage::SigningStore& store, storage::TenantReader& tenants,
               storage::DatabaseClock& clock)
      : keys_(keys), store_(store), tenants_(tenants), clock_(clock) {}

  absl::StatusOr<v1::GetSigningKeyResponse> GetSigningKey(const runtime::CallContext& context,
                                                          const v1::GetSigningKeyRequest& request);
  absl::StatusOr<v1::ListSigningKeysResponse> ListSigningKeys(
      const runtime::CallContext& context, const v1::ListSigningKeysRequest& request);
  absl::StatusOr<v1::CreateSigningKeyResponse> CreateSigningKey(
      const runtime::CallContext& context, const v1::CreateSigningKeyRequest& request);
  absl::StatusOr<v1::ActivateSigningKeyResponse> ActivateSigningKey(
      const runtime::CallContext& context, const v1::ActivateSigningKeyRequest& request);
  absl::StatusOr<v1::RetireSigningKeyResponse> RetireSigningKey(
      const runtime::CallContext& context, const v1::RetireSigningKeyRequest& request);

  // admin_certificates.cc
  absl::StatusOr<v1::AddKeyCertificateResponse> AddKeyCertificate(
      const runtime::CallContext& context, const v1::AddKeyCertificateRequest& request);
  absl::StatusOr<v1::ListKeyCertificatesResponse> ListKeyCertificates(
      const runtime::CallContext& context, const v1::ListKeyCertificatesRequest& request);
  absl::StatusOr<v1::RemoveKeyCertificateResponse> RemoveKeyCertificate(
      const runtime::CallContext& context, const v1::RemoveKeyCertificateRequest& request);

  // Every method, for the dispatcher. Borrows this.
  runtime::ServiceBinding Binding();

 private:
  struct Named {
    storage::Tenant tenant;
    storage::KeyThumbprint key;
  };
  absl::StatusOr<Named> FindNamed(const runtime::CallContext& context, const std::string& name,
                                  std::string_view field = "name");
  absl::StatusOr<storage::Tenant> FindParent(const runtime::CallContext& context,
                                             const std::string& parent);

  KeyRing& keys_;
  storage::SigningStore& store_;
  storage::TenantReader& tenants_;
  storage::DatabaseClock& clock_;
};

}  // namespace tam::signing

#endif  // TAMARACK_SERVICES_SIGNING_ADMIN_HANDLER_H_
