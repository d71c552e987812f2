#include "tests/support/credentials.h"

#include <stdlib.h>

#include <cerrno>
#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/support/process.h"

namespace tam::testing {

absl::StatusOr<Credentials> Credentials::Make(absl::string_view tenant) {
  const char* const base = std::getenv("TEST_TMPDIR");
  std::string folder = absl::StrCat(base == nullptr ? "/tmp" : base, "/credentials.XXXXXX");
  if (mkdtemp(folder.data()) == nullptr) {
    return absl::InternalError(absl::StrCat(folder, ": ", std::strerror(errno)));
  }
  absl::StatusOr<Finished> made =
      RunProcess({"tools/dev-credentials", folder, "--with-bad", "--tenant", std::string(tenant)});
  if (!made.ok()) return made.status();
  if (made->exit_code != 0) {
    return absl::InternalError(absl::StrCat("dev-credentials: ", made->err));
  }
  return Credentials(std::move(folder));
}

std::string Credentials::certificate(absl::string_view who) const {
  return absl::StrCat(folder_, "/", who, ".pem");
}

std::string Credentials::key(absl::string_view who) const {
  return absl::StrCat(folder_, "/", who, ".key");
}

}  // namespace tam::testing
