#ifndef TAMARACK_CRYPTO_X509_READ_CERTIFICATES_H_
#define TAMARACK_CRYPTO_X509_READ_CERTIFICATES_H_

// Within this room: certificates out of PEM.

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "openssl/x509.h"

namespace tam::x509 {

using Certificates = std::vector<bssl::UniquePtr<X509>>;

// InvalidArgument, naming `path`, unless `pem` holds certificates alone, at least one, up to its
// last line.
absl::StatusOr<Certificates> ReadCertificates(std::string_view path, std::string_view pem);

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_READ_CERTIFICATES_H_
