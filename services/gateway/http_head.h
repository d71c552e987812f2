// What this server asks of the head of a request beyond Beast's parser, which unfolds folded fields
// and minds no Host (RFC 9112).
//
//   head         = [CRLF] request-line CRLF *( field-line CRLF ) CRLF
//   request-line = 1*octet              ; its parts are for Beast's parser
//   field-line   = octet-but-SP-HTAB *octet
//   octet        = HTAB / %x20-7E / %x80-FF
//
// CRLF alone ends a line: what another server on the way may take for an end, a bare LF or CR, is
// refused (section 2.2), and so is obs-fold (section 5.2).
#ifndef TAMARACK_SERVICES_GATEWAY_HTTP_HEAD_H_
#define TAMARACK_SERVICES_GATEWAY_HTTP_HEAD_H_

#include <cstddef>
#include <string_view>

#include "boost/beast/http/message.hpp"

namespace tam::gateway {

// Looks at each octet once, however the head comes in. A value.
class HeadScanner {
 public:
  enum class State { kPartial, kWhole, kMalformed };

  // `bytes`: all that was received from the head's first octet on; between calls it only grows.
  [[nodiscard]] State Scan(std::string_view bytes);

  // When whole: octets up to the end of its empty line.
  size_t size() const { return next_; }
  // Of those, the empty line before the request line.
  size_t skip() const { return skip_; }

 private:
  State EndLine();
  bool Takes(char octet);

  size_t next_ = 0;  // not yet looked at
  size_t skip_ = 0;
  bool after_cr_ = false;
  bool at_line_start_ = true;
  bool begun_ = false;  // the request line has
};

// The code that refuses this head, after which the connection is closed; 0: none.
//   400  two Content-Length, or a list of lengths, though they be equal (RFC 9112 section 6.3);
//        an HTTP/1.1 request without Host, two of them, one that names no host (section 3.2);
//        two Content-Type: no list (RFC 9110 section 5.3), so it is not known what the body is;
//        a Transfer-Encoding whose end the length cannot be told from, or in HTTP/1.0 (6.1)
//   501  a Transfer-Encoding that is more than chunked (6.1)
int RefusalOfHead(const boost::beast::http::fields& fields, unsigned version);

// The path and query of a target in absolute-form (section 3.2.2); other forms as they are.
std::string_view OriginForm(std::string_view target);

}  // namespace tam::gateway

#endif  // TAMARACK_SERVICES_GATEWAY_HTTP_HEAD_H_
