// What every handler of the registry does with a request. Only for this folder's .cc files.
#ifndef TAMARACK_SERVICES_REGISTRY_REQUESTS_H_
#define TAMARACK_SERVICES_REGISTRY_REQUESTS_H_

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "services/registry/handler.h"
#include "services/runtime/resource.h"
#include "storage/model/call.h"

// Returns the status from the calling function unless it is OK.
#define TAM_RETURN_IF_ERROR(expression) \
  if (absl::Status status_of_it = (expression); !status_of_it.ok()) return status_of_it

// Moves the value of a StatusOr into `lhs`, or returns its status.
#define TAM_ASSIGN_OR_RETURN(lhs, ...) \
  TAM_ASSIGN_OR_RETURN_AT_(TAM_LINE_NAME_(result_, __LINE__), lhs, (__VA_ARGS__))
#define TAM_LINE_NAME_(a, b) TAM_LINE_NAME_INNER_(a, b)
#define TAM_LINE_NAME_INNER_(a, b) a##b
#define TAM_ASSIGN_OR_RETURN_AT_(result, lhs, expression) \
  auto result = expression;                               \
  if (!result.ok()) return result.status();               \
  lhs = *std::move(result)

namespace tam::registry {

inline storage::CallDeadline DeadlineOf(const runtime::CallContext& context) {
  return {context.deadline};
}

// page_size 0 is 50, above 1000 is 1000 (types.proto). InvalidArgument for a negative one.
template <typename Request>
absl::StatusOr<storage::PageRequest> PageOf(const Request& request) {
  if (request.page_size() < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: want 0 or more, got ", request.page_size()));
  }
  return storage::PageRequest{request.page_size() == 0 ? 50 : request.page_size(),
                              request.page_token()};
}

template <typename Id>
absl::StatusOr<Id> AdminHandler::UidFor(const Context& context, const std::string& request_id,
                                        std::string_view kind) {
  if (request_id.empty()) return storage::NewId<Id>(random_);
  TAM_ASSIGN_OR_RETURN(const auto uid,
                       runtime::UidOfRequest(context.caller.spiffe_id(), request_id, kind));
  return Id(uid);
}

}  // namespace tam::registry

#endif  // TAMARACK_SERVICES_REGISTRY_REQUESTS_H_
