#include "crypto/x509/chain.h"

#include <algorithm>
#include <utility>

#include "crypto/text/text.h"
#include "crypto/x509/credentials.h"
#include "crypto/x509/read_certificates.h"
#include "openssl/bio.h"
#include "openssl/bytestring.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::x509 {
namespace {

constexpr int kSecondsOfDay = 86400;

absl::Status Invalid(size_t index, std::string_view what) {
  return absl::InvalidArgumentError(AbslView(Concat("chain[", index, "]: ", what)));
}

// Null: not one certificate, whole.
bssl::UniquePtr<X509> ParseDer(std::string_view der) {
  const auto* at = reinterpret_cast<const uint8_t*>(der.data());
  const auto* const end = at + der.size();
  bssl::UniquePtr<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return at == end ? std::move(certificate) : nullptr;
}

std::string TextOf(const X509_NAME* name) {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  const uint8_t* bytes = nullptr;
  size_t size = 0;
  if (X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0 ||
      BIO_mem_contents(bio.get(), &bytes, &size) != 1) {
    return "";
  }
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

absl::StatusOr<absl::Time> TimeOf(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) {
    return absl::InvalidArgumentError("validity: want a time");
  }
  return absl::FromUnixSeconds(int64_t{days} * kSecondsOfDay + seconds);
}

absl::StatusOr<keys::PublicKey> KeyOf(X509* certificate) {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  bssl::ScopedCBB spki;
  const bool read = key != nullptr && CBB_init(spki.get(), 128) == 1 &&
                    EVP_marshal_public_key(spki.get(), key.get()) == 1 &&
                    CBB_flush(spki.get()) == 1;
  ERR_clear_error();
  if (!read) return absl::InvalidArgumentError("subjectPublicKeyInfo: want a key that is known");
  return keys::PublicKey::FromSpkiDer(keys::Bytes(CBB_data(spki.get()), CBB_len(spki.get())));
}

absl::Status CheckIssuer(size_t index, X509* certificate, X509* issuer) {
  if (X509_check_ca(issuer) == 0) {
    return Invalid(index + 1, "basicConstraints: want an authority's, got another");
  }
  if (X509_check_issued(issuer, certificate) != X509_V_OK) {
    return Invalid(
        index,
        Concat("issuer: want the subject of the next, ", TextOf(X509_get_subject_name(issuer)),
               ", with a key that may sign it, got ", TextOf(X509_get_issuer_name(certificate))));
  }
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(issuer));
  const bool signed_by_it = key != nullptr && X509_verify(certificate, key.get()) == 1;
  ERR_clear_error();
  if (!signed_by_it) return Invalid(index, "signature: want one of the next, got another");
  return absl::OkStatus();
}

absl::Status CheckBounds(absl::Span<const std::string> chain) {
  if (chain.empty() || chain.size() > kMaxChainLength) {
    return absl::InvalidArgumentError(
        AbslView(Concat("chain: want 1..", kMaxChainLength, " certificates, got ", chain.size())));
  }
  size_t bytes = 0;
  for (const std::string& der : chain) bytes += der.size();
  if (bytes <= kMaxChainBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      AbslView(Concat("chain: want at most ", kMaxChainBytes, " bytes, got ", bytes)));
}

// Goes on after what is expired alone, and says so in the bool of the context.
int PassExpired(int verified, X509_STORE_CTX* context) {
  if (verified == 1) return 1;
  if (X509_STORE_CTX_get_error(context) != X509_V_ERR_CERT_HAS_EXPIRED) return 0;
  *static_cast<bool*>(X509_STORE_CTX_get_app_data(context)) = true;
  return 1;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ChainFromPem(std::string_view pem) {
  auto certificates = ReadCertificates("chain", pem);
  if (!certificates.ok()) return certificates.status();
  std::vector<std::string> chain;
  for (const bssl::UniquePtr<X509>& certificate : *certificates) {
    uint8_t* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    const bssl::UniquePtr<uint8_t> owned(der);
    if (size <= 0) return absl::InternalError("chain: cannot be written as DER");
    chain.emplace_back(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  }
  return chain;
}

absl::StatusOr<ChainFacts> CheckChain(absl::Span<const std::string> chain) {
  if (absl::Status bounds = CheckBounds(chain); !bounds.ok()) return bounds;
  Certificates parsed;
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
  for (size_t i = 0; i < chain.size(); ++i) {
    parsed.push_back(ParseDer(chain[i]));
    if (parsed.back() == nullptr) return Invalid(i, "want one DER certificate");
    const auto from = TimeOf(X509_get0_notBefore(parsed.back().get()));
    const auto to = TimeOf(X509_get0_notAfter(parsed.back().get()));
    if (!from.ok() || !to.ok()) return Invalid(i, "validity: want two times");
    not_before = std::max(not_before, *from);
    not_after = std::min(not_after, *to);
    if (i == 0) continue;
    if (absl::Status s = CheckIssuer(i - 1, parsed[i - 1].get(), parsed[i].get()); !s.ok())
      return s;
  }
  auto leaf = KeyOf(parsed.front().get());
  if (!leaf.ok()) return Invalid(0, StdView(leaf.status().message()));
  return ChainFacts{*std::move(leaf), not_before, not_after};
}

absl::StatusOr<std::string> DescribeCertificate(std::string_view der) {
  const bssl::UniquePtr<X509> certificate = ParseDer(der);
  if (certificate == nullptr) return Invalid(0, "want one DER certificate");
  const auto from = TimeOf(X509_get0_notBefore(certificate.get()));
  const auto to = TimeOf(X509_get0_notAfter(certificate.get()));
  if (!from.ok() || !to.ok()) return Invalid(0, "validity: want two times");
  constexpr char kFormat[] = "%Y-%m-%dT%H:%M:%SZ";
  return Concat(TextOf(X509_get_subject_name(certificate.get())), ", of ",
                TextOf(X509_get_issuer_name(certificate.get())), ", valid ",
                absl::FormatTime(kFormat, *from, absl::UTCTimeZone()), " to ",
                absl::FormatTime(kFormat, *to, absl::UTCTimeZone()));
}

absl::Status Authorities::VerifyChain(absl::Span<const std::string> chain, absl::Time now) const {
  if (absl::Status bounds = CheckBounds(chain); !bounds.ok()) return bounds;
  Certificates parsed;
  const bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  for (size_t i = 0; i < chain.size(); ++i) {
    parsed.push_back(ParseDer(chain[i]));
    if (parsed.back() == nullptr) return Invalid(i, "want one DER certificate");
    if (i > 0) bssl::PushToStack(others.get(), bssl::UpRef(parsed.back()));
  }
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store_.get(), parsed.front().get(), others.get()) != 1) {
    return absl::InternalError("chain: cannot be verified");
  }
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  bool expired = false;
  X509_STORE_CTX_set_app_data(context.get(), &expired);
  X509_STORE_CTX_set_verify_cb(context.get(), PassExpired);
  const bool verified = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (!verified) {
    return absl::UnauthenticatedError(AbslView(
        Concat("chain: ", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())))));
  }
  return expired ? absl::DeadlineExceededError("chain: a certificate has expired")
                 : absl::OkStatus();
}

}  // namespace tam::x509
