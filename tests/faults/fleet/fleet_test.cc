// The fleet against a TAM of three lines: what a device does when answers fail.
#include "tests/faults/fleet/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Pair;

// Answers the n-th connection (from 0) with what `answer` says, then closes it.
class PlayedTam {
 public:
  explicit PlayedTam(std::function<std::string(int n)> answer) : answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    listen(listener_, 64);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/tam/demo/main";
    thread_ = std::thread([this] { Serve(); });
  }
  ~PlayedTam() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  const std::string& url() const { return url_; }
  int answers() const { return answers_; }

 private:
  void Serve() {
    for (int n = 0;; ++n) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      char request[4096];
      if (read(connection, request, sizeof(request)) > 0) {
        const std::string reply = answer_(n);
        if (write(connection, reply.data(), reply.size()) > 0) ++answers_;
      }
      close(connection);
    }
  }

  const std::function<std::string(int)> answer_;
  std::atomic<int> answers_{0};
  int listener_ = -1;
  std::string url_;
  std::thread thread_;
};

constexpr char kNothing[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
constexpr char kBusy[] =
    "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
constexpr char kBroken[] = "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

FleetOptions Options(const std::vector<std::string>& urls) {
  FleetOptions options;
  options.folder =
      ::testing::TempDir() + "/" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
  options.devices = 3;
  options.threads = 2;
  options.tam_urls = urls;
  options.patience.pause = absl::Milliseconds(1);
  return options;
}

TEST(FleetTest, RunsSessionsInTurnAndComesToRest) {
  PlayedTam tam([](int) { return kNothing; });
  FleetOptions options = Options({tam.url()});
  options.threads = 1;  // with two, one that waits for the processor keeps its device back
  TAM_ASSERT_OK_AND_ASSIGN(const auto fleet, Fleet::Create(options));
  fleet->Start();
  ASSERT_THAT(fleet->AwaitCompleted(9, absl::Seconds(20)), IsOk());
  fleet->Pause();
  for (const auto& [name, device] : fleet->ledger()) EXPECT_THAT(device.completed, Ge(3)) << name;
  const FleetCounts counts = fleet->counts();
  EXPECT_EQ(counts.begun, counts.completed);
  EXPECT_THAT(fleet->Settle(absl::Seconds(20)), IsOk());
}

TEST(FleetTest, RepeatsWhatWasNotAnswered) {
  PlayedTam tam([](int n) { return n == 0 ? "" : n == 1 ? kBusy : kNothing; });
  TAM_ASSERT_OK_AND_ASSIGN(const auto fleet, Fleet::Create(Options({tam.url()})));
  ASSERT_THAT(fleet->Settle(absl::Seconds(20)), IsOk());
  const FleetCounts counts = fleet->counts();
  EXPECT_EQ(counts.completed, 3);
  EXPECT_EQ(counts.given_up, 0);
  EXPECT_THAT(counts.errors, ElementsAre(Pair("http 503", 1), Pair("receive", 1)));
}

TEST(FleetTest, GivesUpOnABrokenTamAndStartsAgain) {
  PlayedTam tam([](int n) { return n == 0 ? kBroken : kNothing; });
  TAM_ASSERT_OK_AND_ASSIGN(const auto fleet, Fleet::Create(Options({tam.url()})));
  ASSERT_THAT(fleet->Settle(absl::Seconds(20)), IsOk());
  const FleetCounts counts = fleet->counts();
  EXPECT_EQ(counts.begun, 4);
  EXPECT_EQ(counts.completed, 3);
  EXPECT_EQ(counts.given_up, 1);
  EXPECT_THAT(counts.errors, ElementsAre(Pair("gave up", 1), Pair("http 500", 1)));
}

TEST(FleetTest, GoesOnAtAnotherGateway) {
  PlayedTam dead([](int) { return ""; });
  PlayedTam tam([](int) { return kNothing; });
  TAM_ASSERT_OK_AND_ASSIGN(const auto fleet, Fleet::Create(Options({dead.url(), tam.url()})));
  ASSERT_THAT(fleet->Settle(absl::Seconds(20)), IsOk());
  EXPECT_EQ(fleet->counts().completed, 3);
  EXPECT_EQ(tam.answers(), 3);
}

TEST(FleetTest, NamesDevicesThatDoNotComeToRest) {
  PlayedTam tam([](int) { return kBroken; });
  TAM_ASSERT_OK_AND_ASSIGN(const auto fleet, Fleet::Create(Options({tam.url()})));
  EXPECT_THAT(fleet->Settle(absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("fleet-0002")));
}

}  // namespace
}  // namespace tam::testing
