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

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::gateway {

inline constexpr char kTeepMediaType[] = "application/teep+cbor";

// Whence a request came, and when.
struct Arrival {
  std::string source;  // address that failures are counted against
  // How long ago it was whole; counts against the time that the engine has for it.
  absl::Duration waited = absl::ZeroDuration();
};

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

// What stands behind the binding: the protocol engine.
class TeepProtocol {
 public:
  virtual ~TeepProtocol() = default;
  // The signed QueryRequest for a new session. Errors of both: NotFound (no such TAM URI),
  // OutOfRange (message too large for this endpoint), Unavailable and ResourceExhausted (try again
  // later), any other (internal).
  virtual absl::StatusOr<std::string> ProcessConnect(const std::string& path,
                                                     const Arrival& arrival) = 0;
  // The signed answer to a message, or nullopt where there is none (RFC 9397 section 6.2.1).
  virtual absl::StatusOr<std::optional<std::string>> ProcessTeepMessage(const std::string& path,
                                                                        std::string_view message,
                                                                        const Arrival& arrival) = 0;
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
