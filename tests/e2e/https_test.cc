// Devices over HTTPS, to gateways that run apart from the other services.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/certificates.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Install("127.0.0.1");
    std::ofstream(Path("roots.pem")) << authority_.pem();
    StackOptions options;
    options.layout = Layout::kApart;
    options.replicas = 2;
    options.flags["gateway"] = {"--http_tls_cert=" + Path("cert.pem"),
                                "--http_tls_key=" + Path("key.pem")};
    auto stack = Stack::Start(options);
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
  }

  static std::string Path(const std::string& name) { return ::testing::TempDir() + "/" + name; }

  // A certificate of the listener for an address.
  void Install(const std::string& address) {
    const CertificatePair pair = authority_.Issue("IP:" + address);
    std::ofstream(Path("cert.pem")) << pair.certificate_pem;
    std::ofstream(Path("key.pem")) << pair.key_pem;
    chmod(Path("key.pem").c_str(), 0600);
  }

  Finished Session(int replica, const std::vector<std::string>& more) {
    std::vector<std::string> args = {
        "run",
        "--state",
        scenario_->Folder("one"),
        "--tam",
        absl::StrCat("https://", stack_->tam().HttpAddress(replica), kMainPath),
        "--once"};
    args.insert(args.end(), more.begin(), more.end());
    return stack_->Teepsim(args);
  }

  // So often the first gateway has taken a certificate from its files.
  int CertificatesServed() {
    return static_cast<int>(
        std::vector<std::string>(absl::StrSplit(stack_->tam().Log("gateway-0"), "not_after"))
            .size() -
        1);
  }

  const CertificateAuthority authority_;
  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
};

TEST_F(HttpsTest, DeviceInstallsAndUpdatesOverEitherGateway) {
  TAM_ROW("H-11", "T-69");
  const std::vector<std::string> trusting = {"--tam-ca", Path("roots.pem")};
  scenario_->Publish(1, "Hello over TLS!");
  scenario_->Deploy("sample");
  const Finished first = Session(0, trusting);
  EXPECT_EQ(first.exit_code, 0) << first.out << first.err << stack_->TamdLog();
  EXPECT_EQ(scenario_->OnDisk("one"), "Hello over TLS!");

  scenario_->Publish(2, "Hello again!");
  const Finished second = Session(1, trusting);
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err << stack_->TamdLog();
  EXPECT_EQ(scenario_->OnDisk("one"), "Hello again!");
  EXPECT_THAT(scenario_->Show("one"), ContainsRegex("2 +installed"));
}

TEST_F(HttpsTest, DeviceWithoutTheRootSaysNothing) {
  TAM_ROW("T-69");
  std::ofstream(Path("other.pem")) << CertificateAuthority().pem();
  const Finished distrusting = Session(0, {"--tam-ca", Path("other.pem")});
  EXPECT_EQ(distrusting.exit_code, 1);
  EXPECT_THAT(distrusting.err, HasSubstr("TLS: unable to get local issuer certificate"));
  EXPECT_THAT(distrusting.out, Not(HasSubstr("QueryRequest")));
  // The listener speaks no plain HTTP.
  const Finished plain = scenario_->Session("one");
  EXPECT_EQ(plain.exit_code, 1);
  EXPECT_THAT(plain.out, Not(HasSubstr("QueryRequest")));
}

TEST_F(HttpsTest, NewCertificateIsServedWithoutARestart) {
  const std::vector<std::string> trusting = {"--tam-ca", Path("roots.pem")};
  EXPECT_EQ(Session(0, trusting).exit_code, 0);
  Install("192.0.2.1");  // for another address: a device notices
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (CertificatesServed() < 2 && absl::Now() < deadline) poll(nullptr, 0, 50);
  EXPECT_EQ(CertificatesServed(), 2);
  const Finished refused = Session(0, trusting);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("IP address mismatch"));
}

}  // namespace
}  // namespace tam::testing
