// AttestationService: attestation keys, reference values and policy as operators manage them.
#ifndef TAMARACK_SERVICES_ATTESTATION_ADMIN_HANDLER_H_
#define TAMARACK_SERVICES_ATTESTATION_ADMIN_HANDLER_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "proto/tam/v1/attestation.pb.h"
#include "services/attestation/inputs.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/call_context.h"
#include "services/runtime/rpc.h"
#include "storage/attestation_store.h"
#include "storage/tenant_store.h"

namespace tam::attestation {

// Thread safe. Codes of each call: proto/tam/v1/attestation.proto.
class AdminHandler {
 public:
  // All must outlive the handler. `inputs` forgets a tenant after each write to it.
  struct Dependencies {
    storage::AttestationStore& store;
    storage::ReferenceValueStore& values;
    storage::TenantReader& tenants;
    runtime::AuditComposer& audit;
    InputsCache& inputs;
  };
  explicit AdminHandler(const Dependencies& dependencies) : d_(dependencies) {}

  absl::StatusOr<v1::ImportAttestationKeyResponse> ImportAttestationKey(
      const runtime::CallContext& context, const v1::ImportAttestationKeyRequest& request);
  absl::StatusOr<v1::ListAttestationKeysResponse> ListAttestationKeys(
      const runtime::CallContext& context, const v1::ListAttestationKeysRequest& request);
  absl::StatusOr<v1::DeleteAttestationKeyResponse> DeleteAttestationKey(
      const runtime::CallContext& context, const v1::DeleteAttestationKeyRequest& request);

  absl::StatusOr<v1::GetReferenceValueResponse> GetReferenceValue(
      const runtime::CallContext& context, const v1::GetReferenceValueRequest& request);
  absl::StatusOr<v1::ListReferenceValuesResponse> ListReferenceValues(
      const runtime::CallContext& context, const v1::ListReferenceValuesRequest& request);
  absl::StatusOr<v1::CreateReferenceValueResponse> CreateReferenceValue(
      const runtime::CallContext& context, const v1::CreateReferenceValueRequest& request);
  absl::StatusOr<v1::UpdateReferenceValueResponse> UpdateReferenceValue(
      const runtime::CallContext& context, const v1::UpdateReferenceValueRequest& request);
  absl::StatusOr<v1::DeleteReferenceValueResponse> DeleteReferenceValue(
      const runtime::CallContext& context, const v1::DeleteReferenceValueRequest& request);

  absl::StatusOr<v1::GetAttestationPolicyResponse> GetAttestationPolicy(
      const runtime::CallContext& context, const v1::GetAttestationPolicyRequest& request);
  absl::StatusOr<v1::SetAttestationPolicyResponse> SetAttestationPolicy(
      const runtime::CallContext& context, const v1::SetAttestationPolicyRequest& request);

  // Every method, for the dispatcher. Borrows this.
  runtime::ServiceBinding Binding();

 private:
  // A resource name taken apart and its tenant found. `rest` is what follows the tenant.
  struct Named {
    storage::Tenant tenant;
    std::vector<std::string> rest;
  };
  absl::StatusOr<Named> Find(const runtime::CallContext& context, absl::string_view field,
                             const std::string& resource, absl::string_view pattern);
  // A key of the tenant; where `device` is given, of that one. NotFound.
  absl::StatusOr<storage::AttestationKey> FindKey(const runtime::CallContext& context,
                                                  const storage::TenantId& tenant,
                                                  const std::optional<storage::DeviceId>& device,
                                                  const storage::KeyThumbprint& thumbprint);

  const Dependencies d_;
};

}  // namespace tam::attestation

#endif  // TAMARACK_SERVICES_ATTESTATION_ADMIN_HANDLER_H_
