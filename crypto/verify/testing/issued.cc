#include "crypto/verify/testing/issued.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "crypto/cbor/cbor.h"
#include "openssl/bn.h"
#include "openssl/bytestring.h"
#include "openssl/ec.h"
#include "openssl/ec_key.h"
#include "openssl/ecdsa.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/obj.h"
#include "openssl/rsa.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::verify::testing {
namespace {

void Must(bool done, const char* what) {
  if (done) return;
  std::cerr << "issued: " << what << std::endl;
  std::abort();
}

std::string Text(const uint8_t* bytes, size_t size) {
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

bssl::UniquePtr<EVP_PKEY> NewRsa() {
  constexpr int kBits = 2048;
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  const bssl::UniquePtr<RSA> rsa(RSA_new());
  const bssl::UniquePtr<BIGNUM> exponent(BN_new());
  Must(BN_set_word(exponent.get(), RSA_F4) == 1 &&
           RSA_generate_key_ex(rsa.get(), kBits, exponent.get(), nullptr) == 1 &&
           EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1,
       "RSA");
  return key;
}

bssl::UniquePtr<EVP_PKEY> NewElliptic(int curve) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
  Must(EC_KEY_generate_key(ec.get()) == 1 && EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1, "EC");
  return key;
}

const EVP_MD* DigestOf(Hash hash) {
  if (hash == Hash::kSha256) return EVP_sha256();
  return hash == Hash::kSha384 ? EVP_sha384() : EVP_sha512();
}

std::string Padded(const BIGNUM* number, size_t size) {
  std::string out(size, '\0');
  Must(BN_bn2bin_padded(reinterpret_cast<uint8_t*>(out.data()), size, number) == 1, "number");
  return out;
}

// x, y.
std::pair<std::string, std::string> Point(const EVP_PKEY* key) {
  const EC_KEY* const ec = EVP_PKEY_get0_EC_KEY(key);
  uint8_t point[1 + 2 * 66];
  const size_t size =
      EC_POINT_point2oct(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                         POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), nullptr);
  Must(size > 1, "point");
  const size_t half = (size - 1) / 2;
  return {Text(point + 1, half), Text(point + 1 + half, half)};
}

void AddKnown(X509* certificate, int nid, const std::string& value) {
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, value.c_str()));
  Must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

void AddExtension(X509* certificate, const std::string& oid, const std::string& content) {
  const bssl::UniquePtr<ASN1_OBJECT> object(OBJ_txt2obj(oid.c_str(), 1));
  const bssl::UniquePtr<ASN1_OCTET_STRING> data(ASN1_OCTET_STRING_new());
  Must(object != nullptr &&
           ASN1_OCTET_STRING_set(data.get(), reinterpret_cast<const uint8_t*>(content.data()),
                                 static_cast<int>(content.size())) == 1,
       "extension");
  const bssl::UniquePtr<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 0, data.get()));
  Must(X509_add_ext(certificate, extension.get(), -1) == 1, "extension");
}

bssl::UniquePtr<ASN1_TIME> TimeOf(absl::Time time) {
  return bssl::UniquePtr<ASN1_TIME>(ASN1_TIME_set(nullptr, absl::ToTimeT(time)));
}

void Sign(X509* certificate, EVP_PKEY* key, const IssueSpec& spec) {
  if (!spec.pss) {
    Must(X509_sign(certificate, key, spec.sha1 ? EVP_sha1() : EVP_sha384()) > 0, "signature");
    return;
  }
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* parameters = nullptr;
  Must(EVP_DigestSignInit(context.get(), &parameters, EVP_sha384(), nullptr, key) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, -1) == 1 &&
           X509_sign_ctx(certificate, context.get()) > 0,
       "PSS");
}

bssl::UniquePtr<X509> Parse(const std::string& der) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  Must(certificate != nullptr, "issuer");
  return certificate;
}

template <typename T>
std::string DerOf(T* object, int (*write)(T*, uint8_t**)) {
  uint8_t* der = nullptr;
  const int size = write(object, &der);
  const bssl::UniquePtr<uint8_t> owned(der);
  Must(size > 0, "DER");
  return Text(der, static_cast<size_t>(size));
}

bssl::UniquePtr<X509> NewCertificate(const IssueSpec& spec, EVP_PKEY* subject) {
  bssl::UniquePtr<X509> certificate(X509_new());
  X509* const c = certificate.get();
  Must(X509_set_version(c, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), spec.serial) == 1 &&
           X509_set1_notBefore(c, TimeOf(spec.not_before).get()) == 1 &&
           X509_set1_notAfter(c, TimeOf(spec.not_after).get()) == 1 &&
           X509_set_pubkey(c, subject) == 1 &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_UTF8,
                                      reinterpret_cast<const uint8_t*>(spec.common_name.data()),
                                      static_cast<int>(spec.common_name.size()), -1, 0) == 1,
       "certificate");
  std::string basic = spec.authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (spec.path_length >= 0) basic += ",pathlen:" + std::to_string(spec.path_length);
  AddKnown(c, NID_basic_constraints, basic);
  AddKnown(c, NID_key_usage,
           spec.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!spec.purposes.empty()) AddKnown(c, NID_ext_key_usage, spec.purposes);
  for (const auto& [oid, content] : spec.extensions) AddExtension(c, oid, content);
  return certificate;
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

SigningKey::SigningKey(bssl::UniquePtr<EVP_PKEY> key) : key_(std::move(key)) {}

SigningKey SigningKey::Generate(Kind kind) {
  switch (kind) {
    case Kind::kP256:
      return SigningKey(NewElliptic(NID_X9_62_prime256v1));
    case Kind::kP384:
      return SigningKey(NewElliptic(NID_secp384r1));
    case Kind::kP521:
      return SigningKey(NewElliptic(NID_secp521r1));
    case Kind::kRsa:
      break;
  }
  return SigningKey(NewRsa());
}

std::string SigningKey::Spki() const {
  bssl::ScopedCBB der;
  Must(CBB_init(der.get(), 256) == 1 && EVP_marshal_public_key(der.get(), evp()) == 1 &&
           CBB_flush(der.get()) == 1,
       "SubjectPublicKeyInfo");
  return Text(CBB_data(der.get()), CBB_len(der.get()));
}

Key SigningKey::PublicKey() const {
  auto key = Key::FromSpkiDer(cbor::AsBytes(Spki()));
  Must(key.ok(), "public key");
  return *std::move(key);
}

std::string SigningKey::SignEcdsa(Hash hash, std::string_view message) const {
  const std::string digest = Digest(hash, cbor::AsBytes(message));
  const bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(
      reinterpret_cast<const uint8_t*>(digest.data()), digest.size(), EVP_PKEY_get0_EC_KEY(evp())));
  Must(signature != nullptr, "signature");
  const size_t half = X().size();
  return Padded(ECDSA_SIG_get0_r(signature.get()), half) +
         Padded(ECDSA_SIG_get0_s(signature.get()), half);
}

std::string SigningKey::SignRsa(Padding padding, Hash hash, std::string_view message) const {
  bssl::ScopedEVP_MD_CTX context;
  EVP_PKEY_CTX* parameters = nullptr;
  Must(EVP_DigestSignInit(context.get(), &parameters, DigestOf(hash), nullptr, evp()) == 1, "RSA");
  if (padding == Padding::kPss) {
    Must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, -1) == 1,
         "PSS");
  }
  std::string signature(EVP_PKEY_size(evp()), '\0');
  size_t size = signature.size();
  Must(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                      reinterpret_cast<const uint8_t*>(message.data()), message.size()) == 1,
       "signature");
  signature.resize(size);
  return signature;
}

std::string SigningKey::X() const {
  if (EVP_PKEY_id(evp()) != EVP_PKEY_RSA) return Point(evp()).first;
  return Padded(RSA_get0_n(EVP_PKEY_get0_RSA(evp())), EVP_PKEY_size(evp()));
}

std::string SigningKey::Y() const {
  return EVP_PKEY_id(evp()) == EVP_PKEY_RSA ? "" : Point(evp()).second;
}

Issued Issued::Root(const IssueSpec& spec) {
  const SigningKey key = SigningKey::Generate(spec.kind);
  const bssl::UniquePtr<X509> certificate = NewCertificate(spec, key.evp());
  Must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get())) == 1,
       "name");
  Sign(certificate.get(), key.evp(), spec);
  return {key, DerOf(certificate.get(), i2d_X509)};
}

Issued Issued::Below(const IssueSpec& spec) const {
  return Certify(spec, SigningKey::Generate(spec.kind));
}

Issued Issued::Certify(const IssueSpec& spec, const SigningKey& subject) const {
  const bssl::UniquePtr<X509> issuer = Parse(der);
  const bssl::UniquePtr<X509> certificate = NewCertificate(spec, subject.evp());
  Must(X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get())) == 1, "name");
  Sign(certificate.get(), key.evp(), spec);
  return {subject, DerOf(certificate.get(), i2d_X509)};
}

std::string Issued::RevocationList(const std::vector<uint64_t>& serials, absl::Time this_update,
                                   absl::Time next_update) const {
  const bssl::UniquePtr<X509> issuer = Parse(der);
  const bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  X509_CRL* const l = list.get();
  Must(X509_CRL_set_version(l, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(l, X509_get_subject_name(issuer.get())) == 1 &&
           X509_CRL_set1_lastUpdate(l, TimeOf(this_update).get()) == 1 &&
           X509_CRL_set1_nextUpdate(l, TimeOf(next_update).get()) == 1,
       "list");
  for (const uint64_t serial : serials) AddSerial(l, serial, this_update);
  Must(X509_CRL_sign(l, key.evp(), EVP_sha384()) > 0, "signature");
  return DerOf(l, i2d_X509_CRL);
}

}  // namespace tam::verify::testing
