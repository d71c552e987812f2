// What the parts of CatalogHandler share.
#ifndef TAMARACK_SERVICES_CATALOG_HANDLER_PARTS_H_
#define TAMARACK_SERVICES_CATALOG_HANDLER_PARTS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "crypto/text/text.h"
#include "services/catalog/handler.h"
#include "services/runtime/identity.h"
#include "services/runtime/resource.h"
#include "storage/model/call.h"

namespace tam::catalog {

inline storage::CallDeadline DeadlineOf(const runtime::CallContext& context) {
  return {context.deadline};
}

inline absl::StatusOr<storage::PageRequest> PageOf(int32_t page_size,
                                                   const std::string& page_token) {
  if (page_size < 0) {
    return absl::InvalidArgumentError(Concat("page_size: want 0 or more, found ", page_size));
  }
  return storage::PageRequest{page_size, page_token};
}

inline absl::Status CheckName(std::string_view field, std::string_view id) {
  if (runtime::IsName(AbslView(id))) return absl::OkStatus();
  return absl::InvalidArgumentError(Concat(field, ": want [a-z][a-z0-9-]{0,62}"));
}

// What a Create answers with, given the store's verdict and what now stands under the name: the
// resource where this call, or an earlier one with the same request id, made it.
template <typename Resource, typename Id>
absl::StatusOr<Resource> Created(const absl::Status& created, const std::string& request_id,
                                 const Id& id, absl::StatusOr<Resource> stored) {
  const bool repeated =
      absl::IsAlreadyExists(created) && !request_id.empty() && stored.ok() && stored->id == id;
  if (!created.ok() && !repeated) return created;
  return stored;
}

template <typename Id>
absl::StatusOr<Id> CatalogHandler::IdFor(const Context& context, std::string_view request_id,
                                         std::string_view kind) {
  if (request_id.empty()) return storage::NewId<Id>(d_.random);
  auto uid = runtime::UidOfRequest(context.caller.spiffe_id(), request_id, kind);
  if (!uid.ok()) return uid.status();
  return Id(*uid);
}

}  // namespace tam::catalog

#endif  // TAMARACK_SERVICES_CATALOG_HANDLER_PARTS_H_
