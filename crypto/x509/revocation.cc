#include "crypto/x509/revocation.h"

#include <set>
#include <utility>

#include "crypto/text/text.h"
#include "crypto/x509/anchored_internal.h"
#include "openssl/err.h"
#include "openssl/nid.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::x509 {
namespace {

absl::Status Malformed(std::string_view want) {
  return absl::InvalidArgumentError(AbslView(Concat("crl: want ", want, ", got another")));
}

bssl::UniquePtr<X509_CRL> ParseList(std::string_view der) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  const auto* const end = at + der.size();
  bssl::UniquePtr<X509_CRL> list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return at == end ? std::move(list) : nullptr;
}

bool HasCriticalExtension(X509_CRL* list) {
  for (int i = 0; i < X509_CRL_get_ext_count(list); ++i) {
    if (X509_EXTENSION_get_critical(X509_CRL_get_ext(list, i)) != 0) return true;
  }
  return false;
}

bool HasCriticalExtension(const X509_REVOKED* entry) {
  for (int i = 0; i < X509_REVOKED_get_ext_count(entry); ++i) {
    if (X509_EXTENSION_get_critical(X509_REVOKED_get_ext(entry, i)) != 0) return true;
  }
  return false;
}

std::string NumberOf(X509_CRL* list) {
  int critical = 0;
  const bssl::UniquePtr<ASN1_INTEGER> number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, &critical, nullptr)));
  ERR_clear_error();
  return number == nullptr ? "" : SerialText(number.get());
}

}  // namespace

struct RevocationList::Impl {
  bssl::UniquePtr<X509_CRL> list;
  std::string issuer;
  std::string number;
  absl::Time this_update;
  absl::Time next_update;
  std::set<std::string> serials;
};

absl::StatusOr<RevocationList> RevocationList::Parse(std::string_view der) {
  if (der.size() > kMaxRevocationListBytes) {
    return Malformed(Concat("at most ", kMaxRevocationListBytes, " bytes"));
  }
  auto impl = std::make_shared<Impl>();
  impl->list = ParseList(der);
  X509_CRL* const list = impl->list.get();
  if (list == nullptr) return Malformed("one DER revocation list");
  if (HasCriticalExtension(list)) return Malformed("a complete list, without critical extensions");
  const auto from = InstantOf(X509_CRL_get0_lastUpdate(list));
  const auto to = InstantOf(X509_CRL_get0_nextUpdate(list));
  if (!from.has_value() || !to.has_value()) return Malformed("two times");
  impl->this_update = *from;
  impl->next_update = *to;
  impl->issuer = NameText(X509_CRL_get_issuer(list));
  impl->number = NumberOf(list);
  const STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(list);
  for (size_t i = 0; entries != nullptr && i < sk_X509_REVOKED_num(entries); ++i) {
    const X509_REVOKED* entry = sk_X509_REVOKED_value(entries, i);
    if (HasCriticalExtension(entry)) return Malformed("entries without critical extensions");
    impl->serials.insert(SerialText(X509_REVOKED_get0_serialNumber(entry)));
  }
  return RevocationList(std::move(impl));
}

const std::string& RevocationList::issuer() const { return impl_->issuer; }
absl::Time RevocationList::this_update() const { return impl_->this_update; }
absl::Time RevocationList::next_update() const { return impl_->next_update; }
const std::string& RevocationList::number() const { return impl_->number; }

absl::Status RevocationList::CheckSignedBy(const Certificate& issuer) const {
  X509_CRL* const list = impl_->list.get();
  X509* const signer = issuer.impl_->x509.get();
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(signer)) != 0 ||
      (X509_get_key_usage(signer) & KU_CRL_SIGN) == 0) {
    return absl::UnauthenticatedError(
        AbslView(Concat("issuer: want ", issuer.subject(), ", got ", this->issuer())));
  }
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(signer));
  const bool good = key != nullptr && IsStrongSignature(X509_CRL_get_signature_nid(list)) &&
                    X509_CRL_verify(list, key.get()) == 1;
  ERR_clear_error();
  if (good) return absl::OkStatus();
  return absl::UnauthenticatedError(
      AbslView(Concat("signature: want one by ", issuer.subject(), ", got another")));
}

bool RevocationList::Revokes(const Certificate& certificate) const {
  return impl_->serials.contains(certificate.serial());
}

}  // namespace tam::x509
