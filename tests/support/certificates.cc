#include "tests/support/certificates.h"

#include <cstdlib>
#include <iostream>

#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"
#include "openssl/nid.h"
#include "openssl/pem.h"
#include "openssl/rand.h"
#include "openssl/rsa.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::testing {
namespace {

constexpr long kHour = 3600;

void Must(bool done, const char* what) {
  if (done) return;
  std::cerr << "certificates: " << what << std::endl;
  std::abort();
}

std::string Text(const bssl::UniquePtr<BIO>& bio) {
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  Must(BIO_mem_contents(bio.get(), &bytes, &size), "no text");
  return {reinterpret_cast<const char*>(bytes), size};
}

bssl::UniquePtr<EVP_PKEY> NewRsa(int bits) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  Must(BN_set_word(exponent.get(), RSA_F4) &&
           RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr) &&
           EVP_PKEY_set1_RSA(key.get(), rsa.get()),
       "RSA");
  return key;
}

bssl::UniquePtr<EVP_PKEY> NewEc(int curve) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
  Must(EC_KEY_generate_key(ec.get()) && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()), "EC");
  return key;
}

bssl::UniquePtr<EVP_PKEY> NewKey(CertificateKey kind) {
  switch (kind) {
    case CertificateKey::kP256:
      return NewEc(NID_X9_62_prime256v1);
    case CertificateKey::kP521:
      return NewEc(NID_secp521r1);
    case CertificateKey::kRsa1024:
      return NewRsa(1024);
    case CertificateKey::kRsa2048:
      return NewRsa(2048);
    case CertificateKey::kEd25519:
      break;
  }
  uint8_t seed[32];
  RAND_bytes(seed, sizeof(seed));
  bssl::UniquePtr<EVP_PKEY> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed, sizeof(seed)));
  Must(key != nullptr, "Ed25519");
  return key;
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1), value.c_str());
}

bssl::UniquePtr<X509> NewCertificate(const std::string& name, EVP_PKEY* key, long from, long to) {
  bssl::UniquePtr<X509> certificate(X509_new());
  X509* const c = certificate.get();
  uint64_t serial = 0;
  RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof(serial));
  Must(X509_set_version(c, X509_VERSION_3) &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial >> 1) &&
           X509_gmtime_adj(X509_getm_notBefore(c), from) != nullptr &&
           X509_gmtime_adj(X509_getm_notAfter(c), to) != nullptr && X509_set_pubkey(c, key) &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC,
                                      reinterpret_cast<const uint8_t*>(name.c_str()), -1, -1, 0),
       "certificate");
  return certificate;
}

std::string CertificatePem(X509* certificate) {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  Must(PEM_write_bio_X509(bio.get(), certificate), "PEM");
  return Text(bio);
}

}  // namespace

struct CertificateAuthority::Impl {
  CertificatePair Issue(const std::string& names, CertificateKey kind, long from, long to) const {
    const bssl::UniquePtr<EVP_PKEY> own = NewKey(kind);
    const bssl::UniquePtr<X509> leaf = NewCertificate("server", own.get(), from, to);
    AddExtension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE");
    AddExtension(leaf.get(), NID_ext_key_usage, "serverAuth");
    AddExtension(leaf.get(), NID_subject_alt_name, names);
    Sign(leaf.get());
    bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
    Must(PEM_write_bio_PKCS8PrivateKey(bio.get(), own.get(), nullptr, nullptr, 0, nullptr, nullptr),
         "key");
    return {CertificatePem(leaf.get()), Text(bio)};
  }

  // Self-signed where `issuer` is null.
  void Found(const Impl* issuer, long from, long to) {
    key = NewKey(CertificateKey::kP256);
    // Two authorities of one name would be taken for each other.
    uint32_t number = 0;
    RAND_bytes(reinterpret_cast<uint8_t*>(&number), sizeof(number));
    certificate = NewCertificate("test authority " + std::to_string(number), key.get(), from, to);
    X509* const c = certificate.get();
    AddExtension(c, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(c, NID_key_usage, "critical,keyCertSign");
    (issuer == nullptr ? *this : *issuer).Sign(c);
    pem = CertificatePem(c);
  }

  void Sign(X509* subject) const {
    Must(X509_set_issuer_name(subject, X509_get_subject_name(certificate.get())) &&
             X509_sign(subject, key.get(), EVP_sha256()),
         "signature");
  }

  bssl::UniquePtr<EVP_PKEY> key;
  bssl::UniquePtr<X509> certificate;
  std::string pem;
};

CertificateAuthority::CertificateAuthority() : impl_(std::make_unique<Impl>()) {
  impl_->Found(nullptr, -60, kHour);
}

CertificateAuthority::~CertificateAuthority() = default;
CertificateAuthority::CertificateAuthority(CertificateAuthority&&) noexcept = default;

CertificateAuthority CertificateAuthority::Below(long from, long to) const {
  CertificateAuthority below;
  below.impl_->Found(impl_.get(), from, to);
  return below;
}

std::string CertificateAuthority::Certify(const std::string& public_key_pem, long from,
                                          long to) const {
  const bssl::UniquePtr<BIO> bio(
      BIO_new_mem_buf(public_key_pem.data(), static_cast<int>(public_key_pem.size())));
  const bssl::UniquePtr<EVP_PKEY> holder(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  Must(holder != nullptr, "public key");
  const bssl::UniquePtr<X509> leaf = NewCertificate("tam", holder.get(), from, to);
  AddExtension(leaf.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(leaf.get(), NID_key_usage, "critical,digitalSignature");
  impl_->Sign(leaf.get());
  return CertificatePem(leaf.get());
}

const std::string& CertificateAuthority::pem() const { return impl_->pem; }

CertificatePair CertificateAuthority::Issue(const std::string& names, CertificateKey kind) const {
  return impl_->Issue(names, kind, -60, kHour);
}

CertificatePair CertificateAuthority::IssueExpired(const std::string& names) const {
  return impl_->Issue(names, CertificateKey::kP256, -2 * kHour, -kHour);
}

}  // namespace tam::testing
