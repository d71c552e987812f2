// How many connections there may be, and which goes where there is no room for one more.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/gateway/admission.h"
#include "services/gateway/http_fixture.h"

namespace tam::gateway {
namespace {

class ConnectionLimitsTest : public HttpFixture {};

// While a reply is under way nobody loses a connection.
TEST_F(ConnectionLimitsTest, BeyondTheCapOfBusyOnesIs503UntilOneEnds) {
  HttpServerConfig config;
  config.admission.connections = 2;
  Start(Transport::kPlain, config);
  const auto first = Connect();
  auto second = Connect();
  for (Client* client : {first.get(), second.get()}) client->Send(Post("", "/tam/acme/held"));
  ASSERT_TRUE(Eventually([&] { return protocol_.held == 2; }));
  const auto third = Connect();
  const Response refused = third->Read();
  EXPECT_EQ(refused.result_int(), 503u);
  EXPECT_EQ(refused["Retry-After"], "2");
  EXPECT_TRUE(third->ReadsEnd());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTooMany) == 1; }));
  third->socket().close();
  protocol_.gate.set_value();
  for (Client* client : {first.get(), second.get()}) EXPECT_EQ(client->Read().result_int(), 200u);
  second.reset();
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 1; }));
  EXPECT_EQ(Exchange(Post("")).result_int(), 200u);
  first->Send(Post(""));
  EXPECT_EQ(first->Read().result_int(), 200u);
  EXPECT_EQ(dropped(Dropped::kRoomMade), 0);
}

TEST_F(ConnectionLimitsTest, BeyondTheCapOfBusyOnesATlsConnectionIsClosedBeforeTheHandshake) {
  HttpServerConfig config;
  config.admission.connections = 1;
  Start(Transport::kTls, config);
  const auto first = Connect();
  EXPECT_FALSE(first->handshake());
  first->Send(Post("", "/tam/acme/held"));
  ASSERT_TRUE(Eventually([&] { return protocol_.held == 1; }));
  const auto second = Connect();
  EXPECT_TRUE(second->handshake());
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTooMany) == 1; }));
  protocol_.gate.set_value();
  EXPECT_EQ(first->Read().result_int(), 200u);
}

// One address holds nearly every connection and lets none go: others are served all the same, and
// what goes is what waits longest.
TEST_F(ConnectionLimitsTest, AtTheCapTheGreediestSourceMakesRoom) {
  HttpServerConfig config;
  config.admission.connections = 5;
  Start(Transport::kPlain, config);
  const auto open = [&](const std::string& source, size_t nth) {
    auto client = std::make_unique<Client>(server_->port(), source);
    EXPECT_TRUE(Eventually([&] { return server_->connections() == nth; }));
    return client;
  };
  const auto ask = [](Client& client) {
    client.Send(Post(""));
    return client.Read().result_int();
  };
  const auto modest = open("127.0.0.3", 1);
  std::vector<std::unique_ptr<Client>> greedy;
  for (size_t i = 0; i < 4; ++i) greedy.push_back(open("127.0.0.2", 2 + i));
  EXPECT_EQ(ask(*greedy[0]), 200u);
  // Half a request is no reason to stay.
  greedy[1]->Send("POST /tam/acme/main HTTP/1.1\r\n");
  for (int made = 1; made <= 2; ++made) {
    Client other(server_->port(), absl::StrCat("127.0.0.", 10 + made));
    EXPECT_EQ(ask(other), 200u);
    EXPECT_TRUE(greedy[made]->ReadsEnd());
    EXPECT_EQ(dropped(Dropped::kRoomMade), made);
    other.socket().close();
    EXPECT_TRUE(Eventually([&] { return server_->connections() == 4; }));
    greedy.push_back(open("127.0.0.2", 5));
  }
  for (const int kept : {0, 3, 4, 5}) EXPECT_EQ(ask(*greedy[kept]), 200u) << kept;
  EXPECT_EQ(ask(*modest), 200u);
  EXPECT_EQ(dropped(Dropped::kTooMany), 0);
}

// Over TLS, where who never finishes its handshake waits as well.
TEST_F(ConnectionLimitsTest, AtTheCapAHandshakeThatDoesNotGetOnMakesRoom) {
  HttpServerConfig config;
  config.admission.connections = 2;
  Start(Transport::kTls, config);
  Client silent(server_->port(), "127.0.0.2");
  Client silent_too(server_->port(), "127.0.0.2");
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 2; }));
  EXPECT_EQ(Exchange(Post("")).result_int(), 200u);
  EXPECT_TRUE(silent.ReadsEnd());
  EXPECT_EQ(dropped(Dropped::kRoomMade), 1);
  EXPECT_EQ(dropped(Dropped::kTlsGone), 0);
}

TEST_F(ConnectionLimitsTest, OneSourceLeavesRoomForOthers) {
  HttpServerConfig config;
  config.admission.connections_per_source = 2;
  Start(Transport::kPlain, config);
  const auto first = Connect();
  const auto second = Connect();
  second->Send(Post(""));
  EXPECT_EQ(second->Read().result_int(), 200u);
  EXPECT_EQ(Connect()->Read().result_int(), 503u);
  Client other(server_->port(), "127.0.0.2");
  other.Send(Post(""));
  EXPECT_EQ(other.Read().result_int(), 200u);
}

TEST(AdmissionTest, CountsInAllAndForEachSource) {
  Admission admission(
      {.connections = 3, .connections_per_source = 2, .body_bytes = 0, .body_bytes_per_source = 0});
  auto a1 = admission.Admit("a");
  auto a2 = admission.Admit("a");
  EXPECT_TRUE(a1.has_value() && a2.has_value());
  EXPECT_FALSE(admission.Admit("a").has_value());
  auto b1 = admission.Admit("b");
  EXPECT_TRUE(b1.has_value());
  EXPECT_FALSE(admission.Admit("c").has_value());
  a1.reset();
  EXPECT_TRUE(admission.Admit("c").has_value());
  a2.reset();
  b1.reset();
  EXPECT_EQ(admission.connections(), 0u);
  EXPECT_EQ(admission.sources(), 0u);
}

TEST(AdmissionTest, InTheirPlaceAnEighthMoreAndNoSourceBeyondItsOwnLimit) {
  Admission admission(
      {.connections = 8, .connections_per_source = 4, .body_bytes = 0, .body_bytes_per_source = 0});
  std::vector<Admission::Ticket> tickets;
  for (const char* source : {"a", "a", "a", "a", "b", "b", "b", "b"}) {
    tickets.push_back(*admission.Admit(source));
  }
  EXPECT_FALSE(admission.Admit("c").has_value());
  EXPECT_FALSE(admission.AdmitInstead("a").has_value());
  const auto first = admission.AdmitInstead("c");
  const auto second = admission.AdmitInstead("c");
  EXPECT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(admission.AdmitInstead("c").has_value());
}

TEST(AdmissionTest, HoldsOctetsUpToTheLimitsAndGivesThemBack) {
  Admission admission({.connections = 9,
                       .connections_per_source = 9,
                       .body_bytes = 100,
                       .body_bytes_per_source = 60});
  auto a1 = admission.Admit("a");
  auto a2 = admission.Admit("a");
  auto b = admission.Admit("b");
  EXPECT_TRUE(a1->HoldBytes(60));
  EXPECT_FALSE(a2->HoldBytes(1));
  EXPECT_TRUE(b->HoldBytes(40));
  EXPECT_FALSE(b->HoldBytes(41));
  EXPECT_TRUE(a1->HoldBytes(59));
  EXPECT_TRUE(a2->HoldBytes(1));
  EXPECT_EQ(admission.bytes(), 100u);
  a1.reset();
  a2.reset();
  b.reset();
  EXPECT_EQ(admission.bytes(), 0u);
}

}  // namespace
}  // namespace tam::gateway
