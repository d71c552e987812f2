// Which certificates are served, and which a client believes.
#include "crypto/tls/context.h"

#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"

namespace tam::tls {
namespace {

namespace asio = boost::asio;
using testing::CertificateAuthority;
using testing::CertificateKey;
using testing::CertificatePair;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

class TlsTest : public ::testing::Test {
 protected:
  // What a client that trusts `roots` and expects `host` finds wrong; "" where the handshake is
  // done.
  static std::string Verdict(const CertificatePair& server, const std::string& roots,
                             const std::string& host) {
    auto served = NewServerContext(server.certificate_pem, server.key_pem);
    auto trusting = NewClientContext(roots);
    EXPECT_THAT(served, IsOk());
    EXPECT_THAT(trusting, IsOk());
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    std::thread serving([&] {
      asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor.accept(), *served->context);
      boost::system::error_code ignored;
      stream.handshake(asio::ssl::stream_base::server, ignored);
    });
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, **trusting);
    stream.next_layer().connect(acceptor.local_endpoint());
    EXPECT_THAT(ExpectHost(stream.native_handle(), host), IsOk());
    boost::system::error_code error;
    stream.handshake(asio::ssl::stream_base::client, error);
    const std::string problem = CertificateProblem(stream.native_handle());
    stream.next_layer().close();
    serving.join();
    return error && problem.empty() ? error.message() : problem;
  }

  const CertificateAuthority authority_;
};

TEST_F(TlsTest, AClientBelievesItsRootForTheNameItAskedFor) {
  const CertificatePair pair =
      authority_.Issue("DNS:tam.example,DNS:*.wild.example,IP:127.0.0.1,IP:::1");
  for (const char* host : {"tam.example", "a.wild.example", "127.0.0.1", "::1", "TAM.example"}) {
    EXPECT_THAT(Verdict(pair, authority_.pem(), host), IsEmpty()) << host;
  }
  for (const char* host : {"other.example", "a.b.wild.example", "wild.example", "tam.example.org",
                           "server", "xtam.example"}) {
    EXPECT_THAT(Verdict(pair, authority_.pem(), host), HasSubstr("ostname mismatch")) << host;
  }
  EXPECT_THAT(Verdict(pair, authority_.pem(), "127.0.0.2"), HasSubstr("IP address mismatch"));
}

TEST_F(TlsTest, AClientBelievesNoOtherRootAndNothingThatHasEnded) {
  const CertificateAuthority other;
  EXPECT_THAT(Verdict(authority_.Issue("DNS:tam.example"), other.pem(), "tam.example"),
              HasSubstr("unable to get local issuer certificate"));
  EXPECT_THAT(
      Verdict(authority_.Issue("DNS:tam.example"), other.pem() + authority_.pem(), "tam.example"),
      IsEmpty());
  EXPECT_THAT(Verdict(authority_.IssueExpired("DNS:tam.example"), authority_.pem(), "tam.example"),
              HasSubstr("certificate has expired"));
}

TEST_F(TlsTest, ServesRsaAndEcKeysOfSufficientSize) {
  for (const CertificateKey kind : {CertificateKey::kP256, CertificateKey::kRsa2048}) {
    EXPECT_THAT(Verdict(authority_.Issue("DNS:t.example", kind), authority_.pem(), "t.example"),
                IsEmpty());
  }
  for (const CertificateKey kind : {CertificateKey::kP521, CertificateKey::kRsa1024}) {
    const CertificatePair pair = authority_.Issue("DNS:t.example", kind);
    EXPECT_THAT(NewServerContext(pair.certificate_pem, pair.key_pem),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key: want")));
  }
}

TEST_F(TlsTest, RefusesWhatIsNoPair) {
  const CertificatePair pair = authority_.Issue("DNS:t.example");
  const std::string& chain = pair.certificate_pem;
  const std::string& key = pair.key_pem;
  EXPECT_THAT(NewServerContext(chain + authority_.pem(), key), IsOk());
  for (const auto& [bad_chain, bad_key] : {
           std::pair{std::string(), key},
           std::pair{key, key},
           std::pair{chain, std::string()},
           std::pair{chain, chain},
           std::pair{authority_.pem() + chain, key},
           std::pair{chain + authority_.pem().substr(0, 200), key},
           std::pair{chain + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key},
       }) {
    EXPECT_THAT(NewServerContext(bad_chain, bad_key), StatusIs(absl::StatusCode::kInvalidArgument));
  }
  std::string many = chain;
  for (int i = 0; i < 10; ++i) many += authority_.pem();
  EXPECT_THAT(NewServerContext(many, key),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("shorter chain")));
  EXPECT_THAT(NewClientContext("none"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(TlsTest, TellsWhenTheCertificateEnds) {
  const CertificatePair pair = authority_.Issue("DNS:t.example");
  const auto context = NewServerContext(pair.certificate_pem, pair.key_pem);
  ASSERT_THAT(context, IsOk());
  const absl::Duration left = context->not_after - absl::Now();
  EXPECT_GT(left, absl::Minutes(50));
  EXPECT_LE(left, absl::Hours(1));
}

}  // namespace
}  // namespace tam::tls
