// TEEP over HTTP on a real socket of the loopback interface.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "boost/property_tree/json_parser.hpp"
#include "boost/property_tree/ptree.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/gateway/http_binding.h"
#include "services/gateway/http_fixture.h"
#include "services/gateway/http_server.h"
#include "services/runtime/fault_point.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

class HttpServerTest : public HttpTransportTest {};

INSTANTIATE_TEST_SUITE_P(BothTransports, HttpServerTest,
                         ::testing::Values(Transport::kPlain, Transport::kTls), TransportName);

TEST_P(HttpServerTest, MessageCarriesTheFourFieldsAndNoOthersThatTellOrCache) {
  TAM_ROW("H-01", "H-02", "H-09", "T-73");
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

TEST_P(HttpServerTest, NothingToSayIs204WithoutBody) {
  TAM_ROW("H-08", "A10");
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

TEST_P(HttpServerTest, BindingTable) {
  TAM_ROW("H-02", "H-03", "H-05", "H-06", "H-10");
  Start();
  const std::string accept = kAcceptField;
  const std::string type = kTypeField;
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
      {"dependency-ending", Raw(post, accept + type, "ending"), 503},
      {"endpoint-limit", Raw(post, accept + type, "too large here"), 413},
      {"too-large-declared",
       absl::StrCat(post, " HTTP/1.1\r\nHost: t\r\n", accept, type,
                    "Content-Length: 1048577\r\n\r\n"),
       413},
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

TEST_P(HttpServerTest, NoMethodButPostReachesTheEngine) {
  TAM_ROW("H-04");
  Start();
  const std::string fields = std::string(kAcceptField) + kTypeField;
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "LINK"}) {
    const Response response =
        Exchange(Raw(absl::StrCat(method, " /tam/acme/main"), fields, "update"));
    EXPECT_EQ(response.result_int(), 405u) << method;
    EXPECT_EQ(response["Allow"], "POST") << method;
    EXPECT_NE(response.body(), "update") << method;
  }
  EXPECT_TRUE(protocol_.sources().empty());
}

TEST_P(HttpServerTest, AnEmptyBodyConnectsHoweverItIsFramed) {
  TAM_ROW("H-07");
  Start();
  const std::string start =
      absl::StrCat("POST /tam/acme/main HTTP/1.1\r\nHost: t\r\n", kAcceptField, kTypeField);
  const std::string chunked = start + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(Exchange(start + "Content-Length: 0\r\n\r\n").body(), kQuery);
  EXPECT_EQ(Exchange(start + "\r\n").body(), kQuery);
  EXPECT_EQ(Exchange(chunked + "0\r\n\r\n").body(), kQuery);
  EXPECT_EQ(Exchange(chunked + "4\r\nupda\r\n3\r\nte!\r\n0\r\n\r\n").body(), "update!");
  EXPECT_EQ(Exchange(start + "Content-Length: 6\r\n\r\nupdate").body(), "update");
}

// The body that a vector's `body` stands for.
std::string BodyFor(const std::string& body) {
  if (body.empty()) return "";
  if (body == ">limit") return std::string((1 << 20) + 1, 'x');
  return absl::StrContains(body, "success") ? "success" : "update";
}

TEST_P(HttpServerTest, AgreesWithTheSharedVectors) {
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

TEST_P(HttpServerTest, KeepsTheConnectionForTheNextRequest) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  for (int i = 0; i < 3; ++i) {
    client->Send(Post(""));
    EXPECT_EQ(client->Read().result_int(), 200u);
    client->Send(Post("success"));
    EXPECT_EQ(client->Read().result_int(), 204u);
  }
}

TEST_P(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  client->Send(Post("update 1") + Post("success") + Post("") + Post("update 2"));
  EXPECT_EQ(client->Read().body(), "update 1");
  EXPECT_EQ(client->Read().result_int(), 204u);
  EXPECT_EQ(client->Read().body(), kQuery);
  EXPECT_EQ(client->Read().body(), "update 2");
}

TEST_P(HttpServerTest, ClosesWhenAsked) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  client->Send(
      "POST /tam/acme/main HTTP/1.1\r\nHost: t\r\nConnection: close\r\nAccept: "
      "*/*\r\nContent-Length: "
      "0\r\n\r\n");
  EXPECT_EQ(client->Read().result_int(), 200u);
  EXPECT_TRUE(client->ReadsEnd());
}

TEST_P(HttpServerTest, InvitesABodyThatWaits) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  client->Send(
      "POST /tam/acme/main HTTP/1.1\r\nHost: t\r\nAccept: */*\r\nContent-Type: "
      "application/teep+cbor\r\n"
      "Expect: 100-continue\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(client->Read().result_int(), 100u);
  client->Send("update");
  EXPECT_EQ(client->Read().body(), "update");
}

TEST_P(HttpServerTest, CountsFailuresAgainstTheAddress) {
  Start();
  Exchange(Post("success"));
  EXPECT_EQ(protocol_.sources(), std::set<std::string>{"127.0.0.1"});
}

TEST_P(HttpServerTest, AnEngineThatThrowsIs500AndTheConnectionGoesOn) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  for (int i = 0; i < 5; ++i) {  // one more than there are workers
    client->Send(Post("throw"));
    EXPECT_EQ(client->Read().result_int(), 500u);
  }
  client->Send(Post("update"));
  EXPECT_EQ(client->Read().body(), "update");
}

TEST_P(HttpServerTest, WhatThrowsWhereAConnectionIsReadAndWrittenEndsThatConnectionAlone) {
  std::atomic<int> throws = 3;  // one more than there are I/O threads
  on_reply_ = [&](int) {
    if (throws-- > 0) throw std::bad_alloc();
  };
  Start();
  for (int i = 0; i < 3; ++i) {
    const std::unique_ptr<Client> client = Connect();
    client->Send(Post("update"));
    EXPECT_TRUE(client->ReadsEnd());
  }
  EXPECT_EQ(Exchange(Post("update")).body(), "update");
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  EXPECT_EQ(server_->held_bytes(), 0u);
}

TEST_P(HttpServerTest, StopFinishesWhatHasBegun) {
  Start();
  const std::unique_ptr<Client> idle = Connect();
  idle->Send(Post(""));
  EXPECT_EQ(idle->Read().result_int(), 200u);
  const std::unique_ptr<Client> busy = Connect();
  busy->Send(Post("wait"));
  protocol_.entered.get_future().wait();
  std::thread stop([this] { server_->Stop(absl::Seconds(30)); });
  EXPECT_TRUE(idle->ReadsEnd());  // idle connections go at once
  protocol_.go_on.set_value();
  EXPECT_EQ(busy->Read().body(), "waited");
  EXPECT_TRUE(busy->ReadsEnd());
  stop.join();
  EXPECT_EQ(server_->connections(), 0u);
}

TEST_P(HttpServerTest, ManyClientsAtOnce) {
  Start();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([this, t] {
      const std::unique_ptr<Client> client = Connect();
      for (int i = 0; i < 20; ++i) {
        const std::string body = absl::StrCat("update ", t, " ", i);
        client->Send(Post(body));
        EXPECT_EQ(client->Read().body(), body);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(HttpServerTest, RefusesAnAddressThatIsNone) {
  HttpServerConfig config;
  config.address = "localhost";
  EXPECT_THAT(HttpServer::Start(config, protocol_).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("http.address")));
}

TEST_P(HttpServerTest, PortInUseIsUnavailable) {
  Start();
  HttpServerConfig config;
  config.port = server_->port();
  EXPECT_THAT(HttpServer::Start(config, protocol_).status(),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("cannot listen")));
}

std::mutex passed_mutex;
std::vector<std::string> passed;  // guarded by passed_mutex

std::vector<std::string> Passed() {
  std::lock_guard lock(passed_mutex);
  return passed;
}

TEST_P(HttpServerTest, FaultPointsStandAroundTheWriteOfAReply) {
  passed.clear();
  runtime::SetFaultHook([](const std::string& point) {
    std::lock_guard lock(passed_mutex);
    passed.push_back(point);
  });
  Start();
  const std::unique_ptr<Client> client = Connect();
  for (const std::string& request : {Post(""), Post("update"), Post("success"),
                                     Raw("GET /livez", ""), Raw("PUT /tam/acme/main", "")}) {
    client->Send(request);
    client->Read();
  }
  client->socket().close();
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  runtime::SetFaultHook(nullptr);
  // Neither liveness nor what the engine is not asked passes one.
  EXPECT_THAT(Passed(), ::testing::ElementsAre(
                            "send.ProcessConnect.before", "send.ProcessConnect.after",
                            "send.ProcessTeepMessage.before", "send.ProcessTeepMessage.after",
                            "send.ProcessTeepMessage.before", "send.ProcessTeepMessage.after"));
}

}  // namespace
}  // namespace tam::gateway
