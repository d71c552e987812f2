#include "services/runtime/test_credentials.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "tests/support/process.h"

namespace tam::runtime {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

absl::Status OpenSsl(const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {
      "/usr/bin/openssl",        "req",    "-x509", "-newkey", "ec", "-pkeyopt",
      "ec_paramgen_curve:P-256", "-nodes", "-days", "1"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  absl::StatusOr<testing::Finished> done = testing::RunProcess(argv);
  if (!done.ok()) return done.status();
  if (done->exit_code == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("openssl: ", done->err));
}

void ReplaceFile(const std::string& path, const std::string& content) {
  std::ofstream(path + ".new", std::ios::binary) << content;
  chmod((path + ".new").c_str(), 0600);
  std::rename((path + ".new").c_str(), path.c_str());
}

}  // namespace

absl::StatusOr<TestAuthority> TestAuthority::Create(const std::string& name) {
  const char* temporary = std::getenv("TEST_TMPDIR");
  TestAuthority authority;
  authority.folder_ = absl::StrCat(temporary != nullptr ? temporary : "/tmp", "/", name, "-XXXXXX");
  if (mkdtemp(authority.folder_.data()) == nullptr) {
    return absl::UnavailableError(absl::StrCat("cannot make ", authority.folder_));
  }
  absl::Status made =
      OpenSsl({"-subj", absl::StrCat("/CN=", name), "-keyout", authority.folder_ + "/ca.key",
               "-out", authority.folder_ + "/ca.pem", "-addext", "keyUsage=critical,keyCertSign"});
  if (!made.ok()) return made;
  authority.ca_pem_ = ReadFile(authority.folder_ + "/ca.pem");
  return authority;
}

absl::StatusOr<TlsMaterial> TestAuthority::Issue(const std::vector<std::string>& uris) const {
  std::string names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  for (const std::string& uri : uris) absl::StrAppend(&names, ",URI:", uri);
  const std::string key = folder_ + "/leaf.key";
  const std::string certificate = folder_ + "/leaf.pem";
  absl::Status made = OpenSsl({"-subj", "/CN=leaf", "-CA", folder_ + "/ca.pem", "-CAkey",
                               folder_ + "/ca.key", "-keyout", key, "-out", certificate, "-addext",
                               names, "-addext", "basicConstraints=critical,CA:FALSE"});
  if (!made.ok()) return made;
  return TlsMaterial{ca_pem_, ReadFile(certificate), ReadFile(key)};
}

absl::Status TestAuthority::IssueTo(const TlsFiles::Paths& paths,
                                    const std::vector<std::string>& uris) const {
  absl::StatusOr<TlsMaterial> tls = Issue(uris);
  if (!tls.ok()) return tls.status();
  ReplaceFile(paths.ca, tls->ca_pem);
  ReplaceFile(paths.certificate, tls->certificate_pem);
  ReplaceFile(paths.key, tls->private_key_pem);
  return absl::OkStatus();
}

}  // namespace tam::runtime
