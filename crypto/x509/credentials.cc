#include "crypto/x509/credentials.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "crypto/text/text.h"
#include "crypto/x509/read_certificates.h"
#include "openssl/bio.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/mem.h"
#include "openssl/pem.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::x509 {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kEndOfLine = "-----";

absl::Status Want(std::string_view path, std::string_view want) {
  return absl::InvalidArgumentError(AbslView(Concat(path, ": want ", want)));
}

size_t CountBlocks(std::string_view pem) {
  size_t count = 0;
  for (size_t at = pem.find(kBegin); at != std::string_view::npos;
       at = pem.find(kBegin, at + kBegin.size())) {
    ++count;
  }
  return count;
}

absl::Status CheckText(std::string_view path, std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return Want(path, "at most 1 MiB");
  const size_t last = pem.find_last_not_of(" \t\r\n");
  const std::string_view trimmed = pem.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const std::string_view line = trimmed.substr(trimmed.rfind('\n') + 1);
  if (!line.starts_with(kEnd) || !line.ends_with(kEndOfLine))
    return Want(path, "PEM up to its last line");
  return absl::OkStatus();
}

// Never asks at a terminal for the passphrase of an encrypted key.
int NoPassphrase(char*, int, int, void*) { return 0; }

bssl::UniquePtr<BIO> Reader(std::string_view pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

}  // namespace

absl::StatusOr<Certificates> ReadCertificates(std::string_view path, std::string_view pem) {
  if (absl::Status text = CheckText(path, pem); !text.ok()) return text;
  Certificates certificates;
  const bssl::UniquePtr<BIO> reader = Reader(pem);
  while (X509* certificate = PEM_read_bio_X509(reader.get(), nullptr, NoPassphrase, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();
  if (certificates.empty() || certificates.size() != CountBlocks(pem)) {
    return Want(path, Concat("certificates alone, got ", certificates.size(), " in ",
                             CountBlocks(pem), " PEM blocks"));
  }
  return certificates;
}

absl::Status CheckKeyPair(std::string_view chain_pem, std::string_view key_pem) {
  absl::StatusOr<Certificates> chain = ReadCertificates("certificate", chain_pem);
  if (!chain.ok()) return chain.status();
  if (absl::Status text = CheckText("key", key_pem); !text.ok()) return text;
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Reader(key_pem).get(), nullptr, NoPassphrase, nullptr));
  const bool fits = key != nullptr && X509_check_private_key(chain->front().get(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return Want("key", "one private key, not encrypted");
  if (!fits) return Want("key", "that of the first certificate, got another");
  return absl::OkStatus();
}

absl::StatusOr<Authorities> Authorities::Parse(std::string_view pem) {
  absl::StatusOr<Certificates> certificates = ReadCertificates("authorities", pem);
  if (!certificates.ok()) return certificates.status();
  std::shared_ptr<X509_STORE> store(X509_STORE_new(), X509_STORE_free);
  for (const bssl::UniquePtr<X509>& certificate : *certificates) {
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  ERR_clear_error();  // The same authority twice is no fault.
  return Authorities(std::move(store));
}

absl::Status Authorities::VerifyClient(std::string_view chain_pem, absl::Time now) const {
  absl::StatusOr<Certificates> chain = ReadCertificates("certificate", chain_pem);
  if (!chain.ok()) return chain.status();
  const bssl::UniquePtr<STACK_OF(X509)> others(sk_X509_new_null());
  for (size_t i = 1; i < chain->size(); ++i) {
    bssl::PushToStack(others.get(), bssl::UpRef((*chain)[i]));
  }
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store_.get(), chain->front().get(), others.get()) != 1 ||
      X509_STORE_CTX_set_purpose(context.get(), X509_PURPOSE_SSL_CLIENT) != 1) {
    return absl::InternalError("certificate: cannot be verified");
  }
  X509_STORE_CTX_set_time(context.get(), 0, absl::ToTimeT(now));
  const bool verified = X509_verify_cert(context.get()) == 1;
  ERR_clear_error();
  if (verified) return absl::OkStatus();
  return absl::UnauthenticatedError(absl::StrCat(
      "certificate: ", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()))));
}

}  // namespace tam::x509
