// HTTP as it is written on the wire, for tests of what a server makes of it.
#ifndef TAMARACK_TESTS_CONFORMANCE_RAW_HTTP_H_
#define TAMARACK_TESTS_CONFORMANCE_RAW_HTTP_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tam::conformance {

struct RawReply {
  std::string version;  // "HTTP/1.1"
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// Opens a connection to 127.0.0.1:`port`, sends `bytes` as they are and reads until the server ends
// the connection or has given `replies` replies. Errors: Unavailable (no connection, or a failure
// on it), DeadlineExceeded after 20 s, InvalidArgument (what came is no HTTP/1.x reply with a
// Content-Length).
absl::StatusOr<std::vector<RawReply>> Exchange(int port, std::string_view bytes, size_t replies);

}  // namespace tam::conformance

#endif  // TAMARACK_TESTS_CONFORMANCE_RAW_HTTP_H_
