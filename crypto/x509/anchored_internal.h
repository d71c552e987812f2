#ifndef TAMARACK_CRYPTO_X509_ANCHORED_INTERNAL_H_
#define TAMARACK_CRYPTO_X509_ANCHORED_INTERNAL_H_

// What a Certificate holds. Within this room.

#include <optional>
#include <string>

#include "crypto/x509/anchored.h"
#include "openssl/x509.h"

namespace tam::x509 {

struct Certificate::Impl {
  bssl::UniquePtr<X509> x509;
  verify::Key key;
  absl::Time not_before;
  absl::Time not_after;
};

// RFC 2253.
std::string NameText(const X509_NAME* name);
// Nullopt for null, and for what is no time.
std::optional<absl::Time> InstantOf(const ASN1_TIME* time);

std::string SerialText(const ASN1_INTEGER* serial);
// RSA or ECDSA with SHA-2.
bool IsStrongSignature(int nid);

}  // namespace tam::x509

#endif  // TAMARACK_CRYPTO_X509_ANCHORED_INTERNAL_H_
