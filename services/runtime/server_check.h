#ifndef TAMARACK_SERVICES_RUNTIME_SERVER_CHECK_H_
#define TAMARACK_SERVICES_RUNTIME_SERVER_CHECK_H_

// Which server a client accepts: its certificate's SPIFFE ID decides, never the name or address of
// the host.

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tam::runtime {

// Judges all the URI names of a server's certificate, whose chain is good. OK or Unauthenticated.
// Thread safe.
using ServerCheck = std::function<absl::Status(absl::Span<const std::string> uris)>;

// Exactly one URI name, and it is this.
ServerCheck IsServer(absl::string_view spiffe_id);
// Exactly one URI name, and it is that of a service of the trust domain.
ServerCheck IsServiceOf(absl::string_view trust_domain);
// spiffe://TRUST_DOMAIN/service/NAME
std::string ServiceId(absl::string_view trust_domain, absl::string_view service);

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_SERVER_CHECK_H_
