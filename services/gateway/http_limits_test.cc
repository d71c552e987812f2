// Each limit of the listener at its edge, over real sockets.
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "services/gateway/http_fixture.h"
#include "services/gateway/manual_clock.h"

namespace tam::gateway {
namespace {

class HttpLimitsTest : public HttpTransportTest {
 protected:
  // How long until the server ended this.
  absl::Duration TimeToEnd(Client& client) {
    const absl::Time start = absl::Now();
    EXPECT_TRUE(client.ReadsEnd());
    return absl::Now() - start;
  }
};

INSTANTIATE_TEST_SUITE_P(BothTransports, HttpLimitsTest,
                         ::testing::Values(Transport::kPlain, Transport::kTls), TransportName);

std::string Head(size_t content_length) {
  return absl::StrCat("POST /tam/acme/main HTTP/1.1\r\nHost: t\r\n", kAcceptField, kTypeField,
                      "Content-Length: ", content_length, "\r\n\r\n");
}

// A request that carries a field so long that its head has `size` octets.
std::string HeadOfSize(size_t size) {
  const std::string rest = Raw("POST /tam/acme/main", absl::StrCat(kAcceptField, "X: \r\n"));
  return Raw("POST /tam/acme/main",
             absl::StrCat(kAcceptField, "X: ", std::string(size - rest.size(), 'x'), "\r\n"));
}

TEST_P(HttpLimitsTest, HeadOfExactlyTheLimitIsTakenAndOneOctetMoreIsNot) {
  HttpServerConfig config;
  config.max_header_bytes = 1000;
  Start(config);
  ASSERT_EQ(HeadOfSize(1000).size(), 1000u);
  EXPECT_EQ(Exchange(HeadOfSize(1000)).result_int(), 200u);
  EXPECT_EQ(Exchange(HeadOfSize(1001)).result_int(), 431u);
  EXPECT_EQ(Exchange(std::string(1000, 'x')).result_int(), 431u);
}

TEST_P(HttpLimitsTest, BodyOfExactlyTheLimitIsTakenAndOneOctetMoreIsNot) {
  HttpServerConfig config;
  config.max_body_bytes = 1000;
  Start(config);
  EXPECT_EQ(Exchange(Post(std::string(1000, 'x'))).result_int(), 204u);
  EXPECT_EQ(Exchange(Post(std::string(1001, 'x'))).result_int(), 413u);
}

TEST_P(HttpLimitsTest, ChunkedBodyIsBoundedAsWell) {
  HttpServerConfig config;
  config.max_body_bytes = 12;
  Start(config);
  const std::string head = absl::StrCat("POST /tam/acme/main HTTP/1.1\r\nHost: t\r\n", kAcceptField,
                                        kTypeField, "Transfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(Exchange(head + "6\r\nupdate\r\n6\r\nupdate\r\n0\r\n\r\n").body(), "updateupdate");
  EXPECT_EQ(Exchange(head + "6\r\nupdate\r\n7\r\nupdates\r\n0\r\n\r\n").result_int(), 413u);
}

TEST_P(HttpLimitsTest, SilentConnectionEndsWithTheTimeForAHead) {
  HttpServerConfig config;
  config.header_timeout = absl::Milliseconds(100);
  Start(config);
  const auto client = Connect();
  EXPECT_TRUE(client->ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kHeadSlow) == 1; }));
}

// 2,000 octets, 10 ms each, would take 20 s.
TEST_P(HttpLimitsTest, NoOctetProlongsTheTimeForAHead) {
  HttpServerConfig config;
  config.header_timeout = absl::Milliseconds(300);
  Start(config);
  const auto client = Connect();
  EXPECT_LT(client->Trickle(HeadOfSize(2000)), 1000u);
  EXPECT_TRUE(client->ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kHeadSlow) == 1; }));
  // The next request of a connection has as long, not less for the first.
  const auto second = Connect();
  second->Send(Post(""));
  EXPECT_EQ(second->Read().result_int(), 200u);
  EXPECT_LT(second->Trickle(HeadOfSize(2000)), 1000u);
  EXPECT_TRUE(second->ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kHeadSlow) == 2; }));
}

TEST_P(HttpLimitsTest, NoOctetProlongsTheTimeForABody) {
  HttpServerConfig config;
  config.body_timeout = absl::Milliseconds(300);
  Start(config);
  const auto client = Connect();
  client->Send(Head(2000));
  EXPECT_LT(client->Trickle(std::string(2000, 'x')), 1000u);
  EXPECT_TRUE(client->ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kBodySlow) == 1; }));
}

TEST_P(HttpLimitsTest, IdleConnectionEndsAndABusyOneDoesNot) {
  HttpServerConfig config;
  config.idle_timeout = absl::Milliseconds(200);
  Start(config);
  const auto idle = Connect();
  idle->Send(Post(""));
  EXPECT_EQ(idle->Read().result_int(), 200u);
  EXPECT_GT(TimeToEnd(*idle), absl::Milliseconds(100));
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kIdle) == 1; }));
  // What the engine takes is no idleness.
  const auto busy = Connect();
  busy->Send(Post("wait"));
  protocol_.entered.get_future().wait();
  const auto meanwhile = Connect();
  meanwhile->Send(Post(""));
  EXPECT_EQ(meanwhile->Read().result_int(), 200u);
  EXPECT_TRUE(meanwhile->ReadsEnd());
  protocol_.go_on.set_value();
  EXPECT_EQ(busy->Read().body(), "waited");
}

TEST_P(HttpLimitsTest, ClientThatNeverReadsIsLetGo) {
  HttpServerConfig config;
  config.write_timeout = absl::Milliseconds(100);
  config.min_write_bytes_per_second = 1 << 30;
  Start(config);
  const auto client = Connect();
  client->Send(Post("big"));
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kReplySlow) == 1; }));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  EXPECT_EQ(server_->held_bytes(), 0u);
}

TEST_P(HttpLimitsTest, LargeReplyHasTheTimeThatItsSizeGives) {
  HttpServerConfig config;
  config.write_timeout = absl::Milliseconds(1);
  config.min_write_bytes_per_second = 64 << 10;  // 128 s for 8 MiB
  Start(config);
  EXPECT_EQ(Exchange(Post("big")).body().size(), 8u << 20);
}

TEST_P(HttpLimitsTest, ConnectionEndsAfterItsShareOfRequests) {
  HttpServerConfig config;
  config.max_requests_per_connection = 3;
  Start(config);
  const auto client = Connect();
  client->Send(Post("update 1") + Post("update 2") + Post("update 3") + Post("update 4"));
  EXPECT_EQ(client->Read().body(), "update 1");
  EXPECT_TRUE(client->Read().keep_alive());
  const Response last = client->Read();
  EXPECT_EQ(last.body(), "update 3");
  EXPECT_FALSE(last.keep_alive());
  EXPECT_TRUE(client->ReadsEnd());
}

// Bodies of all connections together: what is held by one that waits for a worker is not given to
// another, and is free again afterwards.
TEST_P(HttpLimitsTest, BodiesThatAreHeldAreBoundedInAll) {
  HttpServerConfig config;
  config.admission.body_bytes = 1000;
  Start(config);
  const auto holder = Connect();
  holder->Send(Post("wait" + std::string(696, 'x')));
  protocol_.entered.get_future().wait();
  EXPECT_EQ(server_->held_bytes(), 700u);
  EXPECT_EQ(Exchange(Post(std::string(300, 'x'))).result_int(), 204u);
  EXPECT_EQ(Exchange(Post(std::string(301, 'x'))).result_int(), 503u);
  protocol_.go_on.set_value();
  EXPECT_EQ(holder->Read().body(), "waited");
  EXPECT_EQ(Exchange(Post(std::string(301, 'x'))).result_int(), 204u);
}

// 500 devices that post in the same moment, while no worker gets on.
TEST_P(HttpLimitsTest, HundredsThatPostAtOnceAllWait) {
  constexpr int kClients = 500;
  HttpServerConfig config;
  config.query_patience = absl::InfiniteDuration();
  Start(config);
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(Connect());
    clients.back()->Send(Post(""));
    ASSERT_EQ(clients.back()->Read().result_int(), 200u) << i;
  }
  for (const auto& client : clients) client->Send(Post("", "/tam/acme/held"));
  protocol_.gate.set_value();
  for (const auto& client : clients) EXPECT_EQ(client->Read().result_int(), 200u);
}

// Four workers, and a queue of four that new sessions may fill to the half.
TEST_P(HttpLimitsTest, BeyondTheQueueIs503AndMessagesOfSessionsHaveTheOtherHalf) {
  HttpServerConfig config;
  config.queue_limit = 4;
  Start(config);
  std::vector<std::unique_ptr<Client>> waiting;
  const auto post = [&] {
    waiting.push_back(Connect());
    waiting.back()->Send(Post("", "/tam/acme/held"));
  };
  for (int i = 1; i <= 4; ++i) {
    post();
    ASSERT_TRUE(Eventually([&] { return protocol_.held == i; }));
  }
  for (int i = 0; i < 3; ++i) post();
  EXPECT_TRUE(Eventually([&] { return replies(503) == 1; }));
  const auto message = Connect();
  message->Send(Post("update"));
  protocol_.gate.set_value();
  EXPECT_EQ(message->Read().body(), "update");
  int served = 0;
  for (const auto& client : waiting) served += client->Read().result_int() == 200;
  EXPECT_EQ(served, 6);
}

// Services hold every worker up: what waits is answered in time, and messages of sessions that have
// begun are still served when empty POSTs no longer are.
TEST_P(HttpLimitsTest, WhatWaitedTooLongIs503AndTheEngineIsNotAsked) {
  ManualClock clock;
  std::atomic<int> moments = 0;  // one when a request is queued, one when a worker has it
  HttpServerConfig config;
  config.message_patience = absl::Seconds(4);
  config.clock = [&, now = clock.clock()] {
    const absl::Duration at = now();
    ++moments;
    return at;
  };
  Start(config);
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 1; i <= 4; ++i) {
    held.push_back(Connect());
    held.back()->Send(Post("", "/tam/acme/held"));
    ASSERT_TRUE(Eventually([&] { return protocol_.held == i; }));
  }
  int queued = moments;
  const auto queue = [&](const std::string& request) {
    auto client = Connect();
    client->Send(request);
    EXPECT_TRUE(Eventually([&] { return moments == queued + 1; }));
    ++queued;
    return client;
  };
  const auto too_late = queue(Post("update 1"));
  clock.Advance(absl::Milliseconds(1));
  const auto last_message = queue(Post("update 2"));
  clock.Advance(absl::Milliseconds(1999));
  const auto late_query = queue(Post(""));
  clock.Advance(absl::Milliseconds(1));
  const auto last_query = queue(Post(""));
  clock.Advance(absl::Seconds(2));
  protocol_.gate.set_value();
  const Response refused = too_late->Read();
  EXPECT_EQ(refused.result_int(), 503u);
  EXPECT_EQ(refused["Retry-After"], "2");
  EXPECT_EQ(last_message->Read().body(), "update 2");
  EXPECT_EQ(late_query->Read().result_int(), 503u);
  EXPECT_EQ(last_query->Read().body(), kQuery);
  EXPECT_EQ(protocol_.longest_wait(), absl::Seconds(4));
}

}  // namespace
}  // namespace tam::gateway
