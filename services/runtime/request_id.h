#ifndef TAMARACK_SERVICES_RUNTIME_REQUEST_ID_H_
#define TAMARACK_SERVICES_RUNTIME_REQUEST_ID_H_

// Names one request through all services that it reaches, for logs and audit entries.

#include <string>

#include "absl/strings/string_view.h"

namespace tam::runtime {

// How it travels between processes.
inline constexpr char kRequestIdMetadata[] = "tamarack-request-id";

// 32 hexadecimal digits. Unique enough to find things by; guessing one gains nothing.
std::string NewRequestId();

// 1 to 64 letters, digits and '-': what is taken over from a caller.
bool IsRequestId(absl::string_view text);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_REQUEST_ID_H_
