// Heads that servers on the way might understand differently (RFC 9112).
#include "services/gateway/http_head.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/beast/http.hpp"
#include "gtest/gtest.h"
#include "services/gateway/http_fixture.h"

namespace tam::gateway {
namespace {

using State = HeadScanner::State;

TEST(HeadScannerTest, FindsTheEndHoweverTheHeadComes) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string more = head + "body";
  HeadScanner whole;
  EXPECT_EQ(whole.Scan(more), State::kWhole);
  EXPECT_EQ(whole.size(), head.size());
  EXPECT_EQ(whole.skip(), 0u);
  HeadScanner octets;
  for (size_t i = 1; i < head.size(); ++i) {
    EXPECT_EQ(octets.Scan(head.substr(0, i)), State::kPartial) << i;
  }
  EXPECT_EQ(octets.Scan(head), State::kWhole);
  EXPECT_EQ(octets.size(), head.size());
}

TEST(HeadScannerTest, LetsOneEmptyLinePassInFront) {
  HeadScanner one;
  EXPECT_EQ(one.Scan("\r\nA\r\n\r\n"), State::kWhole);
  EXPECT_EQ(one.skip(), 2u);
  EXPECT_EQ(one.size(), 7u);
  EXPECT_EQ(HeadScanner().Scan("\r\n\r\nA\r\n\r\n"), State::kMalformed);
}

TEST(HeadScannerTest, RefusesWhatOthersMayReadOtherwise) {
  for (const std::string& head : std::vector<std::string>{
           "A\n", "A\r\nB: c\n", "A\r\nB: c\rd", "A\r\nB: c\r\r\n", "A\r\n B: c", "A\r\n\tB: c",
           "A\r\nB: c\r\n d", "A\r\nB: c\r\n\td", std::string("A\r\nB: \0", 7), "A\r\nB: \x7f",
           "A\r\nB: \x01", " A", "\n", "\rA", "\x16\x03\x01"}) {
    EXPECT_EQ(HeadScanner().Scan(head), State::kMalformed) << head;
  }
}

TEST(OriginFormTest, TakesThePathOfAnAbsoluteTarget) {
  EXPECT_EQ(OriginForm("/tam/a/b?x"), "/tam/a/b?x");
  EXPECT_EQ(OriginForm("http://h/tam/a/b?x"), "/tam/a/b?x");
  EXPECT_EQ(OriginForm("HTTPS://h.example:8443/tam/a/b"), "/tam/a/b");
  EXPECT_EQ(OriginForm("http://h"), "/");
  EXPECT_EQ(OriginForm("http://h?x"), "?x");
  for (const char* other : {"*", "h:443", "ftp://h/tam/a/b", "http:///tam/a/b", "http://", ""}) {
    EXPECT_EQ(OriginForm(other), other);
  }
}

class HttpHeadTest : public HttpTransportTest {};
INSTANTIATE_TEST_SUITE_P(BothTransports, HttpHeadTest,
                         ::testing::Values(Transport::kPlain, Transport::kTls), TransportName);

constexpr char kPost[] = "POST /tam/acme/main HTTP/1.1\r\n";
constexpr char kHost[] = "Host: t\r\n";
constexpr char kEmpty[] = "Content-Length: 0\r\n";

TEST_P(HttpHeadTest, AcceptsEveryFormThatIsClear) {
  Start();
  const std::string rest = absl::StrCat(kAcceptField, kEmpty, "\r\n");
  for (const std::string& request : std::vector<std::string>{
           absl::StrCat(kPost, kHost, rest),
           absl::StrCat("\r\n", kPost, kHost, rest),
           absl::StrCat(kPost, "hOST:\t t:8443 \t\r\n", rest),
           absl::StrCat(kPost, "Host: [2001:db8::1]:443\r\n", rest),
           absl::StrCat(kPost, "Host:\r\n", rest),
           absl::StrCat("POST http://t/tam/acme/main HTTP/1.1\r\n", kHost, rest),
           absl::StrCat("POST https://other.example:1/tam/acme/main?q HTTP/1.1\r\n", kHost, rest),
           absl::StrCat("POST /tam/acme/main HTTP/1.0\r\n", rest),
           absl::StrCat(kPost, kHost, kAcceptField, "\r\n"),
       }) {
    EXPECT_EQ(Exchange(request).result_int(), 200u) << request;
  }
}

TEST_P(HttpHeadTest, RefusesAndClosesWhatIsNot) {
  Start();
  const std::string ok = absl::StrCat(kPost, kHost, kAcceptField);
  const std::string type = kTypeField;
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string body = "6\r\nupdate\r\n0\r\n\r\n";
  const std::vector<std::pair<std::string, unsigned>> cases = {
      {absl::StrCat(kPost, kAcceptField, kEmpty, "\r\n"), 400},             // no Host
      {absl::StrCat(ok, kHost, kEmpty, "\r\n"), 400},                       // two
      {absl::StrCat(ok, "host: t\r\n", kEmpty, "\r\n"), 400},               // two, the same
      {absl::StrCat(kPost, "Host: a, b\r\n", kAcceptField, "\r\n"), 400},   // no host
      {absl::StrCat(kPost, "Host: a/b@c\r\n", kAcceptField, "\r\n"), 400},  // no host
      {absl::StrCat(ok, type, "Content-Length: 6\r\n", chunked, "\r\n", body), 400},
      {absl::StrCat(ok, type, chunked, "Content-Length: 6\r\n\r\n", body), 400},
      {absl::StrCat(ok, type, "Content-Length: 6\r\nContent-Length: 7\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6\r\nContent-Length: 6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6\r\nX: a\r\ncontent-length: 6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6, 6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6,6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6,\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: +6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: 6x\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, type, "Content-Length: -1\r\n\r\n"), 400},
      {absl::StrCat(ok, type, type, "Content-Length: 6\r\n\r\nupdate"), 400},
      {absl::StrCat(ok, "Content-Type: text/plain\r\n", type, "Content-Length: 6\r\n\r\nupdate"),
       400},
      {absl::StrCat(ok, type, "Transfer-Encoding: gzip\r\n\r\n", body), 400},
      {absl::StrCat(ok, type, "Transfer-Encoding: chunked, gzip\r\n\r\n", body), 400},
      {absl::StrCat(ok, type, "Transfer-Encoding: gzip, chunked\r\n\r\n", body), 501},
      {absl::StrCat(ok, type, chunked, chunked, "\r\n", body), 400},
      {absl::StrCat("POST /tam/acme/main HTTP/1.0\r\n", kHost, kAcceptField, type, chunked, "\r\n",
                    body),
       400},
      {absl::StrCat(ok, "X: a\r\n b\r\n\r\n"), 400},                     // obs-fold
      {absl::StrCat(ok, "X : a\r\n\r\n"), 400},                          // space before colon
      {absl::StrCat(ok, "X\r\n\r\n"), 400},                              // no colon
      {absl::StrCat(kPost, " ", kHost, kAcceptField, "\r\n"), 400},      // space before field
      {absl::StrCat("POST /tam/acme/main HTTP/1.1\nHost: t\n\n"), 400},  // bare LF
      {absl::StrCat(ok, "X: a\n\r\n"), 400},
      {absl::StrCat(ok, "X: a\rb\r\n\r\n"), 400},  // bare CR
      {"POST /tam/acme/main HTTP/2.0\r\nHost: t\r\n\r\n", 505},
      {"POST /tam/acme/main\r\n\r\n", 400},
      {"POST /tam/acme/main 1\r\n\r\n", 400},  // Beast would wait for the rest of the version
      {absl::StrCat("POST  /tam/acme/main HTTP/1.1\r\n", kHost, "\r\n"), 400},
  };
  for (const auto& [request, code] : cases) {
    const std::unique_ptr<Client> client = Connect();
    client->Send(request);
    EXPECT_EQ(client->Read().result_int(), code) << request;
    EXPECT_TRUE(client->ReadsEnd()) << request;
  }
}

// What smuggles is what one server takes for a body and another for a request.
TEST_P(HttpHeadTest, AnswersNothingBehindARefusal) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  client->Send(absl::StrCat(kPost, kHost, kAcceptField, kTypeField,
                            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                            Post("update")));
  EXPECT_EQ(client->Read().result_int(), 400u);
  EXPECT_TRUE(client->ReadsEnd());
  EXPECT_TRUE(protocol_.sources().empty());
}

TEST_P(HttpHeadTest, ATrailerIsNoHeader) {
  Start();
  const std::unique_ptr<Client> client = Connect();
  client->Send(absl::StrCat(kPost, kHost, kAcceptField, "Transfer-Encoding: chunked\r\n",
                            kTypeField,
                            "\r\n6\r\nupdate\r\n0\r\nContent-Type: text/plain\r\n\r\n"));
  EXPECT_EQ(client->Read().body(), "update");
}

TEST_P(HttpHeadTest, RefusesMalformedChunks) {
  Start();
  const std::string head =
      absl::StrCat(kPost, kHost, kAcceptField, kTypeField, "Transfer-Encoding: chunked\r\n\r\n");
  for (const char* body : {"6\nupdate\r\n0\r\n\r\n", "x\r\nupdate\r\n", "6\r\nupdateX\r\n0\r\n\r\n",
                           "-6\r\nupdate\r\n0\r\n\r\n", "fffffffffffffffff\r\n"}) {
    EXPECT_EQ(Exchange(head + body).result_int(), 400u) << body;
  }
}

}  // namespace
}  // namespace tam::gateway
