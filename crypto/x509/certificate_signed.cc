#include "absl/strings/ascii.h"
#include "crypto/text/text.h"
#include "crypto/x509/anchored.h"
#include "crypto/x509/anchored_internal.h"
#include "openssl/bn.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/x509v3.h"

namespace tam::x509 {

std::string SerialText(const ASN1_INTEGER* serial) {
  const bssl::UniquePtr<BIGNUM> number(ASN1_INTEGER_to_BN(serial, nullptr));
  const bssl::UniquePtr<char> text(number == nullptr ? nullptr : BN_bn2hex(number.get()));
  if (text == nullptr) return "";
  std::string hex = text.get();
  absl::AsciiStrToLower(&hex);
  return hex;
}

std::string Certificate::serial() const {
  return SerialText(X509_get0_serialNumber(impl_->x509.get()));
}

bool Certificate::MaySign() const {
  return (X509_get_key_usage(impl_->x509.get()) & KU_DIGITAL_SIGNATURE) != 0;
}

absl::Status Certificate::CheckSignedBy(const Certificate& issuer) const {
  X509* const own = impl_->x509.get();
  X509* const above = issuer.impl_->x509.get();
  if (X509_check_ca(above) != 1 || (X509_get_key_usage(above) & KU_KEY_CERT_SIGN) == 0 ||
      X509_NAME_cmp(X509_get_issuer_name(own), X509_get_subject_name(above)) != 0) {
    return absl::UnauthenticatedError(AbslView(
        Concat("issuer: want the authority ", issuer.subject(), ", got ", this->issuer())));
  }
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(above));
  const bool good = key != nullptr && IsStrongSignature(X509_get_signature_nid(own)) &&
                    X509_verify(own, key.get()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::UnauthenticatedError(
      AbslView(Concat("signature: want one by ", issuer.subject(), ", got another")));
}

}  // namespace tam::x509
