// An authority of tests: certificates and revocation lists of any name, date and extension, with
// P-256 keys made in this process. A failure ends it.
#ifndef TAMARACK_CRYPTO_X509_TESTING_ISSUER_H_
#define TAMARACK_CRYPTO_X509_TESTING_ISSUER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace tam::x509::testing {

struct CertificateSpec {
  std::string common_name;
  absl::Time not_before = absl::FromUnixSeconds(1'700'000'000);
  absl::Time not_after = absl::FromUnixSeconds(1'900'000'000);
  uint64_t serial = 1;
  bool authority = false;
  int path_length = -1;        // negative: none is given
  std::string key_usage = {};  // as X.509 configuration writes it; empty: by kind
  std::map<std::string, std::string> extensions = {};  // OID to content
  std::string critical_extension = {};                 // an OID; empty: none
};

// A certificate and its key, which can sign others. Immutable; a copy shares.
class Issuer {
 public:
  // Signed by its own key.
  static Issuer Root(const CertificateSpec& spec);
  // Below this one, with a key of its own.
  Issuer Below(const CertificateSpec& spec) const;
  // Of this one's key, by itself: a root issued anew.
  Issuer Reissued(const CertificateSpec& spec) const;

  const std::string& der() const;
  std::string pem() const;
  // r||s by its key, with SHA-256.
  std::string Sign(std::string_view message) const;

  struct ListSpec {
    absl::Time this_update = absl::FromUnixSeconds(1'700'000'000);
    absl::Time next_update = absl::FromUnixSeconds(1'900'000'000);
    std::vector<uint64_t> serials = {};
    bool critical_extension = false;
    bool without_next_update = false;
  };
  // DER.
  std::string RevocationList(const ListSpec& spec) const;

 private:
  struct Impl;
  explicit Issuer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  static std::shared_ptr<const Impl> Make(const CertificateSpec& spec, const Impl* issuer,
                                          const Impl* key_of);
  std::shared_ptr<const Impl> impl_;
};

// One PEM block of a certificate, with lines of 64 characters.
std::string PemOf(const std::string& der);

}  // namespace tam::x509::testing

#endif  // TAMARACK_CRYPTO_X509_TESTING_ISSUER_H_
