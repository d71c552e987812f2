// The registry: tenants, endpoints, devices and their keys, and the guarded writes of sessions.
//
// Each call is a method of plain C++ with the errors that its RPC in proto/tam/v1 documents.
// Callers are already authorised for the call and its tenant. Every write carries its audit entry
// into the statement of the act. Thread safe.
#ifndef TAMARACK_SERVICES_REGISTRY_HANDLER_H_
#define TAMARACK_SERVICES_REGISTRY_HANDLER_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/tam/v1/registry.pb.h"
#include "proto/tam/v1/registry_session.pb.h"
#include "services/registry/refusal_board.h"
#include "services/runtime/audit_entry.h"
#include "services/runtime/call_context.h"
#include "storage/audit_store.h"
#include "storage/device_store.h"
#include "storage/session_store.h"
#include "storage/tenant_store.h"

namespace tam::registry {

// All must outlive the handlers.
struct Stores {
  storage::TenantStore& tenants;
  storage::EndpointStore& endpoints;
  storage::DeviceStore& devices;
  storage::DeviceKeyStore& device_keys;
  storage::DeviceRecordReader& device_records;
  storage::SessionStore& sessions;
  storage::PseudonymStore& pseudonyms;
  // Shared by the two handlers of a process; no store.
  std::shared_ptr<RefusalBoard> refusals = std::make_shared<RefusalBoard>();
};

// For people: RegistryService.
class AdminHandler {
 public:
  AdminHandler(const Stores& stores, storage::RandomSource random);

  using Context = runtime::CallContext;
  absl::StatusOr<v1::GetTenantResponse> GetTenant(const Context&, const v1::GetTenantRequest&);
  absl::StatusOr<v1::ListTenantsResponse> ListTenants(const Context&,
                                                      const v1::ListTenantsRequest&);
  absl::StatusOr<v1::CreateTenantResponse> CreateTenant(const Context&,
                                                        const v1::CreateTenantRequest&);
  absl::StatusOr<v1::UpdateTenantResponse> UpdateTenant(const Context&,
                                                        const v1::UpdateTenantRequest&);
  absl::StatusOr<v1::SetTenantStateResponse> SetTenantState(const Context&,
                                                            const v1::SetTenantStateRequest&);
  absl::StatusOr<v1::DeleteTenantResponse> DeleteTenant(const Context&,
                                                        const v1::DeleteTenantRequest&);

  absl::StatusOr<v1::GetEndpointResponse> GetEndpoint(const Context&,
                                                      const v1::GetEndpointRequest&);
  absl::StatusOr<v1::ListEndpointsResponse> ListEndpoints(const Context&,
                                                          const v1::ListEndpointsRequest&);
  absl::StatusOr<v1::CreateEndpointResponse> CreateEndpoint(const Context&,
                                                            const v1::CreateEndpointRequest&);
  absl::StatusOr<v1::UpdateEndpointResponse> UpdateEndpoint(const Context&,
                                                            const v1::UpdateEndpointRequest&);
  absl::StatusOr<v1::DeleteEndpointResponse> DeleteEndpoint(const Context&,
                                                            const v1::DeleteEndpointRequest&);

  absl::StatusOr<v1::GetDeviceResponse> GetDevice(const Context&, const v1::GetDeviceRequest&);
  absl::StatusOr<v1::ListDevicesResponse> ListDevices(const Context&,
                                                      const v1::ListDevicesRequest&);
  absl::StatusOr<v1::CreateDeviceResponse> CreateDevice(const Context&,
                                                        const v1::CreateDeviceRequest&);
  absl::StatusOr<v1::UpdateDeviceResponse> UpdateDevice(const Context&,
                                                        const v1::UpdateDeviceRequest&);
  absl::StatusOr<v1::DeleteDeviceResponse> DeleteDevice(const Context&,
                                                        const v1::DeleteDeviceRequest&);
  absl::StatusOr<v1::ImportDeviceKeyResponse> ImportDeviceKey(const Context&,
                                                              const v1::ImportDeviceKeyRequest&);
  absl::StatusOr<v1::SetDeviceKeyStateResponse> SetDeviceKeyState(
      const Context&, const v1::SetDeviceKeyStateRequest&);

 private:
  // The tenant and the endpoint or device that a resource name names. NotFound, InvalidArgument.
  absl::StatusOr<storage::Tenant> FindTenant(const Context&, std::string_view field,
                                             const std::string& resource);
  absl::StatusOr<storage::Tenant> TenantByName(const Context&, const std::string& name);
  absl::StatusOr<storage::Endpoint> FindEndpoint(const Context&, std::string_view field,
                                                 const std::string& resource, std::string* tenant);
  absl::StatusOr<storage::Device> FindDevice(const Context&, std::string_view field,
                                             const std::string& resource, std::string* tenant);
  absl::StatusOr<storage::Device> DeviceBy(const Context&, const storage::TenantId& tenant,
                                           const std::string& id_or_name);
  // Every endpoint of a tenant: there are few.
  absl::StatusOr<std::vector<storage::Endpoint>> AllEndpoints(const Context&,
                                                              const storage::TenantId&);
  absl::StatusOr<storage::DeviceKey> ReadNewKey(const Context&, const storage::Tenant& tenant,
                                                const v1::NewDeviceKey& key);
  // A uid that is random, or follows from the caller's request id.
  template <typename Id>
  absl::StatusOr<Id> UidFor(const Context&, const std::string& request_id, std::string_view kind);

  const Stores stores_;
  const storage::RandomSource random_;
  runtime::AuditComposer audit_;
};

// For the gateway: RegistrySessionService.
class SessionHandler {
 public:
  SessionHandler(const Stores& stores, storage::RandomSource random);

  using Context = runtime::CallContext;
  // NotFound also for an endpoint of a suspended tenant.
  absl::StatusOr<v1::ResolveEndpointResponse> ResolveEndpoint(const Context&,
                                                              const v1::ResolveEndpointRequest&);
  absl::StatusOr<v1::LookupResponse> Lookup(const Context&, const v1::LookupRequest&);
  // Where an accepted attestation names a UEID, claims it for the device, if the message is
  // accepted: AlreadyExists or FailedPrecondition, and nothing written, when it is another's or the
  // device has another.
  absl::StatusOr<v1::AcceptResponse> Accept(const Context&, const v1::AcceptRequest&);
  absl::StatusOr<v1::ReportResponse> Report(const Context&, const v1::ReportRequest&);
  // Writes no row.
  absl::StatusOr<v1::NoteRefusalResponse> NoteRefusal(const Context&,
                                                      const v1::NoteRefusalRequest&);

 private:
  const Stores stores_;
  runtime::AuditComposer audit_;
};

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_HANDLER_H_
