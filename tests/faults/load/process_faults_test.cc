// Processes that die, hang and are restarted under load.
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>

#include "absl/strings/str_cat.h"
#include "tests/faults/load/load.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

// Those that a session needs, as their processes are named.
std::vector<std::string> Services() {
  if (LoadLayout() == Layout::kTogether) return {"tamd"};
  return {"signing", "registry", "catalog", "attestation", "gateway"};
}

std::vector<std::string> Replicas(const std::string& service) {
  std::vector<std::string> names;
  for (int i = 0; i < kReplicas; ++i) names.push_back(absl::StrCat(service, "-", i));
  return names;
}

class ProcessFaultsTest : public LoadTest {
 protected:
  void Restart(const std::string& name) { EXPECT_THAT(stack().StartProcess(name), IsOk()); }

  // Lasts for so long: the fault itself, not a wait for something.
  void Hang(const std::string& name, absl::Duration time) {
    stack().Signal(name, SIGSTOP);
    poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(time)));
    stack().Signal(name, SIGCONT);
  }

  // At length, a run for each service, over and over; in short, one run for all, one after another.
  void StrikeEachService(const std::string& what,
                         const std::function<void(const std::string&)>& strike) {
    if (LongForm() == absl::ZeroDuration()) {
      return ExpectNothingLost(load().RunFault(absl::StrCat(what, " of each service"), [&] {
        for (const std::string& service : Services()) {
          strike(service);
          EXPECT_THAT(fleet().AwaitCompleted(1, absl::Seconds(60)), IsOk()) << service;
        }
      }));
    }
    Repeat([&] {
      for (const std::string& service : Services()) {
        ExpectNothingLost(
            load().RunFault(absl::StrCat(what, " of ", service), [&] { strike(service); }));
      }
    });
  }

  void KillOne(const std::string& service) {
    for (const std::string& name : Replicas(service)) {
      stack().Kill(name, SIGKILL);
      Restart(name);
    }
  }
  void KillAll(const std::string& service) {
    for (const std::string& name : Replicas(service)) stack().Kill(name, SIGKILL);
    for (const std::string& name : Replicas(service)) Restart(name);
  }
  void HangOne(const std::string& service) {
    Hang(Replicas(service).front(),
         absl::Milliseconds(LongForm() > absl::ZeroDuration() ? 3000 : 500));
  }
};

TEST_F(ProcessFaultsTest, KillOfOneReplicaAfterTheOtherLosesNothing) {
  StrikeEachService("kill -9 of one replica after the other",
                    [this](const std::string& service) { KillOne(service); });
}

TEST_F(ProcessFaultsTest, KillOfAllReplicasOfAServiceLosesNothing) {
  StrikeEachService("kill -9 of all replicas",
                    [this](const std::string& service) { KillAll(service); });
}

TEST_F(ProcessFaultsTest, HangingReplicaLosesNothing) {
  StrikeEachService("SIGSTOP of one replica",
                    [this](const std::string& service) { HangOne(service); });
}

TEST_F(ProcessFaultsTest, KillOfPostgresLosesNothing) {
  Repeat([this] {
    ExpectNothingLost(load().RunFault("kill -9 of PostgreSQL", [&] {
      stack().Kill(kPostgres, SIGKILL);
      Restart(kPostgres);
    }));
  });
}

TEST_F(ProcessFaultsTest, HangingPostgresLosesNothing) {
  Repeat([this] {
    ExpectNothingLost(
        load().RunFault("SIGSTOP of PostgreSQL", [&] { Hang(kPostgres, absl::Seconds(2)); }));
  });
}

TEST_F(ProcessFaultsTest, RollingRestartLosesNothing) {
  Repeat([this] {
    ExpectNothingLost(load().RunFault("rolling restart", [&] {
      for (const std::string& name : stack().tam().names()) {
        EXPECT_EQ(stack().Kill(name, SIGTERM), 0) << name;
        Restart(name);
      }
    }));
  });
}

}  // namespace
}  // namespace tam::testing
