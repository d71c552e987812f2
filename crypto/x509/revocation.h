#ifndef TAMARACK_CRYPTO_X509_REVOCATION_H_
#define TAMARACK_CRYPTO_X509_REVOCATION_H_

// Certificate revocation lists (RFC 5280 section 5): complete ones of one authority. Immutable,
// cheap to copy (shared), thread safe.

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "crypto/x509/anchored.h"

namespace tam::x509 {

inline constexpr size_t kMaxRevocationListBytes = 1 << 20;

class RevocationList {
 public:
  // InvalidArgument unless `der` is one list, whole, with a next update, and without critical
  // extensions, of itself or of an entry: those make a list of part of an authority's certificates,
  // or of another's, for which there is no use here.
  static absl::StatusOr<RevocationList> Parse(std::string_view der);

  const std::string& issuer() const;  // RFC 2253
  absl::Time this_update() const;
  absl::Time next_update() const;
  // Of the CRL number; hexadecimal, empty where it has none.
  const std::string& number() const;

  // Unauthenticated unless `issuer` has the name that the list gives, may sign lists, and signed
  // this one: "issuer: want …, got …", "signature: want …, got …".
  absl::Status CheckSignedBy(const Certificate& issuer) const;
  // Whether the serial number of `certificate` is in the list. Whose list it is and whose
  // certificate is for the caller to have checked.
  bool Revokes(const Certificate& certificate) const;

 private:
  struct Impl;
  explicit RevocationList(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_REVOCATION_H_
