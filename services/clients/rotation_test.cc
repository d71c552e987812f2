// Certificates replaced under load, on both sides, by way of their files.

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/clients/testing/client_methods.h"
#include "services/clients/testing/load.h"
#include "services/clients/testing/served.h"
#include "tests/support/status_matchers.h"

namespace tam::clients::testing {
namespace {

using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

void Write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  chmod(path.c_str(), 0600);
}

// Files, and who reads them: when they are complete, once.
struct Files {
  explicit Files(const std::string& name)
      : paths{::testing::TempDir() + "/" + name + ".ca", ::testing::TempDir() + "/" + name + ".pem",
              ::testing::TempDir() + "/" + name + ".key"} {}

  void WriteCertificate(const runtime::TlsMaterial& tls) {
    Write(paths.certificate, tls.certificate_pem);
    Write(paths.key, tls.private_key_pem);
    Read();
  }
  void WriteAuthorities(const std::string& pem) {
    Write(paths.ca, pem);
    Read();
  }
  absl::Status Open() {
    auto opened = runtime::TlsFiles::Open(paths);
    if (opened.ok()) source = *opened;
    return opened.status();
  }
  void Read() {
    // New files are taken at the second look.
    for (int looks = 0; source != nullptr && looks < 2; ++looks) source->Poll();
  }

  runtime::TlsFiles::Paths paths;
  std::shared_ptr<runtime::TlsFiles> source;
};

class RotationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto next = runtime::TestAuthority::Create("next");
    ASSERT_THAT(next, IsOk());
    next_ = std::make_unique<runtime::TestAuthority>(*next);
    for (Files* files : {&server_files_, &client_files_}) {
      files->WriteAuthorities(OurAuthority().ca_pem());
    }
    server_files_.WriteCertificate(CertificateOf({Service("registry")}));
    client_files_.WriteCertificate(CertificateOf({Service("gateway")}));
    ASSERT_THAT(server_files_.Open(), IsOk());
    ASSERT_THAT(client_files_.Open(), IsOk());
    auto served = Served::Start([&](runtime::RpcServer::Options& options) {
      options.tls = server_files_.source;
      options.max_connection_age = absl::Seconds(1);
    });
    ASSERT_THAT(served, IsOk());
    served_ = *std::move(served);
    channel_ = Client(client_files_.source);
  }

  std::unique_ptr<runtime::RpcChannel> Client(std::shared_ptr<runtime::TlsSource> tls) {
    runtime::RpcClientOptions options = ClientOf({served_->address()});
    options.tls = std::move(tls);
    options.connect_patience = absl::Milliseconds(500);
    auto made = runtime::NewRpcClient(options);
    return made.ok() ? *std::move(made) : nullptr;
  }

  absl::Status CallOn(runtime::RpcChannel& channel) {
    return ClientMethods().front().call(channel, Context(absl::Seconds(5)), 0).status();
  }

  std::unique_ptr<runtime::TestAuthority> next_;
  Files server_files_{"server"};
  Files client_files_{"client"};
  std::unique_ptr<Served> served_;
  std::unique_ptr<runtime::RpcChannel> channel_;
};

TEST_F(RotationTest, NoCallFailsWhileCertificatesAndThenTheAuthorityAreReplaced) {
  TAM_ASSERT_OK_AND_ASSIGN(runtime::TlsMaterial server, next_->Issue({Service("registry")}));
  TAM_ASSERT_OK_AND_ASSIGN(runtime::TlsMaterial client, next_->Issue({Service("gateway")}));
  // One that knows the new authority but never gets a new certificate.
  runtime::TlsMaterial old_tls = CertificateOf({Service("gateway")});
  old_tls.ca_pem += next_->ca_pem();
  auto old_client = Client(runtime::FixedTls(old_tls));
  ASSERT_THAT(CallOn(*old_client), IsOk());
  Load load(*channel_, 4);
  ASSERT_TRUE(load.AwaitMore(20));
  // Both authorities are trusted first, then the new one's certificates appear, then the old one
  // goes. More calls than are under way pass between.
  for (Files* files : {&server_files_, &client_files_}) {
    files->WriteAuthorities(OurAuthority().ca_pem() + next_->ca_pem());
  }
  ASSERT_TRUE(load.AwaitMore(40));
  server_files_.WriteCertificate(server);
  ASSERT_TRUE(load.AwaitMore(40));
  client_files_.WriteCertificate(client);
  ASSERT_TRUE(load.AwaitMore(40));
  ASSERT_THAT(CallOn(*old_client), IsOk());
  // Until every connection is of the new certificate: their age is bounded.
  const absl::Time aged = absl::Now() + absl::Seconds(2);
  while (absl::Now() < aged) ASSERT_TRUE(load.AwaitMore(20));
  for (Files* files : {&server_files_, &client_files_}) {
    files->WriteAuthorities(next_->ca_pem());
  }
  ASSERT_TRUE(load.AwaitMore(60));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
  RecordProperty("calls", load.done());

  // Whoever still has the old certificate is refused: on a connection that stands, and on a new
  // one.
  EXPECT_THAT(CallOn(*old_client), ::testing::AnyOf(StatusIs(absl::StatusCode::kUnauthenticated),
                                                    StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_THAT(CallOn(*Client(runtime::FixedTls(old_tls))),
              StatusIs(absl::StatusCode::kUnavailable));
}

// Material that changes after it was asked for so many times.
class ChangingTls : public runtime::TlsSource {
 public:
  ChangingTls(runtime::TlsMaterial before, int times, runtime::TlsMaterial after)
      : before_{std::make_shared<const runtime::TlsMaterial>(std::move(before)), 1},
        after_{std::make_shared<const runtime::TlsMaterial>(std::move(after)), 2},
        left_(times) {}
  Snapshot Get() override { return left_-- > 0 ? before_ : after_; }

 private:
  const Snapshot before_;
  const Snapshot after_;
  std::atomic<int> left_;
};

// Its server has been replaced by one that the client's connection was not made to trust, and the
// client learns of the new authority only when the call has chosen the old connection.
TEST_F(RotationTest, ACallThatWasBegunWithOldAuthoritiesIsMadeAgainWithTheNew) {
  const runtime::TlsMaterial before = CertificateOf({Service("gateway")});
  runtime::TlsMaterial after = before;
  after.ca_pem += next_->ca_pem();
  // When the client is made, by the first call, and as the second begins.
  auto channel = Client(std::make_shared<ChangingTls>(before, 3, after));
  ASSERT_THAT(CallOn(*channel), IsOk());
  const std::string address = served_->address();
  served_->server().Drain(absl::InfinitePast());
  TAM_ASSERT_OK_AND_ASSIGN(runtime::TlsMaterial replaced, next_->Issue({Service("registry")}));
  replaced.ca_pem += OurAuthority().ca_pem();
  TAM_ASSERT_OK_AND_ASSIGN(auto successor, Served::Start([&](runtime::RpcServer::Options& options) {
                             options.listen = address;
                             options.tls = runtime::FixedTls(replaced);
                           }));
  EXPECT_THAT(CallOn(*channel), IsOk());
  EXPECT_EQ(successor->services().calls(), 1);
}

// A handler's own answer stands, whatever has changed.
TEST_F(RotationTest, AnAnswerOfUnavailableIsNotAskedForAgainWithNewMaterial) {
  const runtime::TlsMaterial tls = CertificateOf({Service("gateway")});
  runtime::TlsMaterial after = tls;
  after.ca_pem += next_->ca_pem();
  auto channel = Client(std::make_shared<ChangingTls>(tls, 2, after));
  served_->services().SetAct(
      [](const runtime::CallContext&) { return absl::UnavailableError("its database"); });
  EXPECT_THAT(CallOn(*channel), StatusIs(absl::StatusCode::kUnavailable, "its database"));
  EXPECT_EQ(served_->services().calls(), 1);
}

// Not even on a connection that was made when it was good.
TEST_F(RotationTest, AWithdrawnAuthorityEndsConnectionsThatStand) {
  TAM_ASSERT_OK_AND_ASSIGN(auto long_lived,
                           Served::Start([&](runtime::RpcServer::Options& options) {
                             options.tls = server_files_.source;
                           }));
  auto channel = long_lived->Remote({Service("gateway")});
  ASSERT_THAT(CallOn(*channel), IsOk());
  server_files_.WriteAuthorities(OurAuthority().ca_pem() + next_->ca_pem());
  ASSERT_THAT(CallOn(*channel), IsOk());
  const int calls = long_lived->services().calls();
  server_files_.WriteAuthorities(next_->ca_pem());
  EXPECT_THAT(CallOn(*channel),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("not trusted any more")));
  EXPECT_EQ(long_lived->services().calls(), calls);
}

TEST_F(RotationTest, HalfWrittenFilesChangeNothing) {
  Load load(*channel_, 2);
  ASSERT_TRUE(load.AwaitMore(20));
  const runtime::TlsMaterial other = CertificateOf({Service("audit")});
  Write(server_files_.paths.key, other.private_key_pem);
  Write(client_files_.paths.certificate, other.certificate_pem.substr(0, 100));
  Write(client_files_.paths.ca, "");
  server_files_.Read();
  client_files_.Read();
  ASSERT_TRUE(load.AwaitMore(40));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
  auto fresh = Client(runtime::FixedTls(CertificateOf({Service("gateway")})));
  EXPECT_THAT(CallOn(*fresh), IsOk());
}

// The ends of connections' lives, many in this test, are no ends of calls.
TEST_F(RotationTest, NoCallFailsWhenConnectionsAgeAndIdle) {
  Load load(*channel_, 4);
  const absl::Time end = absl::Now() + absl::Seconds(4);
  while (absl::Now() < end) ASSERT_TRUE(load.AwaitMore(20));
  load.Stop();
  EXPECT_EQ(load.failed(), 0) << load.first_failure();
}

}  // namespace
}  // namespace tam::clients::testing
