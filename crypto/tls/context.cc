#include "crypto/tls/context.h"

#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "boost/asio/ip/address.hpp"
#include "crypto/text/text.h"
#include "openssl/bio.h"
#include "openssl/ec_key.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/pem.h"
#include "openssl/ssl.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace tam::tls {
namespace {

// RFC 9325 section 4.2, and ChaCha20-Poly1305 for devices without AES in hardware. The client's
// order decides: it knows what it is fast at. The suites of TLS 1.3 are BoringSSL's, all of them
// AEADs.
constexpr char kTls12Suites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256:P-384";
// BoringSSL's own list ends with SHA-1.
constexpr std::array<uint16_t, 9> kSignatures = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_ED25519,
    SSL_SIGN_RSA_PSS_RSAE_SHA256,    SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PSS_RSAE_SHA512,
    SSL_SIGN_RSA_PKCS1_SHA256,       SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_RSA_PKCS1_SHA512};
constexpr uint8_t kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr size_t kMaxChain = 10;

absl::Status Want(std::string_view what, std::string_view want, std::string_view got) {
  return absl::InvalidArgumentError(Concat(what, ": want ", want, ", got ", got));
}

// RFC 7301 section 3.2: a client that names protocols and not this one is refused.
int SelectHttp11(SSL*, const uint8_t** out, uint8_t* out_size, const uint8_t* offered,
                 unsigned offered_size, void*) {
  uint8_t* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11, sizeof(kHttp11), offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

bssl::UniquePtr<SSL_CTX> NewContext() {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX* const c = context.get();
  if (c == nullptr || !SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) ||
      !SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) ||
      !SSL_CTX_set_strict_cipher_list(c, kTls12Suites) || !SSL_CTX_set1_curves_list(c, kGroups) ||
      !SSL_CTX_set_signing_algorithm_prefs(c, kSignatures.data(), kSignatures.size()) ||
      !SSL_CTX_set_verify_algorithm_prefs(c, kSignatures.data(), kSignatures.size())) {
    return nullptr;
  }
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
  return context;
}

Context Share(bssl::UniquePtr<SSL_CTX> context) {
  return std::make_shared<boost::asio::ssl::context>(context.release());
}

bssl::UniquePtr<BIO> Reader(std::string_view text) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bssl::UniquePtr<X509> NextCertificate(BIO* from) {
  return bssl::UniquePtr<X509>(PEM_read_bio_X509(from, nullptr, nullptr, nullptr));
}

// True at the end of the PEM blocks; false after a malformed one. Clears the error.
bool AtEnd() {
  const uint32_t error = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> ReadCertificates(std::string_view what,
                                                                    std::string_view pem,
                                                                    size_t most) {
  constexpr absl::string_view kEnd = "-----END CERTIFICATE-----";
  // A file that is being written may end anywhere, between two blocks too.
  if (!absl::EndsWith(absl::StripTrailingAsciiWhitespace(AbslView(pem)), kEnd)) {
    return Want(what, "PEM up to the last line", "a file that ends otherwise");
  }
  const bssl::UniquePtr<BIO> from = Reader(pem);
  std::vector<bssl::UniquePtr<X509>> certificates;
  while (bssl::UniquePtr<X509> next = NextCertificate(from.get())) {
    if (certificates.size() == most) return Want(what, "a shorter chain", "too many certificates");
    certificates.push_back(std::move(next));
  }
  if (!AtEnd() || certificates.empty()) return Want(what, "certificates in PEM", "malformed PEM");
  return certificates;
}

// Never asks anybody for a passphrase.
int NoPassphrase(char*, int, int, void*) { return 0; }

absl::StatusOr<bssl::UniquePtr<EVP_PKEY>> ReadKey(std::string_view pem) {
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Reader(pem).get(), nullptr, NoPassphrase, nullptr));
  ERR_clear_error();
  if (key == nullptr) return Want("key", "a private key in PEM, not encrypted", "none");
  const int type = EVP_PKEY_id(key.get());
  if (type == EVP_PKEY_RSA && EVP_PKEY_bits(key.get()) < 2048) {
    return Want("key", "RSA of 2048 bits or more", Concat(EVP_PKEY_bits(key.get())));
  }
  if (type == EVP_PKEY_EC) {
    const int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key.get())));
    if (curve != NID_X9_62_prime256v1 && curve != NID_secp384r1) {
      return Want("key", "P-256 or P-384", "another curve");
    }
  } else if (type != EVP_PKEY_RSA && type != EVP_PKEY_ED25519) {
    return Want("key", "EC, RSA or Ed25519", "another kind");
  }
  return key;
}

absl::Time NotAfter(const X509* certificate) {
  const bssl::UniquePtr<ASN1_TIME> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (epoch == nullptr ||
      !ASN1_TIME_diff(&days, &seconds, epoch.get(), X509_get0_notAfter(certificate))) {
    return absl::InfinitePast();
  }
  return absl::UnixEpoch() + absl::Hours(24) * days + absl::Seconds(seconds);
}

}  // namespace

absl::StatusOr<ServerContext> NewServerContext(std::string_view chain_pem,
                                               std::string_view key_pem) {
  auto chain = ReadCertificates("certificate", chain_pem, kMaxChain);
  if (!chain.ok()) return chain.status();
  auto key = ReadKey(key_pem);
  if (!key.ok()) return key.status();
  bssl::UniquePtr<SSL_CTX> context = NewContext();
  if (context == nullptr) return absl::InternalError("tls: no context");
  // Refuses a key that is not the certificate's.
  if (!SSL_CTX_use_certificate(context.get(), chain->front().get()) ||
      !SSL_CTX_use_PrivateKey(context.get(), key->get())) {
    ERR_clear_error();
    return Want("key", "that of the first certificate", "another");
  }
  for (size_t i = 1; i < chain->size(); ++i) {
    if (!SSL_CTX_add1_chain_cert(context.get(), (*chain)[i].get())) {
      return absl::InternalError("tls: no chain");
    }
  }
  SSL_CTX_set_alpn_select_cb(context.get(), SelectHttp11, nullptr);
  return ServerContext{Share(std::move(context)), NotAfter(chain->front().get())};
}

absl::StatusOr<Context> NewClientContext(std::string_view roots_pem) {
  auto roots = ReadCertificates("roots", roots_pem, SIZE_MAX);
  if (!roots.ok()) return roots.status();
  bssl::UniquePtr<SSL_CTX> context = NewContext();
  if (context == nullptr) return absl::InternalError("tls: no context");
  X509_STORE* const store = SSL_CTX_get_cert_store(context.get());
  for (const bssl::UniquePtr<X509>& root : *roots) {
    if (!X509_STORE_add_cert(store, root.get())) return absl::InternalError("tls: no root");
  }
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // 0 is success here, alone of all.
  if (SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof(kHttp11)) != 0) {
    return absl::InternalError("tls: no ALPN");
  }
  return Share(std::move(context));
}

absl::Status ExpectHost(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl);
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  X509_VERIFY_PARAM_set_hostflags(
      expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool set = no_address ? X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) &&
                                    SSL_set_tlsext_host_name(ssl, host.c_str())
                              : X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str());
  return set ? absl::OkStatus() : absl::InternalError(Concat("tls: no name to expect: ", host));
}

std::string CertificateProblem(const SSL* ssl) {
  const long result = SSL_get_verify_result(ssl);
  // INVALID_CALL: no certificate came to be verified.
  const bool none = result == X509_V_OK || result == X509_V_ERR_INVALID_CALL;
  return none ? "" : X509_verify_cert_error_string(result);
}

}  // namespace tam::tls
