// Sessions with wrong messages in great number, against a running TAM of two tenants: none installs
// anything, the process lives, and what the database says of them agrees with itself.
//
// TAM_MUTATED_SESSIONS and TAM_MUTATED_SEED: how many, and which (tools/mutated-sessions).
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/conformance/mutated/driver.h"
#include "tests/conformance/mutated/two_tenants.h"

namespace tam::conformance {
namespace {

constexpr char kProcess[] = "tamd-0";
constexpr size_t kThreads = 8;
// Stateless answers to one device are few a minute: the more sessions, the more devices.
constexpr size_t kLeastDevices = 24;
constexpr size_t kMostDevices = 200;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* text = getenv(name);
  uint64_t value = 0;
  if (text == nullptr || *text == '\0') return otherwise;
  EXPECT_TRUE(absl::SimpleAtoi(text, &value)) << name << "=" << text;
  return value;
}

// Each counts rows that contradict others; "controls" are the devices that did nothing wrong.
struct Contradiction {
  const char* what;
  const char* rows;
};
constexpr Contradiction kContradictions[] = {
    {"a wrong session installed something",
     "registry.device_manifests JOIN registry.devices d USING (tenant_id, device_id) WHERE digest "
     "IS NOT NULL AND NOT d.name = ANY (controls)"},
    {"a wrong report closed an Update",
     "registry.updates_history JOIN registry.devices d USING (tenant_id, device_id) WHERE NOT "
     "d.name = ANY (controls)"},
    {"a wrong report was audited as a true one",
     "audit.entries JOIN registry.devices d USING (tenant_id, device_id) WHERE kind LIKE "
     "'update.%' AND NOT d.name = ANY (controls)"},
    {"attested more often than the audit record says",
     "(SELECT tenant_id, device_id, count(*) AS n FROM registry.attestations GROUP BY 1, 2) a LEFT "
     "JOIN (SELECT tenant_id, device_id, count(*) AS n FROM audit.entries WHERE kind IN "
     "('session.accepted', 'session.refused') GROUP BY 1, 2) e USING (tenant_id, device_id) WHERE "
     "e.n IS NULL OR e.n < a.n"},
    {"more Updates of a device than the audit record says",
     "(SELECT tenant_id, device_id, count(*) AS n FROM registry.updates GROUP BY 1, 2) u LEFT JOIN "
     "(SELECT tenant_id, device_id, count(*) AS n FROM audit.entries WHERE kind IN "
     "('session.accepted', 'session.refused') GROUP BY 1, 2) e USING (tenant_id, device_id) WHERE "
     "e.n IS NULL OR e.n < u.n OR u.n > 64"},
    {"an open slot without its Update",
     "registry.device_guard g, unnest(registry.slot_tokens(g.slots)) AS s WHERE NOT EXISTS (SELECT "
     "FROM registry.updates u WHERE u.tenant_id = g.tenant_id AND u.device_id = g.device_id AND "
     "u.token = s AND u.lane = g.lane)"},
    {"more than four open slots", "registry.device_guard WHERE cardinality(slots) > 4"},
    {"a guard whose last Update is nowhere",
     "registry.device_guard g WHERE g.token IS NOT NULL AND NOT EXISTS (SELECT FROM "
     "registry.updates u WHERE (u.tenant_id, u.device_id, u.token) = (g.tenant_id, g.device_id, "
     "g.token)) AND NOT EXISTS (SELECT FROM registry.updates_history u WHERE (u.tenant_id, "
     "u.device_id, u.token) = (g.tenant_id, g.device_id, g.token))"},
    {"an Update by a key that is not the device's",
     "registry.updates u WHERE NOT EXISTS (SELECT FROM registry.device_keys k WHERE (k.tenant_id, "
     "k.device_id, k.thumbprint) = (u.tenant_id, u.device_id, u.thumbprint))"},
    {"an Update at an endpoint of another tenant",
     "registry.updates u WHERE NOT EXISTS (SELECT FROM registry.endpoints e WHERE (e.tenant_id, "
     "e.endpoint_id) = (u.tenant_id, u.endpoint_id))"},
    {"an Update of another tenant's domain",
     "registry.updates u, unnest(u.domains) AS x WHERE NOT EXISTS (SELECT FROM catalog.domains c "
     "WHERE (c.tenant_id, c.domain_id) = (u.tenant_id, x))"},
    {"state of a device that is none",
     "registry.device_state s WHERE NOT EXISTS (SELECT FROM registry.devices d WHERE (d.tenant_id, "
     "d.device_id) = (s.tenant_id, s.device_id))"},
    {"a banned or unclaimed key",
     "registry.device_keys k LEFT JOIN registry.key_claims c USING (tenant_id, device_id, "
     "thumbprint) WHERE c.banned IS NOT false"},
    {"an audit row that no sequencer will see",
     "audit.entries e FULL JOIN audit.pending p USING (tenant_id, id) WHERE e.id IS NULL OR p.id "
     "IS NULL"},
};

class MutatedSessionsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sessions_ = FromEnvironment("TAM_MUTATED_SESSIONS", 2000);
    seed_ = FromEnvironment("TAM_MUTATED_SEED", std::random_device()());
    std::cout << "seed " << seed_ << ": TAM_MUTATED_SEED=" << seed_ << " draws the same\n";
    // One more of each tenant, for the sessions without a mistake.
    tam_ = TwoTenants::Start(1 + std::clamp<size_t>(sessions_ / 500, kLeastDevices, kMostDevices));
    ASSERT_NE(tam_, nullptr);
    for (const Member& member : tam_->members()) {
      const bool first = controls_.size() == member.tenant;
      (first ? controls_ : devices_).push_back(&member);
    }
    ASSERT_EQ(controls_.size(), kTenants.size());
  }

  // Each device has one connection, one session at a time.
  Tally RunMutated() {
    std::vector<Tally> tallies(kThreads);
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, thread, &tally = tallies[thread]] {
        Driver driver(*tam_, loot_, seed_ + thread);
        for (size_t i = thread; i < sessions_; i += kThreads) {
          driver.RunMutated(*devices_[i % (devices_.size() / kThreads * kThreads)]);
        }
        tally = driver.tally();
      });
    }
    for (std::thread& thread : threads) thread.join();
    Tally sum;
    for (const Tally& tally : tallies) sum.Add(tally);
    return sum;
  }

  // How many of them completed a session without a mistake, each.
  size_t RunGood(const std::vector<const Member*>& members) {
    Driver driver(*tam_, loot_, seed_);
    size_t completed = 0;
    for (const Member* member : members) completed += driver.RunGood(*member) ? 1 : 0;
    return completed;
  }

  int64_t Installed() {
    return tam_->Count("SELECT count(*) FROM registry.device_manifests WHERE digest IS NOT NULL");
  }

  void ExpectNoContradiction() {
    std::string controls = "ARRAY['one'";
    for (const Member* member : controls_) absl::StrAppend(&controls, ", '", member->name, "'");
    controls += "]";
    for (const auto& [what, rows] : kContradictions) {
      const std::string query =
          absl::StrCat("WITH constants AS (SELECT ", controls,
                       " AS controls) SELECT count(*) FROM constants, ", rows);
      EXPECT_EQ(tam_->Count(query), 0) << what;
    }
  }

  // Whose identity a device proved is its own or nobody's.
  void ExpectOwnIdentities() {
    std::set<std::string> own;
    for (const Member& member : tam_->members()) {
      own.insert(absl::StrCat(member.name, "|",
                              absl::BytesToHexString(member.state->record().profile.ueid)));
    }
    const std::string rows = tam_->stack().Sql(
        "SELECT name, encode(ueid, 'hex') FROM registry.devices WHERE ueid <> '' AND name <> "
        "'one'");
    int known = 0;
    for (absl::string_view row : absl::StrSplit(rows, '\n', absl::SkipEmpty())) {
      EXPECT_TRUE(own.contains(std::string(row))) << row;
      ++known;
    }
    EXPECT_GT(known, 0);
  }

  // What the TAM logged of its answers of 500: the reply alone does not say why.
  void PrintInternalErrors() {
    const std::string log = tam_->stack().TamdLog();
    for (absl::string_view line : absl::StrSplit(log, '\n')) {
      if (absl::StrContains(line, "\"failed\"")) std::cout << line << "\n";
    }
  }

  size_t sessions_ = 0;
  uint64_t seed_ = 0;
  std::unique_ptr<TwoTenants> tam_;
  std::vector<const Member*> controls_;
  std::vector<const Member*> devices_;
  Loot loot_;
};

TEST_F(MutatedSessionsTest, InstallNothingAndLeaveTheTamWhole) {
  // The same way without a mistake does install: what follows could.
  ASSERT_EQ(RunGood(controls_), controls_.size());
  ASSERT_EQ(Installed(), static_cast<int64_t>(controls_.size()));

  const pid_t pid = tam_->stack().Pid(kProcess);
  const absl::Time start = absl::Now();
  const Tally tally = RunMutated();
  std::cout << tally << "in " << absl::Now() - start << "\n";

  EXPECT_EQ(tally.sessions, static_cast<int64_t>(sessions_));
  for (const std::string& fault : tally.faults) ADD_FAILURE() << fault;
  if (!tally.faults.empty()) PrintInternalErrors();
  // Good messages in their midst are served; a few come behind a challenge that was stolen and
  // used.
  EXPECT_GT(tally.good_responses, static_cast<int64_t>(sessions_ / 3));
  EXPECT_GE(tally.good_answered * 100, tally.good_responses * 95);
  EXPECT_EQ(Installed(), static_cast<int64_t>(controls_.size()));
  // One audit row for each message that was accepted: each of them got an Update with a token.
  EXPECT_EQ(tam_->Count("SELECT count(*) FROM audit.entries WHERE kind IN ('session.accepted', "
                        "'session.refused')"),
            static_cast<int64_t>(tally.tokens.size() + controls_.size()));
  ExpectNoContradiction();
  ExpectOwnIdentities();

  // And every device still gets what is due to it.
  EXPECT_EQ(RunGood(devices_), devices_.size());
  EXPECT_EQ(Installed(), static_cast<int64_t>(controls_.size() + devices_.size()));
  EXPECT_TRUE(tam_->stack().Running(kProcess));
  EXPECT_EQ(tam_->stack().Pid(kProcess), pid);
  EXPECT_EQ(tam_->stack().StopTamd(SIGTERM), 0);
}

}  // namespace
}  // namespace tam::conformance
