// Connections that come and go leave nothing behind.
#include <malloc.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "boost/asio/socket_base.hpp"
#include "gtest/gtest.h"
#include "services/gateway/http_fixture.h"

namespace tam::gateway {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // they keep freed memory, and look for leaks themselves
constexpr int kConnections = 500;
#else
constexpr bool kSanitized = false;
constexpr int kConnections = 10'000;
#endif

size_t Descriptors() {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

// Resident, in bytes, with what malloc keeps for later given back.
int64_t Resident() {
  malloc_trim(0);
  int64_t size = 0;
  int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096;
}

class HttpGrowthTest : public HttpFixture {
 protected:
  // Opens, does, drops with a reset (so that no port waits), so many times.
  template <typename Act>
  void Drop(int times, Act act) {
    for (int i = 0; i < times; ++i) {
      Client client(server_->port());
      act(client, i);
      client.socket().set_option(boost::asio::socket_base::linger(true, 0));
      client.socket().close();
    }
    EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  }

  // Runs `act` on some connections to warm up and then on many; compares.
  template <typename Act>
  void ExpectNoGrowth(int times, Act act) {
    Drop(times / 10, act);
    const size_t descriptors = Descriptors();
    const int64_t resident = Resident();
    Drop(times, act);
    // The last one may not even be accepted yet.
    EXPECT_TRUE(Eventually([&] { return Descriptors() <= descriptors; }))
        << Descriptors() << " descriptors, before " << descriptors;
    EXPECT_EQ(server_->held_bytes(), 0u);
    if (kSanitized) return;
    const int64_t growth = Resident() - resident;
    RecordProperty("growth_bytes", absl::StrCat(growth));
    // 10,000 connections that leave 200 bytes each are 2,000,000; so is the noise of an allocator.
    EXPECT_LT(growth, 2 << 20);
  }
};

TEST_F(HttpGrowthTest, OpenAndDrop) {
  Start(Transport::kPlain);
  ExpectNoGrowth(kConnections, [](Client&, int) {});
}

TEST_F(HttpGrowthTest, DropInTheMiddleOfARequest) {
  Start(Transport::kPlain);
  const std::string request = Post(std::string(200, 'x'));
  ExpectNoGrowth(kConnections, [&](Client& client, int i) {
    client.Send(request.substr(0, static_cast<size_t>(i) % request.size()));
  });
}

TEST_F(HttpGrowthTest, OpenAndDropOverTls) {
  Start(Transport::kTls);
  ExpectNoGrowth(kConnections, [](Client&, int) {});
  EXPECT_TRUE(Eventually([&] { return dropped(Dropped::kTlsGone) >= kConnections; }));
}

TEST_F(HttpGrowthTest, GarbageInsteadOfAHandshake) {
  Start(Transport::kTls);
  const std::string plain = Post("");
  ExpectNoGrowth(kConnections, [&](Client& client, int i) {
    client.Send(i % 2 == 0 ? plain : absl::StrCat("\x01\x02", i, std::string(64, '\x03')));
    client.ReadsEnd();
  });
  EXPECT_GE(dropped(Dropped::kNotTls), kConnections);
}

TEST_F(HttpGrowthTest, WholeHandshakes) {
  Start(Transport::kTls);
  ExpectNoGrowth(kConnections / 5, [&](Client&, int) {
    Client client(server_->port(), ClientContext());
    EXPECT_FALSE(client.handshake());
    client.socket().set_option(boost::asio::socket_base::linger(true, 0));
  });
}

}  // namespace
}  // namespace tam::gateway
