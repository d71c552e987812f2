// Throw-away TLS certificates, made in this process.
#ifndef TAMARACK_TESTS_SUPPORT_CERTIFICATES_H_
#define TAMARACK_TESTS_SUPPORT_CERTIFICATES_H_

#include <memory>
#include <string>

namespace tam::testing {

struct CertificatePair {
  std::string certificate_pem;
  std::string key_pem;
};

enum class CertificateKey { kP256, kP521, kRsa1024, kRsa2048, kEd25519 };

// An authority of its own key. Immutable. A failure ends the test process.
class CertificateAuthority {
 public:
  CertificateAuthority();
  ~CertificateAuthority();
  CertificateAuthority(CertificateAuthority&&) noexcept;

  const std::string& pem() const;
  // A server's certificate, good for an hour from a minute ago. `names` as X.509 configuration
  // writes them: "DNS:localhost,IP:127.0.0.1".
  CertificatePair Issue(const std::string& names,
                        CertificateKey kind = CertificateKey::kP256) const;
  // Of the holder of a public key (PEM): a leaf for signatures, valid from and until so many
  // seconds from now. PEM.
  std::string Certify(const std::string& public_key_pem, long from = -60, long to = 3600) const;
  // An authority below this one.
  CertificateAuthority Below(long from = -60, long to = 3600) const;
  // One that ended an hour ago.
  CertificatePair IssueExpired(const std::string& names) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_CERTIFICATES_H_
