// TEEP over HTTP (draft-ietf-teep-otrp-over-http-15) against a running TAM: the published cases,
// their bodies made anew with what the TAM asks, and cases of our own. The rows that result are
// checked too.
#include <fnmatch.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "gtest/gtest.h"
#include "teep/message/message.h"
#include "tests/conformance/raw_http.h"
#include "tests/e2e/hand_made_agent.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"
#include "tests/support/vectors.h"

namespace tam::conformance {
namespace {

using testing::HandMadeAgent;
using testing::kMainPath;
using testing::Scenario;
using testing::Stack;
using testing::Value;
using testing::VectorCase;

constexpr char kAccept[] = "Accept: application/teep+cbor\r\n";
constexpr char kContentType[] = "Content-Type: application/teep+cbor\r\n";
constexpr size_t kLimit = size_t{1} << 20;  // an endpoint's default

class HttpCasesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto stack = Stack::Start();
    ASSERT_THAT(stack, testing::IsOk());
    stack_ = *std::move(stack);
    scenario_ = std::make_unique<Scenario>(*stack_);
    scenario_->SetUpSample();
    // The tenant's first QueryRequest of all leaves a row, the root of its challenges.
    EXPECT_EQ(Send(Request("POST", kAccept, ""))[0].status, 200);
  }
  static void TearDownTestSuite() {
    scenario_.reset();
    stack_.reset();
  }

  // A device of its own for each case: something is due to it.
  void SetUp() override { ASSERT_NE(scenario_, nullptr); }
  std::unique_ptr<HandMadeAgent> NewAgent() {
    const std::string name = absl::StrCat("case", ++devices_);
    scenario_->AddDevice(name);
    return std::make_unique<HandMadeAgent>(*stack_, scenario_->Folder(name));
  }

  static int Port() {
    const std::string address = stack_->tam().HttpAddress(0);
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) << address;
    return port;
  }
  static int Count(const std::string& rows) {
    return std::stoi(stack_->Sql("SELECT count(*) FROM " + rows));
  }
  static int Accepted() { return Count("audit.entries WHERE kind = 'session.accepted'"); }

  static std::vector<RawReply> Send(std::string_view bytes, size_t replies = 1) {
    const auto all = Exchange(Port(), bytes, replies);
    EXPECT_OK(all);
    if (all.ok() && all->size() == replies) return *all;
    ADD_FAILURE() << "want " << replies << " replies, got " << (all.ok() ? all->size() : 0);
    return std::vector<RawReply>(replies);
  }
  static std::string Request(const std::string& method, const std::string& headers,
                             const std::string& body) {
    return absl::StrCat(method, " ", kMainPath, " HTTP/1.1\r\nHost: tam.example\r\n", headers,
                        "Content-Length: ", body.size(), "\r\n\r\n", body);
  }

  static std::unique_ptr<Stack> stack_;
  static std::unique_ptr<Scenario> scenario_;
  static int devices_;
};

std::unique_ptr<Stack> HttpCasesTest::stack_;
std::unique_ptr<Scenario> HttpCasesTest::scenario_;
int HttpCasesTest::devices_ = 0;

// Exactly the headers that the binding requires, and what frames the reply.
void ExpectHeaders(const RawReply& reply) {
  std::map<std::string, std::string> rest = reply.headers;
  for (const char* framing : {"content-length", "connection", "date"}) {
    rest.erase(framing);
  }
  std::map<std::string, std::string> want;
  if (reply.status == 200) {
    want = {{"content-type", "application/teep+cbor"},
            {"x-content-type-options", "nosniff"},
            {"content-security-policy", "default-src 'none'"},
            {"referrer-policy", "no-referrer"}};
  } else if (reply.status == 405) {
    want = {{"allow", "POST"}};
  } else if (reply.status == 503) {
    want = {{"retry-after", "2"}};
  }
  EXPECT_EQ(rest, want);
  EXPECT_EQ(reply.body.empty(), reply.status != 200);
}

std::optional<teep::Message> MessageIn(const std::string& bytes) {
  const auto cose = cose::Message::Parse(cbor::AsBytes(bytes), cose::TagRule::kRequired);
  if (!cose.ok() || !cose->unverified_payload().has_value()) return std::nullopt;
  auto message = teep::Decode(cbor::AsBytes(*cose->unverified_payload()));
  if (!message.ok()) return std::nullopt;
  return *std::move(message);
}

// The vector that a case's body names, by a glob of the index.
std::string FileOf(const std::string& folder, const std::string& pattern) {
  for (const VectorCase& row : testing::ReadCases(folder + "index.json")) {
    if (fnmatch(pattern.c_str(), Value(row, "file").c_str(), 0) == 0) return Value(row, "file");
  }
  ADD_FAILURE() << "no vector " << pattern;
  return "";
}

// The body of a published case for `agent`, alive: a response answers a challenge of now, a Success
// an Update of now. "any" is any message that a TAM accepts.
std::string LiveBody(const std::string& folder, const std::string& body, HandMadeAgent& agent) {
  if (body.empty()) return "";
  if (body == ">limit") return std::string(kLimit + 1, 'x');
  const std::string pattern = body == "any" ? "teep/generated/*resp-token-tclist.cbor" : body;
  const auto vector = MessageIn(testing::ReadFile(folder + FileOf(folder, pattern)));
  if (!vector.has_value()) {
    ADD_FAILURE() << pattern << ": no message";
    return "";
  }
  const teep::QueryResponse live = agent.UnsignedResponse(agent.Challenge(kMainPath));
  if (const auto* response = std::get_if<teep::QueryResponse>(&*vector)) {
    teep::QueryResponse anew = *response;
    anew.token.reset();
    anew.attestation_payload = live.attestation_payload;
    anew.attestation_payload_format = live.attestation_payload_format;
    return agent.Sign(anew);
  }
  teep::Success success = std::get<teep::Success>(*vector);
  success.token = agent.Post(kMainPath, agent.Sign(live)).update().token;
  EXPECT_TRUE(success.token.has_value());
  return agent.Sign(success);
}

std::string HeadersOf(const VectorCase& http_case) {
  std::string headers;
  for (const auto& [name, value] : http_case) {
    if (name.rfind("headers.", 0) == 0) {
      absl::StrAppend(&headers, name.substr(8), ": ", value, "\r\n");
    }
  }
  return headers;
}

TEST_F(HttpCasesTest, PublishedCasesGetTheirStatusAndRows) {
  const auto root = testing::VectorRoot();
  if (!root.has_value()) GTEST_SKIP() << "TAM_VECTORS is unset";
  const std::string folder = *root + "/protocol/vectors/";
  int ran = 0;
  for (const VectorCase& http_case : testing::ReadCases(folder + "http/cases.json")) {
    SCOPED_TRACE(Value(http_case, "id"));
    const auto agent = NewAgent();
    const std::string named = Value(http_case, "body");
    const std::string body = LiveBody(folder, named, *agent);
    const int want = std::stoi(Value(http_case, "status"));
    const std::string before = stack_->DatabaseDigest();
    const int accepted = Accepted();
    const int installed = Count("registry.device_manifests");
    const RawReply reply = Send(Request(Value(http_case, "method"), HeadersOf(http_case), body))[0];
    EXPECT_EQ(reply.status, want);
    ExpectHeaders(reply);
    if (want >= 400 || body.empty()) {
      EXPECT_EQ(stack_->DatabaseDigest(), before);
    } else if (want == 200) {
      const auto message = MessageIn(reply.body);
      ASSERT_TRUE(message.has_value() && std::holds_alternative<teep::Update>(*message));
      EXPECT_EQ(std::get<teep::Update>(*message).manifest_list.size(), 1u);
      EXPECT_EQ(Accepted(), accepted + 1);
      EXPECT_EQ(Count("registry.device_manifests"), installed);
    } else {
      EXPECT_EQ(Count("registry.device_manifests"), installed + 1);
    }
    ++ran;
  }
  EXPECT_GE(ran, 11);
}

TEST_F(HttpCasesTest, AnEmptyPostIsAnsweredByAQueryRequest) {
  const RawReply reply = Send(Request("POST", kAccept, ""))[0];
  EXPECT_EQ(reply.status, 200);
  ExpectHeaders(reply);
  const auto message = MessageIn(reply.body);
  ASSERT_TRUE(message.has_value());
  EXPECT_TRUE(std::holds_alternative<teep::QueryRequest>(*message));
}

TEST_F(HttpCasesTest, AChunkedBodyIsABodyLikeAnother) {
  const auto agent = NewAgent();
  const std::string body = agent->Response(agent->Challenge(kMainPath));
  const size_t half = body.size() / 2;
  const auto chunk = [](const std::string& part) {
    return absl::StrCat(absl::Hex(part.size()), "\r\n", part, "\r\n");
  };
  const std::string head = absl::StrCat("POST ", kMainPath, " HTTP/1.1\r\nHost: t\r\n", kAccept,
                                        kContentType, "Transfer-Encoding: chunked\r\n\r\n");
  const int accepted = Accepted();
  const RawReply reply = Send(
      absl::StrCat(head, chunk(body.substr(0, half)), chunk(body.substr(half)), "0\r\n\r\n"))[0];
  EXPECT_EQ(reply.status, 200);
  ExpectHeaders(reply);
  EXPECT_EQ(Accepted(), accepted + 1);
  // None at all is an empty POST.
  EXPECT_EQ(Send(head + "0\r\n\r\n")[0].status, 200);
  EXPECT_EQ(Send(absl::StrCat(head, chunk(std::string(kLimit + 1, 'x')), "0\r\n\r\n"))[0].status,
            413);
}

TEST_F(HttpCasesTest, AmbiguousFramingIsRefused) {
  const std::string before = stack_->DatabaseDigest();
  const std::string start = absl::StrCat("POST ", kMainPath, " HTTP/1.1\r\nHost: t\r\n", kAccept);
  EXPECT_EQ(
      Send(absl::StrCat(start, kContentType,
                        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))[0]
          .status,
      400);
  EXPECT_EQ(stack_->DatabaseDigest(), before);
}

// A recipient that took the first and one that took the last would read two messages in it.
TEST_F(HttpCasesTest, TwoContentTypesAreRefused) {
  const auto agent = NewAgent();
  const std::string body = agent->Response(agent->Challenge(kMainPath));
  const std::string before = stack_->DatabaseDigest();
  for (const char* first : {kContentType, "Content-Type: text/plain\r\n"}) {
    const RawReply reply =
        Send(Request("POST", absl::StrCat(kAccept, first, kContentType), body))[0];
    EXPECT_EQ(reply.status, 400);
    ExpectHeaders(reply);
  }
  EXPECT_EQ(stack_->DatabaseDigest(), before);
  // The same message, said once.
  EXPECT_EQ(Send(Request("POST", absl::StrCat(kAccept, kContentType), body))[0].status, 200);
}

TEST_F(HttpCasesTest, AcceptIsReadAsRangesWithWeights) {
  const std::pair<std::string, int> cases[] = {
      {"", 406},
      {"Accept: \r\n", 406},
      {"Accept: */*\r\n", 200},
      {"Accept: application/*\r\n", 200},
      {"Accept: APPLICATION/teep+CBOR\r\n", 200},
      {"Accept: text/html, application/teep+cbor;q=0.1\r\n", 200},
      {"Accept: text/html\r\nAccept: application/teep+cbor\r\n", 200},
      {"Accept: application/teep+cbor;q=0\r\n", 406},
      {"Accept: application/teep+cbor;q=0, */*\r\n", 406},
      {"Accept: application/teep+cbor;q=2\r\n", 406},
      {"Accept: application/teep\r\n", 406},
      {"Accept: text/*, application/cbor\r\n", 406},
  };
  for (const auto& [fields, want] : cases) {
    const RawReply reply = Send(Request("POST", fields, ""))[0];
    EXPECT_EQ(reply.status, want) << fields;
    ExpectHeaders(reply);
  }
}

// A device that answers wrongly over and over is told to come later (draft -26 section 10, limits).
TEST_F(HttpCasesTest, ADeviceAboveItsLimitGetsRetryAfter) {
  const auto agent = NewAgent();
  teep::QueryResponse incomplete = agent->UnsignedResponse(agent->Challenge(kMainPath));
  incomplete.attestation_payload.reset();
  incomplete.attestation_payload_format.reset();
  const std::string before = stack_->DatabaseDigest();
  const std::string request =
      Request("POST", absl::StrCat(kAccept, kContentType), agent->Sign(incomplete));
  RawReply reply;
  for (int i = 0; i < 30 && reply.status != 503; ++i) {
    reply = Send(request)[0];
    ASSERT_TRUE(reply.status == 200 || reply.status == 503) << reply.status;
    ExpectHeaders(reply);
  }
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(stack_->DatabaseDigest(), before);
}

TEST_F(HttpCasesTest, Http10IsAnsweredInKind) {
  const std::string request =
      absl::StrCat("POST ", kMainPath, " HTTP/1.0\r\n", kAccept, "Content-Length: 0\r\n\r\n");
  const RawReply reply = Send(request)[0];
  EXPECT_EQ(reply.version, "HTTP/1.0");
  EXPECT_EQ(reply.status, 200);
  ExpectHeaders(reply);
  EXPECT_TRUE(MessageIn(reply.body).has_value());
}

TEST_F(HttpCasesTest, PipelinedRequestsAreAnsweredInOrder) {
  const std::string query = Request("POST", kAccept, "");
  const std::string wrong = Request("POST", "Accept: text/html\r\n", "");
  const auto replies = Send(absl::StrCat(query, wrong, query), 3);
  EXPECT_EQ(replies[0].status, 200);
  EXPECT_EQ(replies[1].status, 406);
  EXPECT_EQ(replies[2].status, 200);
  EXPECT_NE(replies[0].body, replies[2].body);
}

TEST_F(HttpCasesTest, OtherPathsAndMethodsAreRefused) {
  EXPECT_EQ(Send(absl::StrCat("POST /tam/demo/none HTTP/1.1\r\nHost: t\r\n", kAccept,
                              "Content-Length: 0\r\n\r\n"))[0]
                .status,
            404);
  for (const char* method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}) {
    const RawReply reply = Send(Request(method, kAccept, ""))[0];
    EXPECT_EQ(reply.status, 405) << method;
    ExpectHeaders(reply);
  }
}

}  // namespace
}  // namespace tam::conformance
