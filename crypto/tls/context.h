// What a TLS endpoint of the project may speak: TLS 1.2 and 1.3 with the suites, groups and
// signatures that BCP 195 (RFC 9325) recommends, ALPN "http/1.1", no resumption, no early data.
// BoringSSL has neither compression nor, for a server, renegotiation.
#ifndef TAMARACK_CRYPTO_TLS_CONTEXT_H_
#define TAMARACK_CRYPTO_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "boost/asio/ssl/context.hpp"

namespace tam::tls {

// Immutable once made; connections that were opened with it outlive it.
using Context = std::shared_ptr<boost::asio::ssl::context>;

struct ServerContext {
  Context context;
  absl::Time not_after;  // of the leaf
};

// `chain_pem`: the leaf, then what leads to its root. InvalidArgument, never with a byte of the
// key: malformed or cut short, a key that is not the leaf's, RSA of less than 2048 bits, a curve
// other than P-256 and P-384.
absl::StatusOr<ServerContext> NewServerContext(std::string_view chain_pem,
                                               std::string_view key_pem);

// Trusts what chains to one of the roots, as a server. InvalidArgument: no certificate in
// `roots_pem`, or a malformed one.
absl::StatusOr<Context> NewClientContext(std::string_view roots_pem);

// Before the handshake of a client: asks for `host`, a DNS name or an IP address, and accepts
// nothing but a certificate for it. Internal.
absl::Status ExpectHost(SSL* ssl, const std::string& host);

// After a handshake of a client that failed: what was wrong with the server's certificate; empty if
// it was not that.
std::string CertificateProblem(const SSL* ssl);

}  // namespace tam::tls

#endif  // TAMARACK_CRYPTO_TLS_CONTEXT_H_
