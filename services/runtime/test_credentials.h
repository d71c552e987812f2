#ifndef TAMARACK_SERVICES_RUNTIME_TEST_CREDENTIALS_H_
#define TAMARACK_SERVICES_RUNTIME_TEST_CREDENTIALS_H_

// Throw-away certification authorities and certificates for tests, made by the openssl command.

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/runtime/tls_source.h"

namespace tam::runtime {

// One authority with its files in a folder of its own under the test's temporary folder.
class TestAuthority {
 public:
  // `name` is its common name. Unavailable if openssl cannot be run.
  static absl::StatusOr<TestAuthority> Create(const std::string& name);

  // A certificate of this authority for `localhost` and 127.0.0.1 with these URI names, good for a
  // day; `ca_pem` is this authority's.
  absl::StatusOr<TlsMaterial> Issue(const std::vector<std::string>& uris) const;

  // The same in files CA, CERTIFICATE and KEY, each replaced whole.
  absl::Status IssueTo(const TlsFiles::Paths& paths, const std::vector<std::string>& uris) const;

  const std::string& ca_pem() const { return ca_pem_; }

 private:
  std::string folder_;
  std::string ca_pem_;
};

}  // namespace tam::runtime

#endif  // TAMARACK_SERVICES_RUNTIME_TEST_CREDENTIALS_H_
