#ifndef TAMARACK_SERVICES_RUNTIME_AUTHORIZATION_H_
#define TAMARACK_SERVICES_RUNTIME_AUTHORIZATION_H_

// Who may call what: one table, deny by default.

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "google/protobuf/message.h"
#include "services/runtime/call_context.h"
#include "services/runtime/identity.h"

namespace tam::runtime {

// How far a permitted role reaches.
enum class Scope {
  // The call belongs to no tenant; only administrators and services may stand in its row.
  kPlatform,
  // Members of a tenant: only where the request's `name` or `parent` lies in their own tenant.
  kOwnTenant,
  // As kOwnTenant; and the handler calls CheckDomainOwner with the domain's owners.
  kOwnDomain,
};

struct Permission {
  // Full name, such as "/tam.v1.RegistryService/GetTenant".
  absl::string_view method;
  // Role values, or-ed.
  unsigned roles;
  Scope scope;
};

// Every RPC there is, in the order of the protos.
absl::Span<const Permission> AllPermissions();

// The value of `name`, or where the message has none of `parent`; empty if it has neither.
std::string ResourceOf(const google::protobuf::Message& request);

// Whether the table has the caller's role in the row of `method`, whatever the request says.
bool RoleMayCall(const Identity& caller, absl::string_view method);

// PermissionDenied unless the table lets `caller` make this call. InvalidArgument if the request's
// resource name is so malformed that no tenant can be told from it. Thread safe.
absl::Status Authorize(const Identity& caller, absl::string_view method,
                       const google::protobuf::Message& request);

// For handlers of calls with kOwnDomain: PermissionDenied for a developer whose SPIFFE ID is not
// among `owners`; OK for every other role, which the table has let in.
absl::Status CheckDomainOwner(const CallContext& context, absl::Span<const std::string> owners);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_AUTHORIZATION_H_
