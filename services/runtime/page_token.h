#ifndef TAMARACK_SERVICES_RUNTIME_PAGE_TOKEN_H_
#define TAMARACK_SERVICES_RUNTIME_PAGE_TOKEN_H_

// Page tokens as callers see them: what a handler gives as `next_page_token`, bound to the list and
// the caller that it was given to. The dispatcher does it for every list, so that no handler can
// forget to.
//
//   token = base64url(SHA-256(caller, method, request without page_size and page_token, position)
//                     [0..16) || position)
//
// No key is involved: the binding catches mistakes, it keeps no secret. What a caller may learn
// from a list is decided by the list alone, which selects what the caller may see before it counts
// a page.

#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "services/runtime/call_context.h"

namespace tam::runtime {

// A copy of `request` with the position in place of its `page_token`. Null where the request has no
// token, and serves as it is. InvalidArgument for a token that was not made for this caller, method
// and request.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> OpenPageToken(
    const CallContext& context, absl::string_view method, const google::protobuf::Message& request);

// Puts the token in place of the position that the handler left in `next_page_token`, if any.
void SealPageToken(const CallContext& context, absl::string_view method,
                   const google::protobuf::Message& request, google::protobuf::Message& response);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_PAGE_TOKEN_H_
