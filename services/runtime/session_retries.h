#ifndef TAMARACK_SERVICES_RUNTIME_SESSION_RETRIES_H_
#define TAMARACK_SERVICES_RUNTIME_SESSION_RETRIES_H_

// Which calls may be made again when no answer came, and how often.

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace tam::runtime {

struct RetryableMethod {
  // "tam.v1.Service" and "Method".
  absl::string_view service;
  absl::string_view method;
  // Why doing it twice is as good as once.
  absl::string_view why;
};

// Calls between services alone. Calls of people are never made again by the transport: most write,
// and only they know whether they gave a request id.
absl::Span<const RetryableMethod> RetryableMethods();

// Whether the method of this path, "/tam.v1.Service/Method", is among them.
bool IsRetryable(absl::string_view path);

// gRFC A6: "-1" under this name in an answer's trailing metadata says that it is an answer, and
// trying again is no use.
inline constexpr char kRetryPushback[] = "grpc-retry-pushback-ms";

struct RetryLimits {
  // Of one call, the first included: 2 to 5 (gRFC A6).
  int attempts = 4;
  absl::Duration first_backoff = absl::Milliseconds(50);
  absl::Duration last_backoff = absl::Seconds(1);
  // Of all calls to one service together: each failed attempt costs one token, each good one gives
  // back `refill`; with half of the tokens or fewer nothing is tried again (gRFC A6, throttling).
  int tokens = 100;
  double refill = 0.1;
};

// gRPC's service config (JSON): round robin over the replicas, and the retries above for
// Unavailable, and for Cancelled: so end calls that reach a server just as it begins to drain,
// unseen by it. Our clients never cancel.
std::string SessionServiceConfig(const RetryLimits& limits);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_SESSION_RETRIES_H_
