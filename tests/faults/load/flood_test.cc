// Anybody can ask for a QueryRequest. That must cost no state, nor keep known devices out.
#include "tests/faults/fleet/flood.h"

#include <gmock/gmock.h>

#include <numeric>

#include "tests/faults/load/load.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

constexpr int64_t kShort = 20'000;
constexpr int64_t kLong = 100'000;
// What a process may hold more after the flood than before, when another has warmed it up: its
// allocator keeps pages. Of each of 100,000 requests that is 42 bytes, less than a challenge and a
// pointer to it; of each of 20,000, 210.
constexpr int64_t kMaxGrowth = int64_t{4} << 20;

class FloodTest : public LoadTest {
 protected:
  std::map<int, int64_t> SendFlood(int64_t posts) {
    FloodOptions options;
    for (int i = 0; i < kReplicas; ++i) {
      options.urls.push_back(*teepsim::ParseUrl(stack().TamUrl(kMainPath, i)));
    }
    options.posts = posts;
    auto statuses = Flood(options);
    EXPECT_THAT(statuses, IsOk());
    return statuses.ok() ? *statuses : std::map<int, int64_t>();
  }

  struct Process {
    pid_t pid;
    int64_t bytes;
  };
  std::map<std::string, Process> Processes() {
    std::map<std::string, Process> processes;
    for (const std::string& name : stack().tam().names()) {
      processes[name] = {stack().Pid(name), stack().tam().RssBytes(name)};
    }
    return processes;
  }

  static int64_t Sum(const std::map<int, int64_t>& statuses) {
    return std::accumulate(statuses.begin(), statuses.end(), int64_t{0},
                           [](int64_t sum, const auto& entry) { return sum + entry.second; });
  }
};

TEST_F(FloodTest, LeavesNoRowAndNoGrowth) {
  const int64_t posts = LongForm() > absl::ZeroDuration() ? kLong : kShort;
  SendFlood(kShort);  // warms up: connections, allocators' arenas, caches
  const auto before = Processes();
  const std::string rows = stack().DatabaseDigest();
  const auto statuses = SendFlood(posts);
  EXPECT_EQ(Sum(statuses), posts);
  for (const auto& [status, count] : statuses) {
    EXPECT_TRUE(status == 200 || status == 503) << count << " times status " << status;
  }
  EXPECT_GT(statuses.count(200) != 0 ? statuses.at(200) : 0, 0);
  EXPECT_EQ(stack().DatabaseDigest(), rows);
  for (const auto& [name, now] : Processes()) {
    const Process& then = before.at(name);
    EXPECT_GT(now.pid, 0) << name << " ended";
    EXPECT_EQ(now.pid, then.pid) << name << " is another process now";
    RecordProperty("grown_kib_" + name, std::to_string((now.bytes - then.bytes) / 1024));
    EXPECT_LE(now.bytes - then.bytes, kMaxGrowth) << name;
  }
}

TEST_F(FloodTest, KnownDevicesCompleteTheirSessionsMeanwhile) {
  const int64_t posts = LongForm() > absl::ZeroDuration() ? kLong : kShort;
  const FaultResult result =
      load().RunFault("flood of empty POSTs", [&] { EXPECT_EQ(Sum(SendFlood(posts)), posts); });
  EXPECT_GT(result.sessions_during, 0);
  ExpectNothingLost(result);
}

}  // namespace
}  // namespace tam::testing
