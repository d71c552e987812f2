#include "crypto/x509/testing/issuer.h"

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "absl/strings/escaping.h"
#include "openssl/bn.h"
#include "openssl/ec_key.h"
#include "openssl/ecdsa.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/obj.h"
#include "openssl/sha.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::x509::testing {
namespace {

constexpr size_t kHalf = 32;

void Must(bool done, const char* what) {
  if (done) return;
  std::cerr << "issuer: " << what << std::endl;
  std::abort();
}

bssl::UniquePtr<EVP_PKEY> NewKey() {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  Must(EC_KEY_generate_key(ec.get()) == 1 && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1, "key");
  return key;
}

void AddKnown(X509* certificate, int nid, const std::string& value) {
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

bssl::UniquePtr<X509_EXTENSION> MakeExtension(const std::string& oid, const std::string& content,
                                              bool critical) {
  const bssl::UniquePtr<ASN1_OBJECT> object(OBJ_txt2obj(oid.c_str(), 1));
  const bssl::UniquePtr<ASN1_OCTET_STRING> data(ASN1_OCTET_STRING_new());
  Must(object != nullptr &&
           ASN1_OCTET_STRING_set(data.get(), reinterpret_cast<const uint8_t*>(content.data()),
                                 static_cast<int>(content.size())) == 1,
       "extension");
  return bssl::UniquePtr<X509_EXTENSION>(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, data.get()));
}

void AddExtensions(X509* certificate, const CertificateSpec& spec) {
  std::string basic = spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (spec.path_length >= 0) basic += ",pathlen:" + std::to_string(spec.path_length);
  AddKnown(certificate, NID_basic_constraints, basic);
  const std::string usual =
      spec.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature";
  AddKnown(certificate, NID_key_usage, spec.key_usage.empty() ? usual : spec.key_usage);
  for (const auto& [oid, content] : spec.extensions) {
    Must(X509_add_ext(certificate, MakeExtension(oid, content, false).get(), -1) == 1, "extension");
  }
  if (spec.critical_extension.empty()) return;
  Must(X509_add_ext(certificate, MakeExtension(spec.critical_extension, "x", true).get(), -1) == 1,
       "extension");
}

bssl::UniquePtr<ASN1_TIME> TimeOf(absl::Time time) {
  return bssl::UniquePtr<ASN1_TIME>(ASN1_TIME_set(nullptr, absl::ToTimeT(time)));
}

template <typename T>
std::string DerOf(T* object, int (*write)(T*, uint8_t**)) {
  uint8_t* der = nullptr;
  const int size = write(object, &der);
  const bssl::UniquePtr<uint8_t> owned(der);
  Must(size > 0, "DER");
  return {reinterpret_cast<const char*>(der), static_cast<size_t>(size)};
}

void AddSerial(X509_CRL* list, uint64_t serial, absl::Time when) {
  bssl::UniquePtr<X509_REVOKED> entry(X509_REVOKED_new());
  const bssl::UniquePtr<ASN1_INTEGER> number(ASN1_INTEGER_new());
  Must(ASN1_INTEGER_set_uint64(number.get(), serial) == 1 &&
           X509_REVOKED_set_serialNumber(entry.get(), number.get()) == 1 &&
           X509_REVOKED_set_revocationDate(entry.get(), TimeOf(when).get()) == 1 &&
           X509_CRL_add0_revoked(list, entry.get()) == 1,
       "entry");
  (void)entry.release();
}

}  // namespace

struct Issuer::Impl {
  bssl::UniquePtr<EVP_PKEY> key;
  bssl::UniquePtr<X509> certificate;
  std::string der;
};

std::shared_ptr<const Issuer::Impl> Issuer::Make(const CertificateSpec& spec, const Impl* issuer,
                                                 const Impl* key_of) {
  auto impl = std::make_shared<Impl>();
  impl->key = key_of == nullptr ? NewKey() : bssl::UpRef(key_of->key);
  impl->certificate.reset(X509_new());
  X509* const c = impl->certificate.get();
  Must(X509_set_version(c, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), spec.serial) == 1 &&
           X509_set1_notBefore(c, TimeOf(spec.not_before).get()) == 1 &&
           X509_set1_notAfter(c, TimeOf(spec.not_after).get()) == 1 &&
           X509_set_pubkey(c, impl->key.get()) == 1 &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const uint8_t*>(spec.common_name.data()),
                                      static_cast<int>(spec.common_name.size()), -1, 0) == 1,
       "certificate");
  AddExtensions(c, spec);
  const Impl& signer = issuer == nullptr ? *impl : *issuer;
  Must(X509_set_issuer_name(c, X509_get_subject_name(signer.certificate.get())) == 1 &&
           X509_sign(c, signer.key.get(), EVP_sha256()) > 0,
       "signature");
  impl->der = DerOf(c, i2d_X509);
  return impl;
}

Issuer Issuer::Root(const CertificateSpec& spec) { return Issuer(Make(spec, nullptr, nullptr)); }
Issuer Issuer::Below(const CertificateSpec& spec) const {
  return Issuer(Make(spec, impl_.get(), nullptr));
}
Issuer Issuer::Reissued(const CertificateSpec& spec) const {
  return Issuer(Make(spec, nullptr, impl_.get()));
}

const std::string& Issuer::der() const { return impl_->der; }
std::string Issuer::pem() const { return PemOf(impl_->der); }

std::string Issuer::Sign(std::string_view message) const {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(message.data()), message.size(), digest);
  const bssl::UniquePtr<ECDSA_SIG> signature(
      ECDSA_do_sign(digest, sizeof(digest), EVP_PKEY_get0_EC_KEY(impl_->key.get())));
  std::string both(2 * kHalf, '\0');
  auto* const out = reinterpret_cast<uint8_t*>(both.data());
  Must(signature != nullptr &&
           BN_bn2bin_padded(out, kHalf, ECDSA_SIG_get0_r(signature.get())) == 1 &&
           BN_bn2bin_padded(out + kHalf, kHalf, ECDSA_SIG_get0_s(signature.get())) == 1,
       "signature");
  return both;
}

std::string Issuer::RevocationList(const ListSpec& spec) const {
  const bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  X509_CRL* const l = list.get();
  Must(X509_CRL_set_version(l, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(l, X509_get_subject_name(impl_->certificate.get())) == 1 &&
           X509_CRL_set1_lastUpdate(l, TimeOf(spec.this_update).get()) == 1,
       "list");
  if (!spec.without_next_update) {
    Must(X509_CRL_set1_nextUpdate(l, TimeOf(spec.next_update).get()) == 1, "list");
  }
  for (const uint64_t serial : spec.serials) AddSerial(l, serial, spec.this_update);
  if (spec.critical_extension) {
    Must(X509_CRL_add_ext(l, MakeExtension("1.2.3.4", "x", true).get(), -1) == 1, "extension");
  }
  Must(X509_CRL_sign(l, impl_->key.get(), EVP_sha256()) > 0, "signature");
  return DerOf(l, i2d_X509_CRL);
}

std::string PemOf(const std::string& der) {
  constexpr size_t kLine = 64;
  const std::string text = absl::Base64Escape(absl::string_view(der));
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  for (size_t at = 0; at < text.size(); at += kLine) pem += text.substr(at, kLine) + "\n";
  return pem + "-----END CERTIFICATE-----\n";
}

}  // namespace tam::x509::testing
