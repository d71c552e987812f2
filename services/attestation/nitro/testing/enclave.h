// A Nitro enclave of tests, with an AWS of its own.
#ifndef TAMARACK_SERVICES_ATTESTATION_NITRO_TESTING_ENCLAVE_H_
#define TAMARACK_SERVICES_ATTESTATION_NITRO_TESTING_ENCLAVE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "crypto/verify/testing/issued.h"

namespace tam::attestation::nitro::testing {

struct DocumentSpec {
  std::map<uint32_t, std::string> pcrs = {
      {0, std::string(48, 'a')}, {1, std::string(48, 'b')}, {2, std::string(48, 'c')}};
  std::string digest = "SHA384";
  int64_t timestamp = 1'800'000'000'000;
  std::optional<std::string> nonce = std::string(32, 'n');
  std::string public_key = "key";
  int64_t alg = -35;
  bool tagged = false;
  bool with_root = true;
  bool reversed = false;         // the bundle, the root last
  bool unprotected_kid = false;  // a header parameter that no document has
};

class Enclave {
 public:
  // The leaf's dates and kind of key.
  explicit Enclave(const verify::testing::IssueSpec& leaf = {.common_name = "i-1-enc1",
                                                             .kind = verify::Kind::kP384});

  const verify::testing::Issued& root() const { return root_; }
  const verify::testing::Issued& issuer() const { return issuer_; }
  std::string Document(const DocumentSpec& spec = DocumentSpec()) const;
  // A COSE_Sign1 over any payload.
  std::string Sign(const std::string& payload, const DocumentSpec& spec = DocumentSpec()) const;

 private:
  verify::testing::Issued root_, issuer_, leaf_;
};

}  // namespace tam::attestation::nitro::testing

#endif  // TAMARACK_SERVICES_ATTESTATION_NITRO_TESTING_ENCLAVE_H_
