#include "tools/teepsim/transport.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/beast/core.hpp"
#include "boost/beast/http.hpp"
#include "boost/beast/version.hpp"
#include "crypto/text/text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::teepsim {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using ::tam::testing::IsOkAndHolds;
using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

Response Good(std::string body) {
  Response response(http::status::ok, 11);
  response.set(http::field::content_type, "application/teep+cbor");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", "default-src 'none'");
  response.set("Referrer-Policy", "no-referrer");
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

// Serves the given responses, one a request; a connection is closed where `close_after` says.
class OneByOneServer {
 public:
  explicit OneByOneServer(std::vector<Response> responses, size_t close_after = SIZE_MAX)
      : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}),
        thread_([this, responses = std::move(responses), close_after] {
          Serve(responses, close_after);
        }) {}
  ~OneByOneServer() { thread_.join(); }

  Url url() const {
    return *ParseUrl(Concat("http://127.0.0.1:", acceptor_.local_endpoint().port(), "/tam/t/e"));
  }
  // Valid after the last response was read.
  const std::vector<Request>& requests() {
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return requests_;
  }

 private:
  void Serve(const std::vector<Response>& responses, size_t close_after) {
    boost::system::error_code error;
    asio::ip::tcp::socket socket(context_);
    for (size_t i = 0; i < responses.size(); ++i) {
      if (!socket.is_open()) acceptor_.accept(socket, error);
      boost::beast::flat_buffer buffer;
      Request request;
      http::read(socket, buffer, request, error);
      if (error) return;
      requests_.push_back(std::move(request));
      http::write(socket, responses[i], error);
      if (i + 1 == close_after) socket.close(error);
    }
  }

  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::vector<Request> requests_;
  std::thread thread_;
};

TEST(TransportTest, ParsesUrls) {
  TAM_ASSERT_OK_AND_ASSIGN(const Url url, ParseUrl("http://tam.example:8080/tam/a/b?x=1#f"));
  EXPECT_EQ(url.host, "tam.example");
  EXPECT_EQ(url.port, "8080");
  EXPECT_EQ(url.target, "/tam/a/b?x=1");
  TAM_ASSERT_OK_AND_ASSIGN(const Url ipv6, ParseUrl("http://[::1]:81"));
  EXPECT_EQ(ipv6.host, "::1");
  EXPECT_EQ(ipv6.port, "81");
  EXPECT_EQ(ipv6.target, "/");
  EXPECT_EQ(ParseUrl("http://tam.example/")->port, "80");
  TAM_ASSERT_OK_AND_ASSIGN(const Url secure, ParseUrl("https://tam.example/tam/a/b"));
  EXPECT_EQ(secure.scheme, "https");
  EXPECT_EQ(secure.port, "443");
  EXPECT_EQ(secure.target, "/tam/a/b");
  EXPECT_EQ(ParseUrl("https://[::1]:8443")->port, "8443");
  for (const char* bad :
       {"tam/a", "ftp://h/", "https://", "https:/h/", "HTTPS//h/", "http://", "http:///x",
        "http://a@b/", "http://h.example:/", "http://h.example/ x"}) {
    EXPECT_THAT(ParseUrl(bad), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(bad)));
  }
}

TEST(TransportTest, SendsTheHeadersOfTheBindingOnOneConnection) {
  TAM_ROW("T-73");
  OneByOneServer server({Good("first"), Good("second")});
  HttpClient client;
  HttpTamTransport tam(server.url(), client);
  EXPECT_THAT(tam.Exchange(""), IsOkAndHolds(std::optional<std::string>("first")));
  EXPECT_THAT(tam.Exchange("message"), IsOkAndHolds(std::optional<std::string>("second")));
  const auto& requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].method(), http::verb::post);
  EXPECT_EQ(requests[0].target(), "/tam/t/e");
  EXPECT_EQ(requests[0][http::field::accept], "application/teep+cbor");
  EXPECT_EQ(requests[0].count(http::field::content_type), 0u);
  EXPECT_EQ(requests[0].body(), "");
  EXPECT_EQ(requests[1][http::field::content_type], "application/teep+cbor");
  EXPECT_EQ(requests[1].body(), "message");
}

TEST(TransportTest, ConnectsAgainWhenTheServerClosedTheConnection) {
  OneByOneServer server({Good("first"), Good("second")}, /*close_after=*/1);
  HttpClient client;
  EXPECT_EQ(client.Post(server.url(), "a")->body, "first");
  EXPECT_EQ(client.Post(server.url(), "b")->body, "second");
}

TEST(TransportTest, AServerThatIsNotThereIsUnavailable) {
  asio::io_context context;
  asio::ip::tcp::acceptor closed(context, {asio::ip::make_address("127.0.0.1"), 0});
  const Url url = *ParseUrl(Concat("http://127.0.0.1:", closed.local_endpoint().port(), "/"));
  closed.close();
  EXPECT_THAT(HttpClient().Post(url, ""),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("connect")));
}

TEST(TransportTest, AServerThatDoesNotAnswerTimesOut) {
  asio::io_context context;
  asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
  const Url url = *ParseUrl(Concat("http://127.0.0.1:", silent.local_endpoint().port(), "/"));
  HttpClient client(HttpClient::Options{.timeout = absl::Milliseconds(50)});
  EXPECT_THAT(client.Post(url, ""), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("receive")));
}

TEST(TransportTest, AnAnswerAboveTheLimitIsRefused) {
  OneByOneServer server({Good(std::string(100, 'x'))});
  HttpClient client(HttpClient::Options{.max_body_bytes = 99});
  EXPECT_THAT(client.Post(server.url(), ""), StatusIs(absl::StatusCode::kUnavailable));
}

HttpReply Reply(unsigned status, std::map<std::string, std::string> changes) {
  HttpReply reply{.status = status,
                  .headers = {{"content-type", "application/teep+cbor"},
                              {"x-content-type-options", "nosniff"},
                              {"content-security-policy", "default-src 'none'"},
                              {"referrer-policy", "no-referrer"}},
                  .body = "body"};
  for (const auto& [name, value] : changes) {
    if (value.empty()) {
      reply.headers.erase(name);
    } else {
      reply.headers[name] = value;
    }
  }
  return reply;
}

TEST(TransportTest, ChecksWhatTheBindingAsksOfAnAnswer) {
  TAM_ROW("H-03", "T-73");
  EXPECT_THAT(CheckTamReply(Reply(200, {})), IsOkAndHolds(std::optional<std::string>("body")));
  EXPECT_THAT(CheckTamReply(HttpReply{.status = 204, .headers = {}, .body = ""}),
              IsOkAndHolds(std::optional<std::string>()));
  const std::vector<std::pair<std::string, HttpReply>> broken = {
      {"content-type", Reply(200, {{"content-type", "application/cbor"}})},
      {"nosniff", Reply(200, {{"x-content-type-options", ""}})},
      {"default-src", Reply(200, {{"content-security-policy", ""}})},
      {"no-referrer", Reply(200, {{"referrer-policy", "origin"}})},
      {"cache-control", Reply(200, {{"cache-control", "no-store"}})},
      {"redirect", Reply(302, {{"location", "http://elsewhere.example/"}})},
  };
  for (const auto& [reason, reply] : broken) {
    EXPECT_THAT(CheckTamReply(reply),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(reason)));
  }
  EXPECT_THAT(CheckTamReply(Reply(503, {{"retry-after", "7"}})),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("retry after 7 s")));
  EXPECT_THAT(CheckTamReply(Reply(415, {})),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("415")));
}

TEST(TransportTest, PayloadsComeFromThisMachineAlone) {
  Response response(http::status::ok, 11);
  response.body() = "payload";
  response.prepare_payload();
  OneByOneServer server({response});
  LoopbackPayloadSource payloads;
  EXPECT_THAT(payloads.Fetch("http://files.example/x", 10),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(payloads.Fetch(Concat("http://127.0.0.1:", server.url().port, "/x"), 10),
              IsOkAndHolds(std::string("payload")));
}

}  // namespace
}  // namespace tam::teepsim
