#include "services/registry/binding.h"

namespace tam::registry {

runtime::ServiceBinding Bind(AdminHandler& handler) {
  return runtime::ServiceBinding("tam.v1.RegistryService")
      .Add("GetTenant", handler, &AdminHandler::GetTenant)
      .Add("ListTenants", handler, &AdminHandler::ListTenants)
      .Add("CreateTenant", handler, &AdminHandler::CreateTenant)
      .Add("UpdateTenant", handler, &AdminHandler::UpdateTenant)
      .Add("SetTenantState", handler, &AdminHandler::SetTenantState)
      .Add("DeleteTenant", handler, &AdminHandler::DeleteTenant)
      .Add("GetEndpoint", handler, &AdminHandler::GetEndpoint)
      .Add("ListEndpoints", handler, &AdminHandler::ListEndpoints)
      .Add("CreateEndpoint", handler, &AdminHandler::CreateEndpoint)
      .Add("UpdateEndpoint", handler, &AdminHandler::UpdateEndpoint)
      .Add("DeleteEndpoint", handler, &AdminHandler::DeleteEndpoint)
      .Add("GetDevice", handler, &AdminHandler::GetDevice)
      .Add("ListDevices", handler, &AdminHandler::ListDevices)
      .Add("CreateDevice", handler, &AdminHandler::CreateDevice)
      .Add("UpdateDevice", handler, &AdminHandler::UpdateDevice)
      .Add("DeleteDevice", handler, &AdminHandler::DeleteDevice)
      .Add("ImportDeviceKey", handler, &AdminHandler::ImportDeviceKey)
      .Add("SetDeviceKeyState", handler, &AdminHandler::SetDeviceKeyState);
}

runtime::ServiceBinding Bind(SessionHandler& handler) {
  return runtime::ServiceBinding("tam.v1.RegistrySessionService")
      .Add("ResolveEndpoint", handler, &SessionHandler::ResolveEndpoint)
      .Add("Lookup", handler, &SessionHandler::Lookup)
      .Add("Accept", handler, &SessionHandler::Accept)
      .Add("Report", handler, &SessionHandler::Report)
      .Add("NoteRefusal", handler, &SessionHandler::NoteRefusal);
}

}  // namespace tam::registry
