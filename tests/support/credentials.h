// X.509 credentials for tests, made by tools/dev-credentials.
#ifndef TAMARACK_TESTS_SUPPORT_CREDENTIALS_H_
#define TAMARACK_TESTS_SUPPORT_CREDENTIALS_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tam::testing {

// A development authority with certificates for admin, operator, developer, developer2, auditor,
// services/NAME, and those that must be refused: no-uri, two-uris, other-ca, other-operator. A
// value; immutable.
class Credentials {
 public:
  // Makes them below the test's temporary folder (TEST_TMPDIR), in a fresh folder each time.
  // Internal with the script's words where it fails. Takes about 0.3 s.
  static absl::StatusOr<Credentials> Make(absl::string_view tenant = "demo");

  // Paths of PEM files. `who` is a name as above.
  std::string authority() const { return folder_ + "/ca.pem"; }
  std::string certificate(absl::string_view who) const;
  std::string key(absl::string_view who) const;
  const std::string& folder() const { return folder_; }

 private:
  explicit Credentials(std::string folder) : folder_(std::move(folder)) {}

  std::string folder_;
};

}  // namespace tam::testing

#endif  // TAMARACK_TESTS_SUPPORT_CREDENTIALS_H_
