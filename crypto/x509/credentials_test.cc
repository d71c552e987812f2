#include "crypto/x509/credentials.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"

namespace tam::x509 {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

std::string Read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// An authority, or a leaf of `issuer`: PATH.pem and PATH.key.
void Make(const std::string& path, const std::string& issuer,
          const std::vector<std::string>& extensions) {
  std::vector<std::string> argv = {"/usr/bin/openssl",
                                   "req",
                                   "-x509",
                                   "-newkey",
                                   "ec",
                                   "-pkeyopt",
                                   "ec_paramgen_curve:P-256",
                                   "-nodes",
                                   "-days",
                                   "1",
                                   "-subj",
                                   "/CN=" + path.substr(path.rfind('/') + 1),
                                   "-keyout",
                                   path + ".key",
                                   "-out",
                                   path + ".pem"};
  if (!issuer.empty()) {
    argv.insert(argv.end(), {"-CA", issuer + ".pem", "-CAkey", issuer + ".key"});
  }
  for (const std::string& extension : extensions) {
    argv.insert(argv.end(), {"-addext", extension});
  }
  auto done = testing::RunProcess(argv);
  ASSERT_THAT(done, IsOk());
  ASSERT_EQ(done->exit_code, 0) << done->err;
}

class CredentialsTest : public ::testing::Test {
 protected:
  static std::string Path(const std::string& name) { return ::testing::TempDir() + "/" + name; }
  static void SetUpTestSuite() {
    Make(Path("ca"), "", {"keyUsage=critical,keyCertSign"});
    Make(Path("other"), "", {"keyUsage=critical,keyCertSign"});
    Make(Path("leaf"), Path("ca"), {"basicConstraints=critical,CA:FALSE"});
    Make(Path("server"), Path("ca"),
         {"basicConstraints=critical,CA:FALSE", "extendedKeyUsage=serverAuth"});
  }
  static std::string Pem(const std::string& name) { return Read(Path(name + ".pem")); }
  static std::string Key(const std::string& name) { return Read(Path(name + ".key")); }
};

TEST_F(CredentialsTest, TakesACertificateWithItsKey) {
  EXPECT_THAT(CheckKeyPair(Pem("leaf"), Key("leaf")), IsOk());
  EXPECT_THAT(CheckKeyPair(Pem("leaf") + Pem("ca"), Key("leaf") + "\n"), IsOk());
}

TEST_F(CredentialsTest, RefusesAnothersKey) {
  EXPECT_THAT(CheckKeyPair(Pem("leaf"), Key("ca")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got another")));
}

// Only the newline at the very end may be missing.
TEST_F(CredentialsTest, RefusesWhatWasCutShortAnywhere) {
  const std::string chain = Pem("leaf") + Pem("ca");
  const std::string key = Key("leaf");
  const std::string whole_leaf = Pem("leaf");
  for (size_t size = 0; size + 1 < chain.size(); ++size) {
    // What ends with a block cannot be told from a shorter chain.
    if (size == whole_leaf.size() || size + 1 == whole_leaf.size()) continue;
    EXPECT_THAT(CheckKeyPair(chain.substr(0, size), key),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
    EXPECT_THAT(Authorities::Parse(chain.substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
  }
  for (size_t size = 0; size + 1 < key.size(); ++size) {
    EXPECT_THAT(CheckKeyPair(chain, key.substr(0, size)),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << size;
  }
}

TEST_F(CredentialsTest, RefusesWhatIsNotACertificate) {
  EXPECT_THAT(Authorities::Parse(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Authorities::Parse(Pem("ca") + Key("ca")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("certificates alone")));
  EXPECT_THAT(Authorities::Parse(std::string(kMaxPemBytes + 1, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1 MiB")));
}

TEST_F(CredentialsTest, VerifiesClientsOfItsAuthoritiesAlone) {
  TAM_ASSERT_OK_AND_ASSIGN(Authorities ours, Authorities::Parse(Pem("ca")));
  TAM_ASSERT_OK_AND_ASSIGN(Authorities others, Authorities::Parse(Pem("other")));
  TAM_ASSERT_OK_AND_ASSIGN(Authorities both, Authorities::Parse(Pem("other") + Pem("ca")));
  const absl::Time now = absl::Now();
  EXPECT_THAT(ours.VerifyClient(Pem("leaf"), now), IsOk());
  EXPECT_THAT(both.VerifyClient(Pem("leaf"), now), IsOk());
  EXPECT_THAT(others.VerifyClient(Pem("leaf"), now), StatusIs(absl::StatusCode::kUnauthenticated));
  // Bringing the issuer along does not make it trusted.
  EXPECT_THAT(others.VerifyClient(Pem("leaf") + Pem("ca"), now),
              StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(ours.VerifyClient(Pem("leaf"), now + absl::Hours(48)),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("expired")));
  EXPECT_THAT(ours.VerifyClient(Pem("server"), now), StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_THAT(ours.VerifyClient("", now), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace tam::x509
