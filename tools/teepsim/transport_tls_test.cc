// The client over TLS, against a server that serves one reply a connection.
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/ssl/context.hpp"
#include "boost/asio/ssl/stream.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/beast/http.hpp"
#include "crypto/text/text.h"
#include "crypto/tls/context.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "openssl/ssl.h"
#include "tests/support/certificates.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/transport.h"

namespace tam::teepsim {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ::tam::testing::CertificateAuthority;
using ::tam::testing::IsOk;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

// Serves so many connections, one request each, answering with `status` and the request's body.
class TlsServer {
 public:
  TlsServer(tls::Context context, int connections, unsigned status = 200)
      : context_(std::move(context)),
        acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}),
        thread_([this, connections, status] {
          for (int i = 0; i < connections; ++i) ServeOne(status);
        }) {}
  ~TlsServer() { thread_.join(); }

  Url UrlAt(const std::string& host) const {
    return *ParseUrl(Concat("https://", host, ":", acceptor_.local_endpoint().port(), "/tam/t/e"));
  }

 private:
  void ServeOne(unsigned status) {
    boost::system::error_code error;
    asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor_.accept(), *context_);
    stream.handshake(asio::ssl::stream_base::server, error);
    if (error) return;
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    http::read(stream, buffer, request, error);
    http::response<http::string_body> response;
    response.result(status);
    response.set(http::field::location, "http://127.0.0.1:1/elsewhere");
    response.body() = request.body();
    response.keep_alive(false);
    response.prepare_payload();
    http::write(stream, response, error);
    stream.shutdown(error);
  }

  const tls::Context context_;
  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::thread thread_;
};

class TransportTlsTest : public ::testing::Test {
 protected:
  tls::Context Serving(const std::string& names) const {
    const auto pair = authority_.Issue(names);
    return tls::NewServerContext(pair.certificate_pem, pair.key_pem)->context;
  }
  HttpClient::Options Trusting() const {
    return {.timeout = absl::Seconds(10), .tls = *tls::NewClientContext(authority_.pem())};
  }

  const CertificateAuthority authority_;
};

TEST_F(TransportTlsTest, ExchangesWithTheHostOfTheUrl) {
  TlsServer server(Serving("DNS:localhost,IP:127.0.0.1"), 2);
  HttpClient client(Trusting());
  for (const char* host : {"localhost", "127.0.0.1"}) {
    TAM_ASSERT_OK_AND_ASSIGN(const HttpReply reply, client.Post(server.UrlAt(host), "message"));
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.body, "message");
  }
}

TEST_F(TransportTlsTest, RefusesACertificateForAnotherHost) {
  TlsServer server(Serving("DNS:tam.example"), 1);
  HttpClient client(Trusting());
  EXPECT_THAT(client.Post(server.UrlAt("localhost"), "message"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("ostname mismatch")));
}

TEST_F(TransportTlsTest, RefusesACertificateOfAnotherRoot) {
  const CertificateAuthority other;
  TlsServer server(Serving("DNS:localhost"), 1);
  HttpClient client(HttpClient::Options{.tls = *tls::NewClientContext(other.pem())});
  EXPECT_THAT(client.Post(server.UrlAt("localhost"), "message"),
              StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr("issuer")));
}

TEST_F(TransportTlsTest, RefusesAServerOlderThanTls12) {
  tls::Context old = Serving("DNS:localhost");
  SSL_CTX_set_min_proto_version(old->native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old->native_handle(), TLS1_1_VERSION);
  TlsServer server(std::move(old), 1);
  HttpClient client(Trusting());
  EXPECT_THAT(client.Post(server.UrlAt("localhost"), "message"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("TLS")));
}

TEST_F(TransportTlsTest, FollowsNoRedirect) {
  TlsServer server(Serving("DNS:localhost"), 1, 307);
  HttpClient client(Trusting());
  HttpTamTransport tam(server.UrlAt("localhost"), client);
  EXPECT_THAT(tam.Exchange("message"),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("redirect")));
}

TEST_F(TransportTlsTest, ManyClientsInOneProcessShareTheRoots) {
  constexpr int kClients = 32;
  TlsServer server(Serving("DNS:localhost"), kClients);
  const HttpClient::Options options = Trusting();
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      const auto reply = HttpClient(options).Post(server.UrlAt("localhost"), Concat(i));
      EXPECT_THAT(reply, IsOk());
      EXPECT_EQ(reply.ok() ? reply->body : "", Concat(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(TransportTlsTest, ReadsRootsFromAFile) {
  const std::string path = ::testing::TempDir() + "/roots.pem";
  std::ofstream(path) << authority_.pem();
  EXPECT_THAT(ReadTlsRoots(path), IsOk());
  EXPECT_THAT(ReadTlsRoots(path + ".absent"), StatusIs(absl::StatusCode::kNotFound));
  std::ofstream(path) << "no PEM";
  EXPECT_THAT(ReadTlsRoots(path),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("roots.pem")));
}

}  // namespace
}  // namespace tam::teepsim
