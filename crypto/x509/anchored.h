#ifndef TAMARACK_CRYPTO_X509_ANCHORED_H_
#define TAMARACK_CRYPTO_X509_ANCHORED_H_

// Chains of hardware makers: AMD, AWS, TPM vendors. Other than chain.h, which is for keys that sign
// TEEP messages, keys are of any kind that crypto/verify knows, trust is in anchors compared as
// keys, and revocation lists count. Pure functions; thread safe.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "crypto/verify/verify.h"
#include "openssl/base.h"

namespace tam::x509 {

// Nitro's is the longest in use: the leaf, three authorities and the root.
inline constexpr size_t kMaxAnchoredLength = 6;
inline constexpr size_t kMaxCertificateBytes = 8 << 10;
inline constexpr size_t kMaxCrlBytes = 4 << 20;

// One certificate, parsed and not verified. Immutable, cheap to copy, thread safe.
class Certificate {
 public:
  // InvalidArgument unless `der` is one certificate, whole, of at most kMaxCertificateBytes, whose
  // key crypto/verify knows. A serial number of 0 is taken: AMD's certificates of chips have it.
  static absl::StatusOr<Certificate> Parse(std::string_view der);
  // `path[0]`, `path[1]`, ... in messages.
  static absl::StatusOr<std::vector<Certificate>> ParseAll(std::string_view path,
                                                           absl::Span<const std::string> ders);

  const verify::Key& key() const;
  // RFC 2253.
  std::string subject() const;
  std::string issuer() const;
  // The one CN; empty where there is none, or more than one.
  std::string common_name() const;
  std::string issuer_common_name() const;
  // Both ends included.
  absl::Time not_before() const;
  absl::Time not_after() const;
  // The octets in the extension `oid` ("1.3.6.1.4.1.3704.1.2"); nullopt where it is absent or
  // there twice.
  std::optional<std::string> Extension(const std::string& oid) const;
  // Lower-case hexadecimal of whole octets ("0a"); "-" before a negative one.
  std::string serial() const;
  // Its key usage, where it has one, lets it sign what is no certificate.
  bool MaySign() const;
  // Unauthenticated "issuer: want …, got …" or "signature: want …, got …" unless `issuer` is an
  // authority of the name that this one gives, and signed it with more than SHA-1. Its own issuer:
  // a root.
  absl::Status CheckSignedBy(const Certificate& issuer) const;
  // Its extended key usage names `oid`.
  bool HasPurpose(const std::string& oid) const;

 private:
  friend class AnchoredVerifier;
  friend class RevocationList;
  struct Impl;
  explicit Certificate(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

struct Anchored {
  size_t anchor = 0;  // its index
  // When all of the chain are valid, and the lists that were used.
  absl::Time not_before;
  absl::Time not_after;
  // A current list was there for each certificate below the anchor.
  bool revocation_checked = false;
};

// Does `chain` (the leaf first, each signed by the next) lead to one of `anchors`? Its last
// certificate is the anchor itself (the same key; then the anchor's own certificate counts), or
// signed by one. Checked for each: dates at `at`, names, signature (no SHA-1), critical extensions,
// and of authorities the right to sign and the length of path.
//
// `crls`, DER: lists of an issuer in the chain must be signed by it; one of them must be current,
// and none may name the certificate, current or not. Lists of other issuers are passed over. An
// issuer without a list: see revocation_checked.
//
// Errors, "chain[1].signature: want …, got …": InvalidArgument for a length out of bounds or a list
// that cannot be read, DeadlineExceeded for a date, PermissionDenied for what is revoked,
// Unauthenticated for all else.
absl::StatusOr<Anchored> VerifyToAnchor(absl::Span<const Certificate> chain,
                                        absl::Span<const Certificate> anchors,
                                        absl::Span<const std::string> crls, absl::Time at);

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_ANCHORED_H_
