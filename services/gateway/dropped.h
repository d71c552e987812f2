// Why the HTTP server let go of a connection without having answered it, in codes for metrics.
#ifndef TAMARACK_SERVICES_GATEWAY_DROPPED_H_
#define TAMARACK_SERVICES_GATEWAY_DROPPED_H_

#include "absl/strings/string_view.h"
#include "boost/system/error_code.hpp"

namespace tam::gateway {

enum class Dropped {
  kTooMany,       // above a limit of connections; answered 503 where there is no TLS
  kNotTls,        // what came is no TLS handshake: plain HTTP, or anything
  kTlsVersion,    // older than TLS 1.2
  kTlsParameter,  // no suite, group or signature in common
  kTlsProtocol,   // ALPN without http/1.1
  kTlsOther,      // any other failure of the handshake
  kTlsGone,       // the peer closed or reset it during the handshake
  kTlsSlow,       // the handshake took too long
  kIdle,          // no next request
  kHeadSlow,      // a head was too slow, or none came on a new connection
  kBodySlow,
  kReplySlow,  // the peer does not read
  kRoomMade,   // it waited for its peer, and another connection needed its place
  kCount,      // not a reason
};

// "not_tls": the metric's label.
absl::string_view DroppedCode(Dropped reason);

// Why a handshake ended with this error.
Dropped ReasonOfHandshake(const boost::system::error_code& error);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_DROPPED_H_
