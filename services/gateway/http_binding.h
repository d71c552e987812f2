// TEEP over HTTP (draft-ietf-teep-otrp-over-http-15), without a socket: which reply a request gets.
//
// Codes: 200 with a message, 204 without; 404 unknown TAM URI, 405 another method than POST, 406 no
// suitable Accept, 413 too large, 415 another Content-Type; 503 with Retry-After when the TAM
// cannot answer now, 500 when it fails otherwise; what the server refuses by itself is 400, 413,
// 431, 501, 503 or 505 (http_head.h, http_server.h). Never 3xx, never Cache-Control. Thread safe.
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_BINDING_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_BINDING_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/gateway/protocol.h"

namespace tam::gateway {

inline constexpr char kTeepMediaType[] = "application/teep+cbor";

struct HttpRequest {
  std::string method;
  std::string target;                 // in origin-form: path and query
  std::optional<std::string> accept;  // all Accept fields, joined by ", "
  std::optional<std::string> content_type;
  std::string body;
  Arrival arrival;
};

struct HttpReply {
  int status = 500;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// True when the Accept field admits application/teep+cbor: the most specific range that matches
// counts, and its weight is above 0 (RFC 9110 section 12.5.1). Absent or malformed: false.
bool AcceptsTeep(const std::optional<std::string>& accept);

// True for application/teep+cbor in any case; parameters are ignored, as the type defines none.
bool IsTeepMediaType(std::string_view content_type);

// The reply that needs neither body nor engine, or nullopt: wrong method, Accept, path or, where
// `has_body`, Content-Type; and GET /livez, which is 200 while the process serves. Lets a server
// refuse before it reads the body.
std::optional<HttpReply> AnswerFromHead(const HttpRequest& head, bool has_body);

// The reply to a whole request. Neither blocks nor throws but in `protocol`.
HttpReply Respond(TeepProtocol& protocol, const HttpRequest& request);

// The reply for a status of TeepProtocol; also for what a server refuses by itself.
HttpReply ReplyTo(const absl::Status& failure);
HttpReply EmptyReply(int status);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_BINDING_H_
