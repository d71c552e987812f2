// Hardware makers of tests: keys of each kind, certificates and revocation lists, made in this
// process. A failure ends it.
#ifndef TAMARACK_CRYPTO_VERIFY_TESTING_ISSUED_H_
#define TAMARACK_CRYPTO_VERIFY_TESTING_ISSUED_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "crypto/verify/verify.h"
#include "openssl/base.h"

namespace tam::verify::testing {

// Immutable; a copy shares.
class SigningKey {
 public:
  static SigningKey Generate(Kind kind);  // RSA: of 2048 bits
  // SubjectPublicKeyInfo, DER.
  std::string Spki() const;
  Key PublicKey() const;
  // r||s in the width of the curve.
  std::string SignEcdsa(Hash hash, std::string_view message) const;
  // With a salt as long as the hash.
  std::string SignRsa(Padding padding, Hash hash, std::string_view message) const;
  // Of an elliptic key, in the width of the curve; of an RSA key the modulus, and nothing.
  std::string X() const;
  std::string Y() const;
  EVP_PKEY* evp() const { return key_.get(); }

 private:
  explicit SigningKey(bssl::UniquePtr<EVP_PKEY> key);
  std::shared_ptr<EVP_PKEY> key_;
};

struct IssueSpec {
  std::string common_name;
  Kind kind = Kind::kP256;
  bool authority = false;
  int path_length = -1;  // negative: none is given
  uint64_t serial = 1;
  absl::Time not_before = absl::FromUnixSeconds(1'700'000'000);
  absl::Time not_after = absl::FromUnixSeconds(1'900'000'000);
  std::map<std::string, std::string> extensions = {};  // OID to content
  std::string purposes = {};                           // as X.509 configuration writes them
  bool pss = false;                                    // signed with RSASSA-PSS (RSA issuers)
  bool sha1 = false;
};

// A key and its certificate, signed by an issuer with SHA-384.
struct Issued {
  SigningKey key;
  std::string der;

  static Issued Root(const IssueSpec& spec);
  Issued Below(const IssueSpec& spec) const;
  // The same for a key that is there already.
  Issued Certify(const IssueSpec& spec, const SigningKey& subject) const;

  // Of the serial numbers that this one revoked; DER.
  std::string RevocationList(const std::vector<uint64_t>& serials,
                             absl::Time this_update = absl::FromUnixSeconds(1'700'000'000),
                             absl::Time next_update = absl::FromUnixSeconds(1'900'000'000)) const;
};

}  // namespace tam::verify::testing

#endif  // TAMARACK_CRYPTO_VERIFY_TESTING_ISSUED_H_
