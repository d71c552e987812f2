// The protocol engine as its transport sees it.
#ifndef TAMARACK_SERVICES_GATEWAY_PROTOCOL_H_
#define TAMARACK_SERVICES_GATEWAY_PROTOCOL_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tam::gateway {

// Whence a request came, and when.
struct Arrival {
  std::string source;  // address that failures are counted against
  // How long ago it was whole; counts against the time that the engine has for it.
  absl::Duration waited = absl::ZeroDuration();
};

// What stands behind a transport. Thread safe.
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

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_PROTOCOL_H_
