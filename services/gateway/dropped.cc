#include "services/gateway/dropped.h"

#include <cstddef>
#include <iterator>

#include "boost/asio/ssl/error.hpp"
#include "boost/beast/core/error.hpp"
#include "openssl/err.h"
#include "openssl/ssl.h"

namespace tam::gateway {

absl::string_view DroppedCode(Dropped reason) {
  static constexpr absl::string_view kCodes[] = {
      "too_many",  "not_tls",    "tls_version", "tls_parameter", "tls_protocol",
      "tls_other", "tls_gone",   "tls_slow",    "idle",          "head_slow",
      "body_slow", "reply_slow", "room_made",
  };
  static_assert(std::size(kCodes) == static_cast<size_t>(Dropped::kCount));
  return kCodes[static_cast<size_t>(reason)];
}

Dropped ReasonOfHandshake(const boost::system::error_code& error) {
  if (error == boost::beast::error::timeout) return Dropped::kTlsSlow;
  if (error.category() != boost::asio::error::get_ssl_category()) return Dropped::kTlsGone;
  switch (ERR_GET_REASON(static_cast<uint32_t>(error.value()))) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNEXPECTED_MESSAGE:
    case SSL_R_UNEXPECTED_RECORD:
      return Dropped::kNotTls;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNKNOWN_PROTOCOL:
      return Dropped::kTlsVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
      return Dropped::kTlsParameter;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return Dropped::kTlsProtocol;
    default:
      return Dropped::kTlsOther;
  }
}

}  // namespace tam::gateway
