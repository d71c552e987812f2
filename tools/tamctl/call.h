// Calls of the admin API as commands make them.
#ifndef TAMARACK_TOOLS_TAMCTL_CALL_H_
#define TAMARACK_TOOLS_TAMCTL_CALL_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "tools/tamctl/command.h"

namespace tam::tamctl {

// `method` is "RegistryService/GetTenant". The server's status, or a usage error when there is no
// server to connect to.
template <typename Response, typename Request>
absl::StatusOr<Response> Call(Context& context, const std::string& method, const Request& request) {
  const auto transport = context.Connection();
  if (!transport.ok()) return transport.status();
  Response response;
  const absl::Status status = (*transport)->Call("/tam.v1." + method, request, &response);
  if (!status.ok()) return status;
  return response;
}

// Reads pages until there is no more, or --limit entries were read; then says so on standard error.
// `entries` is the size of the list in a response.
template <typename Response, typename Request, typename Count>
absl::StatusOr<Response> CallPages(Context& context, const std::string& method, Request request,
                                   Count entries) {
  const auto limit = context.Number("limit", 1000);
  if (!limit.ok()) return limit.status();
  Response all;
  while (true) {
    const uint64_t left = *limit - entries(all);
    request.set_page_size(static_cast<int32_t>(left < 1000 ? left : 1000));
    auto page = Call<Response>(context, method, request);
    if (!page.ok()) return page;
    all.clear_next_page_token();
    all.MergeFrom(*page);
    if (page->next_page_token().empty()) return all;
    if (static_cast<uint64_t>(entries(all)) >= *limit) {
      context.err() << "tamctl: there are more; --limit shows them\n";
      return all;
    }
    request.set_page_token(page->next_page_token());
  }
}

// The flag of CallPages.
inline constexpr Flag kLimitFlag{"limit", "N", "show at most N entries; default: 1000"};
inline constexpr Flag kEtagFlag{"etag", "ETAG", "refuse when the resource has changed since"};
inline constexpr Flag kRequestIdFlag{"request-id", "UUID",
                                     "repeating the command with it creates nothing twice"};

}  // namespace tam::tamctl

#endif  // TAMARACK_TOOLS_TAMCTL_CALL_H_
