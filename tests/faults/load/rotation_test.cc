// What operators and time change while sessions are open: keys, epochs, manifests, deployments.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "nlohmann/json.hpp"
#include "tests/faults/load/issue_time.h"
#include "tests/faults/load/load.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

constexpr absl::Duration kLimit = absl::Seconds(60);
constexpr int64_t kLead = 6;  // seconds
constexpr absl::Duration kOnTime = absl::Seconds(5);

class RotationTest : public LoadTest {
 protected:
  std::string Do(const std::string& who, const std::vector<std::string>& args) {
    return load().scenario().Do(who, args);
  }

  // Its thumbprint.
  std::string MakeKeyOnStandby(const std::string& suite) {
    const auto made = nlohmann::json::parse(
        Do("operator", {"key", "create", "--suite", suite, "--standby", "-o", "json"}), nullptr,
        false);
    EXPECT_TRUE(made.is_object());
    const std::string name = made.is_object() ? made.value("name", "") : "";
    return name.substr(name.rfind('/') + 1);
  }

  // Seconds by which the database's clock is ahead of the machine's.
  int64_t Offset() {
    int64_t offset = 0;
    const std::string rows =
        stack().Sql("SELECT round(extract(epoch FROM tam.now() - clock_timestamp()))::bigint");
    EXPECT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(rows), &offset)) << rows;
    return offset;
  }
  // Of the hour that the database's clock is in.
  int64_t SecondsLeftInHour() {
    int64_t left = 0;
    const std::string rows =
        stack().Sql("SELECT 3600 - extract(epoch FROM tam.now())::bigint % 3600");
    EXPECT_TRUE(absl::SimpleAtoi(absl::StripAsciiWhitespace(rows), &left)) << rows;
    return left;
  }

  void RestartGateway(int replica) {
    const std::string gateway =
        absl::StrCat(LoadLayout() == Layout::kTogether ? "tamd-" : "gateway-", replica);
    EXPECT_EQ(stack().Kill(gateway, SIGTERM), 0);
    EXPECT_THAT(stack().StartProcess(gateway), IsOk());
  }
  // Sets the database's clock forward, and restarts the gateways, which would go by their last
  // reading of it for up to a minute.
  void SetHourToEndIn(int64_t seconds) {
    stack().SetClockOffset(Offset() + (SecondsLeftInHour() + 3600 - seconds) % 3600);
    for (int i = 0; i < kReplicas; ++i) RestartGateway(i);
  }
  // Until challenges of that gateway are issued by the database's time.
  void AwaitTimeOf(int replica) {
    const absl::Time deadline = absl::Now() + 2 * kLimit;
    absl::Duration behind;
    do {
      const absl::Time now = absl::Now() + absl::Seconds(Offset());
      behind = now - ReadIssueTime(stack().TamUrl(kMainPath, replica));
      poll(nullptr, 0, 20);
    } while (behind > kOnTime && absl::Now() < deadline);
    EXPECT_LE(behind, kOnTime) << "gateway " << replica;
  }
  // Until the database's clock shows another second.
  void AwaitSecond() {
    const int64_t second = SecondsLeftInHour();
    const absl::Time deadline = absl::Now() + kLimit;
    while (SecondsLeftInHour() == second && absl::Now() < deadline) poll(nullptr, 0, 20);
  }

  // Every device that can hold a QueryRequest does, and answers it after `change`.
  void HoldDuring(const std::function<void()>& change) {
    fleet().CloseGate();
    EXPECT_THAT(fleet().AwaitAtGate(kLoadThreads, kLimit), IsOk());
    change();
    fleet().OpenGate();
  }

  // Every session that begins after this one was begun under the new state of affairs.
  void AwaitOneRound() {
    EXPECT_THAT(fleet().AwaitCompleted(static_cast<int64_t>(2 * fleet().size()), kLimit), IsOk());
  }
};

// The clock is set before the sessions run, and gateways begin with it. What happens under load is
// that it goes on, and an hour ends.
TEST_F(RotationTest, AnHourThatPassesLosesNoSession) {
  Repeat([this] {
    int64_t lead = kLead;
    Load::Run run;
    // Again with more time where the machine is slow and the hour has ended too early.
    do {
      fleet().Pause();
      SetHourToEndIn(lead);
      run = load().Begin("challenge epoch rotated");
      load().Publish();
      lead *= 2;
    } while (SecondsLeftInHour() > lead);
    load().Strike(run, [&] {
      while (SecondsLeftInHour() <= lead) HoldDuring([this] { AwaitSecond(); });
      AwaitOneRound();
    });
    ExpectNothingLost(
        load().End(run, {.present = {load().newest()}, .installed_once = {load().newest()}}));
  });
}

TEST_F(RotationTest, TamKeysRotatedLoseNoSession) {
  Repeat([this] {
    ExpectNothingLost(load().RunFault("TAM signing keys rotated", [this] {
      // Made ahead; told to every device, those with an open session included; then activated while
      // sessions run. One replica signs with it at once, the other follows within a minute.
      const std::vector<std::string> made = {MakeKeyOnStandby("esp256"),
                                             MakeKeyOnStandby("ed25519")};
      Do("operator", {"key", "export", "-o", stack().Path("new-tam-keys.pem")});
      HoldDuring([this] { fleet().Trust(ReadPublicKeys(stack().Path("new-tam-keys.pem"))); });
      for (const std::string& key : made) Do("operator", {"key", "activate", key});
      AwaitOneRound();
    }));
  });
}

TEST_F(RotationTest, ANewVersionWhileSessionsRunIsInstalledOnce) {
  Repeat([this] {
    ExpectNothingLost(load().RunFault("new version published",
                                      [this] { HoldDuring([this] { load().Publish(); }); }));
  });
}

TEST_F(RotationTest, DeploymentAndDomainChangesLeaveWhatWasDecidedLast) {
  Repeat([this] {
    Load::Run run = load().Begin("deployment deleted and created, domain suspended and resumed");
    load().Strike(run, [this] {
      HoldDuring([this] { Do("operator", {"deployment", "delete", "sample"}); });
      AwaitOneRound();
      HoldDuring([this] { load().scenario().Deploy("sample"); });
      AwaitOneRound();
      Do("operator", {"domain", "suspend", "samples"});
      AwaitOneRound();
      Do("operator", {"domain", "resume", "samples"});
    });
    CompareOptions options;
    options.present = {load().newest()};
    options.may_withhold = true;
    ExpectNothingLost(load().End(run, options));
  });
}

// One gateway begins with the new time, the other still goes by what it read before; devices change
// between them with every message or every session. A challenge of the other is older than one that
// a device has used up already, and its answer is dropped: the device asks again in its next
// session. The last test of the program, because ledgers keep what was dropped here, and withheld
// in the test before.
TEST_F(RotationTest, ADatabaseClockThatStepsAnHourLosesNoSession) {
  Repeat([this] {
    Load::Run run = load().Begin("the database's clock steps an hour");
    load().Publish();
    load().Strike(run, [this] {
      stack().SetClockOffset(Offset() + 3600);
      RestartGateway(0);
      for (int i = 0; i < kReplicas; ++i) AwaitTimeOf(i);
      AwaitOneRound();
    });
    CompareOptions options;
    options.present = options.installed_once = {load().newest()};
    options.may_withhold = options.may_drop = true;
    ExpectNothingLost(load().End(run, options));
  });
}

}  // namespace
}  // namespace tam::testing
