#include "absl/status/status.h"
#include "crypto/text/text.h"
#include "crypto/x509/anchored.h"
#include "crypto/x509/anchored_internal.h"
#include "openssl/asn1.h"
#include "openssl/bio.h"
#include "openssl/bytestring.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/nid.h"
#include "openssl/obj.h"
#include "openssl/x509v3.h"

namespace tam::x509 {
namespace {

constexpr int kSecondsOfDay = 86400;

absl::Status Invalid(std::string_view message) {
  ERR_clear_error();
  return absl::InvalidArgumentError(AbslView(message));
}

std::string CommonName(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0) return "";
  uint8_t* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  const bssl::UniquePtr<uint8_t> owned(text);
  ERR_clear_error();
  return size < 0 ? "" : std::string(reinterpret_cast<const char*>(text), size);
}

absl::StatusOr<verify::Key> KeyOf(X509* certificate) {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  bssl::ScopedCBB spki;
  if (key == nullptr || CBB_init(spki.get(), 600) != 1 ||
      EVP_marshal_public_key(spki.get(), key.get()) != 1 || CBB_flush(spki.get()) != 1) {
    return Invalid("subjectPublicKeyInfo: want a key of a known kind, got another");
  }
  return verify::Key::FromSpkiDer(verify::Bytes(CBB_data(spki.get()), CBB_len(spki.get())));
}

bssl::UniquePtr<ASN1_OBJECT> ObjectOf(const std::string& oid) {
  return bssl::UniquePtr<ASN1_OBJECT>(OBJ_txt2obj(oid.c_str(), /*dont_search_names=*/1));
}

}  // namespace

std::string NameText(const X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0 ||
      BIO_mem_contents(bio.get(), &bytes, &size) != 1) {
    return "";
  }
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

std::optional<absl::Time> InstantOf(const ASN1_TIME* time) {
  if (time == nullptr) return std::nullopt;
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  return absl::FromUnixSeconds(int64_t{days} * kSecondsOfDay + seconds);
}

absl::StatusOr<Certificate> Certificate::Parse(std::string_view der) {
  if (der.size() > kMaxCertificateBytes) {
    return Invalid(
        Concat("certificate: want at most ", kMaxCertificateBytes, " bytes, got ", der.size()));
  }
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  const auto* const end = at + der.size();
  bssl::UniquePtr<X509> x509(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (x509 == nullptr || at != end) {
    return Invalid("certificate: want one in DER, got other bytes");
  }
  auto key = KeyOf(x509.get());
  if (!key.ok()) return key.status();
  const auto from = InstantOf(X509_get0_notBefore(x509.get()));
  const auto to = InstantOf(X509_get0_notAfter(x509.get()));
  if (!from.has_value() || !to.has_value()) {
    return Invalid("certificate: want a validity of two times, got other bytes");
  }
  return Certificate(
      std::make_shared<const Impl>(Impl{std::move(x509), *std::move(key), *from, *to}));
}

absl::StatusOr<std::vector<Certificate>> Certificate::ParseAll(std::string_view path,
                                                               absl::Span<const std::string> ders) {
  std::vector<Certificate> parsed;
  for (size_t i = 0; i < ders.size(); ++i) {
    auto certificate = Parse(ders[i]);
    if (!certificate.ok()) {
      return Invalid(Concat(path, "[", i, "].", StdView(certificate.status().message())));
    }
    parsed.push_back(*std::move(certificate));
  }
  return parsed;
}

const verify::Key& Certificate::key() const { return impl_->key; }
absl::Time Certificate::not_before() const { return impl_->not_before; }
absl::Time Certificate::not_after() const { return impl_->not_after; }

std::string Certificate::subject() const {
  return NameText(X509_get_subject_name(impl_->x509.get()));
}

std::string Certificate::issuer() const {
  return NameText(X509_get_issuer_name(impl_->x509.get()));
}

std::string Certificate::common_name() const {
  return CommonName(X509_get_subject_name(impl_->x509.get()));
}

std::string Certificate::issuer_common_name() const {
  return CommonName(X509_get_issuer_name(impl_->x509.get()));
}

std::optional<std::string> Certificate::Extension(const std::string& oid) const {
  const bssl::UniquePtr<ASN1_OBJECT> object = ObjectOf(oid);
  const int at = X509_get_ext_by_OBJ(impl_->x509.get(), object.get(), -1);
  if (at < 0 || X509_get_ext_by_OBJ(impl_->x509.get(), object.get(), at) >= 0) return std::nullopt;
  const ASN1_OCTET_STRING* const value =
      X509_EXTENSION_get_data(X509_get_ext(impl_->x509.get(), at));
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                     ASN1_STRING_length(value));
}

bool Certificate::HasPurpose(const std::string& oid) const {
  const bssl::UniquePtr<ASN1_OBJECT> wanted = ObjectOf(oid);
  int critical = 0;
  const bssl::UniquePtr<EXTENDED_KEY_USAGE> purposes(static_cast<EXTENDED_KEY_USAGE*>(
      X509_get_ext_d2i(impl_->x509.get(), NID_ext_key_usage, &critical, nullptr)));
  ERR_clear_error();
  if (purposes == nullptr) return false;
  for (size_t i = 0; i < sk_ASN1_OBJECT_num(purposes.get()); ++i) {
    if (OBJ_cmp(sk_ASN1_OBJECT_value(purposes.get(), i), wanted.get()) == 0) return true;
  }
  return false;
}

}  // namespace tam::x509
