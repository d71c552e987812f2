#ifndef TAMARACK_CRYPTO_X509_CREDENTIALS_H_
#define TAMARACK_CRYPTO_X509_CREDENTIALS_H_

// What a TLS endpoint presents and trusts, checked before it is used: files are replaced while
// servers run, and a reader may see one half written, or a certificate whose key is not there yet.
//
// PEM (RFC 7468). Text around the blocks is passed over, but the last line must end a block, so
// that a bundle that was cut short is not taken for a smaller one.

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "openssl/base.h"

namespace tam::x509 {

// Larger texts are refused.
inline constexpr size_t kMaxPemBytes = 1 << 20;

// InvalidArgument unless `chain_pem` holds certificates alone, leaf first, and `key_pem` one
// private key, not encrypted, that is the leaf's. Validity is not looked at: that is for the other
// side, and by its clock.
absl::Status CheckKeyPair(std::string_view chain_pem, std::string_view key_pem);

// A set of trusted authorities. Immutable, thread safe; a copy shares its content.
class Authorities {
 public:
  // InvalidArgument unless `pem` holds certificates alone, at least one.
  static absl::StatusOr<Authorities> Parse(std::string_view pem);

  // Unauthenticated unless the first certificate of `chain_pem`, by way of the others, leads to one
  // of these authorities and may be used by a TLS client at `now`. InvalidArgument: not
  // certificates.
  absl::Status VerifyClient(std::string_view chain_pem, absl::Time now) const;

  // Of an x5chain (chain.h), whatever its use: DeadlineExceeded when all is well but that one of
  // its certificates is no longer valid at `now`, Unauthenticated when it does not lead to one of
  // these authorities, InvalidArgument beyond the bounds of chain.h and for what is no certificate.
  absl::Status VerifyChain(absl::Span<const std::string> chain, absl::Time now) const;

 private:
  explicit Authorities(std::shared_ptr<X509_STORE> store) : store_(std::move(store)) {}
  std::shared_ptr<X509_STORE> store_;
};

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_CREDENTIALS_H_
