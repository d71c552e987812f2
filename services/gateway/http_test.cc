// TEEP over HTTP on a real socket of the loopback interface.
#include "boost/beast/http.hpp"

#include <cstdlib>
#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/asio/connect.hpp"
#include "boost/asio/io_context.hpp"
#include "boost/asio/ip/tcp.hpp"
#include "boost/asio/write.hpp"
#include "boost/beast/core/flat_buffer.hpp"
#include "boost/property_tree/json_parser.hpp"
#include "boost/property_tree/ptree.hpp"
#include "gtest/gtest.h"
#include "services/gateway/http_binding.h"
#include "services/gateway/http_server.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr char kQuery[] = "a query request";

// Answers "update" to a message that says so; "fail:N" with status code N; a body "wait" when told.
class FakeProtocol : public TeepProtocol {
 public:
  absl::StatusOr<std::string> ProcessConnect(const std::string& path, const std::string&) override {
    if (path == "/tam/acme/unknown") return absl::NotFoundError("no such endpoint");
    if (path == "/tam/acme/busy") return absl::ResourceExhaustedError("budget");
    return std::string(kQuery);
  }
  absl::StatusOr<std::optional<std::string>> ProcessTeepMessage(
      const std::string&, std::string_view message, const std::string& source) override {
    {
      std::lock_guard lock(mutex_);
      sources_.insert(source);
    }
    if (message == "wait") {
      entered.set_value();
      go_on.get_future().wait();
      return std::optional<std::string>("waited");
    }
    if (message == "internal") return absl::InternalError("bug");
    if (message == "down") return absl::UnavailableError("database is down");
    if (message == "too large here") return absl::OutOfRangeError("message too large");
    if (message.starts_with("update")) return std::optional<std::string>(message);
    return std::optional<std::string>();
  }
  std::set<std::string> sources() {
    std::lock_guard lock(mutex_);
    return sources_;
  }

  std::promise<void> entered, go_on;

 private:
  std::mutex mutex_;
  std::set<std::string> sources_;
};

using Response = http::response<http::string_body>;

class Client {
 public:
  explicit Client(uint16_t port) : socket_(io_) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
  }
  void Send(const std::string& bytes) {
    boost::system::error_code ignored;  // the server may have closed early
    asio::write(socket_, asio::buffer(bytes), ignored);
  }
  Response Read() {
    http::response_parser<http::string_body> parser;
    boost::system::error_code error;
    http::read(socket_, buffer_, parser, error);
    if (error) ADD_FAILURE() << error.message();
    return parser.release();
  }
  // True when the server closes without another byte.
  bool ReadsEnd() {
    char byte;
    boost::system::error_code error;
    socket_.read_some(asio::buffer(&byte, 1), error);
    return error.failed();
  }
  tcp::socket& socket() { return socket_; }

 private:
  asio::io_context io_;
  tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
};

std::string Post(const std::string& body, const std::string& path = "/tam/acme/main") {
  return absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: t\r\nAccept: application/teep+cbor\r\n",
                      body.empty() ? "" : "Content-Type: application/teep+cbor\r\n",
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServerConfig config = {}) {
    config.workers = 4;
    auto server = HttpServer::Start(config, protocol_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }
  Response Exchange(const std::string& request) {
    Client client(server_->port());
    client.Send(request);
    return client.Read();
  }

  FakeProtocol protocol_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, MessageCarriesTheFourFieldsAndNoOthersThatTellOrCache) {
  Start();
  const Response response = Exchange(Post(""));
  EXPECT_EQ(response.result_int(), 200u);
  EXPECT_EQ(response.body(), kQuery);
  EXPECT_EQ(response["Content-Type"], "application/teep+cbor");
  EXPECT_EQ(response["X-Content-Type-Options"], "nosniff");
  EXPECT_EQ(response["Content-Security-Policy"], "default-src 'none'");
  EXPECT_EQ(response["Referrer-Policy"], "no-referrer");
  EXPECT_NE(response["Date"], "");
  for (const char* absent : {"Cache-Control", "Server", "Set-Cookie", "Location"}) {
    EXPECT_EQ(response.count(absent), 0u) << absent;
  }
}

TEST_F(HttpServerTest, NothingToSayIs204WithoutBody) {
  Start();
  const Response response = Exchange(Post("success"));
  EXPECT_EQ(response.result_int(), 204u);
  EXPECT_EQ(response.body(), "");
  EXPECT_EQ(response.count("Content-Type"), 0u);
  EXPECT_EQ(response.count("Content-Length"), 0u);
}

struct Case {
  std::string name;
  std::string request;
  unsigned status;
};

std::string Raw(const std::string& start, const std::string& fields, const std::string& body = "") {
  return absl::StrCat(start, " HTTP/1.1\r\nHost: t\r\n", fields, "Content-Length: ", body.size(),
                      "\r\n\r\n", body);
}

TEST_F(HttpServerTest, BindingTable) {
  Start();
  const std::string accept = "Accept: application/teep+cbor\r\n";
  const std::string type = "Content-Type: application/teep+cbor\r\n";
  const std::string post = "POST /tam/acme/main";
  const std::vector<Case> cases = {
      {"empty-post", Raw(post, accept), 200},
      {"post-response", Raw(post, accept + type, "update"), 200},
      {"post-success", Raw(post, accept + type, "success"), 204},
      {"wrong-ct", Raw(post, accept + "Content-Type: application/cbor\r\n", "update"), 415},
      {"no-ct-with-body", Raw(post, accept, "update"), 415},
      {"ct-case", Raw(post, accept + "Content-Type: Application/TEEP+CBOR\r\n", "update"), 200},
      {"ct-parameter", Raw(post, accept + "Content-Type: application/teep+cbor;v=1\r\n", "update"),
       200},
      {"no-accept", Raw(post, type, "update"), 406},
      {"accept-json", Raw(post, "Accept: application/json\r\n"), 406},
      {"accept-q0", Raw(post, "Accept: application/teep+cbor;q=0\r\n"), 406},
      {"accept-specific-q0", Raw(post, "Accept: */*, application/teep+cbor;q=0\r\n"), 406},
      {"accept-any", Raw(post, "Accept: */*\r\n"), 200},
      {"accept-application", Raw(post, "Accept: text/html, application/*;q=0.1\r\n"), 200},
      {"accept-two-fields", Raw(post, "Accept: text/html\r\nAccept: APPLICATION/TEEP+CBOR\r\n"),
       200},
      {"accept-bad-weight", Raw(post, "Accept: application/teep+cbor;q=2\r\n"), 406},
      {"put", Raw("PUT /tam/acme/main", accept + type, "any"), 405},
      {"get", Raw("GET /tam/acme/main", accept), 405},
      {"delete", Raw("DELETE /tam/acme/main", accept), 405},
      {"query-part", Raw("POST /tam/acme/main?x=1", accept), 200},
      {"unknown-endpoint", Raw("POST /tam/acme/unknown", accept), 404},
      {"other-path", Raw("POST /index.html", accept), 404},
      {"live", Raw("GET /livez", ""), 200},
      {"over-budget", Raw("POST /tam/acme/busy", accept), 503},
      {"internal-failure", Raw(post, accept + type, "internal"), 500},
      {"dependency-down", Raw(post, accept + type, "down"), 503},
      {"endpoint-limit", Raw(post, accept + type, "too large here"), 413},
      {"too-large-declared",
       absl::StrCat(post, " HTTP/1.1\r\n", accept, type, "Content-Length: 1048577\r\n\r\n"), 413},
      {"malformed", "NONSENSE\r\n\r\n", 400},
      {"header-too-long", Raw(post, absl::StrCat("X: ", std::string(9000, 'x'), "\r\n")), 431},
  };
  for (const Case& c : cases) {
    const Response response = Exchange(c.request);
    EXPECT_EQ(response.result_int(), c.status) << c.name;
    EXPECT_FALSE(response.result_int() / 100 == 3) << c.name;
    EXPECT_EQ(response.count("Cache-Control"), 0u) << c.name;
    EXPECT_EQ(response.count("Allow"), c.status == 405 ? 1u : 0u) << c.name;
    EXPECT_EQ(response.count("Retry-After"), c.status == 503 ? 1u : 0u) << c.name;
  }
}

// The body that a vector's `body` stands for.
std::string BodyFor(const std::string& body) {
  if (body.empty()) return "";
  if (body == ">limit") return std::string((1 << 20) + 1, 'x');
  return absl::StrContains(body, "success") ? "success" : "update";
}

TEST_F(HttpServerTest, AgreesWithTheSharedVectors) {
  const char* vectors = std::getenv("TAM_VECTORS");
  if (vectors == nullptr || *vectors == 0) GTEST_SKIP() << "TAM_VECTORS is not set";
  boost::property_tree::ptree cases;
  boost::property_tree::read_json(absl::StrCat(vectors, "/protocol/vectors/http/cases.json"),
                                  cases);
  ASSERT_GE(cases.size(), 10u);
  Start();
  for (const auto& [unused, c] : cases) {
    std::string fields;
    for (const auto& [name, value] : c.get_child("headers")) {
      absl::StrAppend(&fields, name, ": ", value.data(), "\r\n");
    }
    const std::string start = absl::StrCat(c.get<std::string>("method"), " /tam/acme/main");
    const Response response = Exchange(Raw(start, fields, BodyFor(c.get<std::string>("body"))));
    EXPECT_EQ(response.result_int(), c.get<unsigned>("status")) << c.get<std::string>("id");
  }
}

TEST_F(HttpServerTest, BodyOfExactlyTheLimitIsTakenAndOneByteMoreIsNot) {
  HttpServerConfig config;
  config.max_body_bytes = 1000;
  Start(config);
  EXPECT_EQ(Exchange(Post(std::string(1000, 'x'))).result_int(), 204u);
  EXPECT_EQ(Exchange(Post(std::string(1001, 'x'))).result_int(), 413u);
}

TEST_F(HttpServerTest, ChunkedBodyIsBoundedAsWell) {
  HttpServerConfig config;
  config.max_body_bytes = 8;
  Start(config);
  const std::string head =
      "POST /tam/acme/main HTTP/1.1\r\nHost: t\r\nAccept: */*\r\n"
      "Content-Type: application/teep+cbor\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Exchange(head + "6\r\nupdate\r\n0\r\n\r\n").result_int(), 200u);
  EXPECT_EQ(Exchange(head + "6\r\nupdate\r\n6\r\nupdate\r\n0\r\n\r\n").result_int(), 413u);
}

TEST_F(HttpServerTest, KeepsTheConnectionForTheNextRequest) {
  Start();
  Client client(server_->port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Post(""));
    EXPECT_EQ(client.Read().result_int(), 200u);
    client.Send(Post("success"));
    EXPECT_EQ(client.Read().result_int(), 204u);
  }
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  Client client(server_->port());
  client.Send(Post("update 1") + Post("success") + Post("") + Post("update 2"));
  EXPECT_EQ(client.Read().body(), "update 1");
  EXPECT_EQ(client.Read().result_int(), 204u);
  EXPECT_EQ(client.Read().body(), kQuery);
  EXPECT_EQ(client.Read().body(), "update 2");
}

TEST_F(HttpServerTest, ClosesWhenAsked) {
  Start();
  Client client(server_->port());
  client.Send(
      "POST /tam/acme/main HTTP/1.1\r\nConnection: close\r\nAccept: */*\r\nContent-Length: "
      "0\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 200u);
  EXPECT_TRUE(client.ReadsEnd());
}

TEST_F(HttpServerTest, InvitesABodyThatWaits) {
  Start();
  Client client(server_->port());
  client.Send(
      "POST /tam/acme/main HTTP/1.1\r\nAccept: */*\r\nContent-Type: application/teep+cbor\r\n"
      "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(client.Read().result_int(), 100u);
  client.Send("update");
  EXPECT_EQ(client.Read().body(), "update");
}

TEST_F(HttpServerTest, CountsFailuresAgainstTheAddress) {
  Start();
  Exchange(Post("success"));
  EXPECT_EQ(protocol_.sources(), std::set<std::string>{"127.0.0.1"});
}

TEST_F(HttpServerTest, SlowClientIsLetGo) {
  HttpServerConfig config;
  config.header_timeout = absl::Milliseconds(50);
  config.body_timeout = absl::Milliseconds(50);
  Start(config);
  Client silent(server_->port());
  EXPECT_TRUE(silent.ReadsEnd());
  Client half(server_->port());
  half.Send(
      "POST /tam/acme/main HTTP/1.1\r\nAccept: */*\r\nContent-Type: application/teep+cbor\r\n"
      "Content-Length: 100\r\n\r\nxx");
  EXPECT_TRUE(half.ReadsEnd());
}

TEST_F(HttpServerTest, BeyondTheConnectionCapIs503) {
  HttpServerConfig config;
  config.max_connections = 1;
  Start(config);
  Client first(server_->port());
  first.Send(Post(""));
  EXPECT_EQ(first.Read().result_int(), 200u);
  Client second(server_->port());
  const Response refused = second.Read();
  EXPECT_EQ(refused.result_int(), 503u);
  EXPECT_EQ(refused["Retry-After"], "2");
  first.Send(Post(""));
  EXPECT_EQ(first.Read().result_int(), 200u);
}

TEST_F(HttpServerTest, StopFinishesWhatHasBegun) {
  Start();
  Client idle(server_->port());
  idle.Send(Post(""));
  EXPECT_EQ(idle.Read().result_int(), 200u);
  Client busy(server_->port());
  busy.Send(Post("wait"));
  protocol_.entered.get_future().wait();
  std::thread stop([this] { server_->Stop(absl::Seconds(30)); });
  EXPECT_TRUE(idle.ReadsEnd());  // idle connections go at once
  protocol_.go_on.set_value();
  EXPECT_EQ(busy.Read().body(), "waited");
  EXPECT_TRUE(busy.ReadsEnd());
  stop.join();
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      Client client(server_->port());
      for (int i = 0; i < 20; ++i) {
        const std::string body = absl::StrCat("update ", t, " ", i);
        client.Send(Post(body));
        EXPECT_EQ(client.Read().body(), body);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(HttpServerTest, RefusesAnAddressThatIsNone) {
  HttpServerConfig config;
  config.address = "localhost";
  EXPECT_THAT(HttpServer::Start(config, protocol_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("http.address")));
}

TEST_F(HttpServerTest, PortInUseIsUnavailable) {
  Start();
  HttpServerConfig config;
  config.port = server_->port();
  EXPECT_THAT(HttpServer::Start(config, protocol_).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot listen")));
}

}  // namespace
}  // namespace tam::gateway
