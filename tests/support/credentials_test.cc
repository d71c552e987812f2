#include "tests/support/credentials.h"

#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// One set for all tests: it is only read.
const Credentials& Made() {
  static const absl::StatusOr<Credentials> made = Credentials::Make("acme");
  if (!made.ok()) ADD_FAILURE() << made.status();
  return *made;
}

Finished OpenSsl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/openssl");
  absl::StatusOr<Finished> finished = RunProcess(arguments);
  if (!finished.ok()) ADD_FAILURE() << finished.status();
  return finished.value_or(Finished{});
}

std::string NamesOf(absl::string_view who) {
  return OpenSsl({"x509", "-in", Made().certificate(who), "-noout", "-ext",
                  "subjectAltName,extendedKeyUsage,basicConstraints"})
      .out;
}

bool IsIssuedByTheAuthority(absl::string_view who) {
  return OpenSsl({"verify", "-CAfile", Made().authority(), Made().certificate(who)}).exit_code == 0;
}

bool VerifiesAt(absl::Time time, absl::string_view who) {
  return OpenSsl({"verify", "-attime", absl::StrCat(absl::ToUnixSeconds(time)), "-CAfile",
                  Made().authority(), Made().certificate(who)})
             .exit_code == 0;
}

TEST(Credentials, PeopleHaveOneSpiffeUri) {
  EXPECT_THAT(NamesOf("admin"), HasSubstr("URI:spiffe://tamarack.example/admin/admin\n"));
  EXPECT_THAT(NamesOf("operator"),
              HasSubstr("URI:spiffe://tamarack.example/tenant/acme/operator/operator\n"));
  EXPECT_THAT(NamesOf("developer2"),
              HasSubstr("URI:spiffe://tamarack.example/tenant/acme/developer/developer2\n"));
  EXPECT_THAT(NamesOf("auditor"),
              HasSubstr("URI:spiffe://tamarack.example/tenant/acme/auditor/auditor\n"));
}

TEST(Credentials, ServicesAlsoNameTheHost) {
  for (const std::string name :
       {"gateway", "registry", "attestation", "catalog", "signing", "audit"}) {
    EXPECT_THAT(NamesOf("services/" + name),
                AllOf(HasSubstr("URI:spiffe://tamarack.example/service/" + name + ","),
                      HasSubstr("DNS:localhost"), HasSubstr("IP Address:127.0.0.1"),
                      HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"),
                      HasSubstr("CA:FALSE")));
  }
}

TEST(Credentials, AreIssuedByTheAuthorityButForTheBadOne) {
  EXPECT_TRUE(IsIssuedByTheAuthority("admin"));
  EXPECT_TRUE(IsIssuedByTheAuthority("services/gateway"));
  EXPECT_FALSE(IsIssuedByTheAuthority("other-ca"));
  EXPECT_THAT(NamesOf("no-uri"), Not(HasSubstr("URI:")));
}

TEST(Credentials, HoldOnMachinesWhoseClocksAreADayApart) {
  for (const char* who : {"admin", "services/gateway"}) {
    EXPECT_TRUE(VerifiesAt(absl::Now() - absl::Hours(24), who)) << who;
    EXPECT_TRUE(VerifiesAt(absl::Now() + absl::Hours(24), who)) << who;
    EXPECT_FALSE(VerifiesAt(absl::Now() - absl::Hours(24 * 3), who)) << who;
    EXPECT_FALSE(VerifiesAt(absl::Now() + absl::Hours(24 * 31), who)) << who;
  }
}

TEST(Credentials, KeysAreReadableByTheirOwnerAlone) {
  struct stat info;
  ASSERT_EQ(stat(Made().key("operator").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Credentials, ASecondRunKeepsWhatIsThere) {
  const auto read = [] {
    return OpenSsl({"x509", "-in", Made().certificate("operator"), "-noout", "-serial"}).out;
  };
  const std::string before = read();
  TAM_ASSERT_OK_AND_ASSIGN(const Finished again,
                           RunProcess({"tools/dev-credentials", Made().folder()}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(before, HasSubstr("serial="));
  EXPECT_EQ(read(), before);
}

}  // namespace
}  // namespace tam::testing
