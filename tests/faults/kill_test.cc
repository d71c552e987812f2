// kill -9 at each named fault point of a session: of the process that passes it, and of PostgreSQL
// while it does. A supervisor starts again what was killed; the device repeats its message or
// starts again. It must end with each version installed exactly once, and the TAM's record must
// agree with what the device knows. A point that does not fire fails its test.
//
// In short, where the services are apart: every point with its process, the points of one place and
// moment in one session, which is interrupted up to a dozen times; and some points with PostgreSQL.
// At length (tools/faults): each point in a session of its own, both victims, and each further
// statement of a handler. Services together: the short form in a run of less than a minute a
// scenario, and otherwise the long one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "services/runtime/fault_point.h"
#include "teep/message/message.h"
#include "tests/e2e/layouts.h"
#include "tests/e2e/supervisor.h"
#include "tests/faults/fault_control.h"
#include "tests/faults/fleet/compare.h"
#include "tests/faults/fleet/report.h"
#include "tests/faults/load/load.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/evidence.h"

namespace tam::faults {
namespace {

using testing::IsOk;
using testing::Layout;

constexpr absl::Duration kLimit = absl::Seconds(120);
constexpr absl::Duration kRefusalLimit = absl::Seconds(20);
constexpr int kRefusalPauseMs = 20;

enum class Victim { kProcess, kPostgres };

struct KillCase {
  std::string name;
  Layout layout;
  Victim victim;
  std::vector<std::string> points;  // of one session
  int skip = 0;                     // so many passes of the point go by first
};

// "send.ProcessConnect.before" in three.
struct PointName {
  explicit PointName(const std::string& point) {
    const std::vector<std::string> parts = absl::StrSplit(point, '.');
    place = parts[0];
    method = parts[1];
    moment = parts[2];
  }
  std::string place;
  std::string method;
  std::string moment;
};

bool IsLong(Layout layout) {
  return testing::LongForm() >= absl::Minutes(1) ||
         (layout == Layout::kApart && testing::LongForm() > absl::ZeroDuration());
}

// A few of each place, around the two writes and the replies.
bool IsShortWithPostgres(const std::string& point) {
  static const auto& chosen =
      *new std::vector<std::string>{"statement.ResolveEndpoint.before", "statement.Accept.before",
                                    "statement.Accept.after", "statement.Report.after"};
  return std::find(chosen.begin(), chosen.end(), point) != chosen.end();
}

// How many statements a handler runs for a session that delivers a version; one where none is said.
int StatementsOf(const std::string& point) {
  const PointName name(point);
  if (name.place != "statement") return 1;
  if (name.method == "Resolve") return 8;
  return name.method == "GetEnvelopes" ? 4 : 1;
}

std::vector<KillCase> OneByOne(Layout layout, Victim victim) {
  std::vector<KillCase> cases;
  for (const std::string& point : runtime::SessionFaultPoints()) {
    if (!IsLong(layout) && !IsShortWithPostgres(point)) continue;
    const std::string name = absl::StrReplaceAll(point, {{".", "_"}});
    cases.push_back({name, layout, victim, {point}});
    for (int skip = 1; IsLong(layout) && skip < StatementsOf(point); ++skip) {
      cases.push_back({absl::StrCat(name, "_", skip + 1), layout, victim, {point}, skip});
    }
  }
  return cases;
}

// "call_before": the points of that place and moment, in the order in which a session passes them.
std::vector<KillCase> ByPlaceAndMoment(Layout layout) {
  std::map<std::string, KillCase> groups;
  for (const std::string& point : runtime::SessionFaultPoints()) {
    const PointName parts(point);
    const std::string name = absl::StrCat(parts.place, "_", parts.moment);
    groups.try_emplace(name, KillCase{name, layout, Victim::kProcess, {}, 0})
        .first->second.points.push_back(point);
  }
  std::vector<KillCase> cases;
  for (auto& [name, group] : groups) cases.push_back(std::move(group));
  return cases;
}

std::vector<KillCase> Cases(Layout layout, Victim victim) {
  if (IsLong(layout)) return OneByOne(layout, victim);
  if (layout == Layout::kTogether && testing::LongForm() == absl::ZeroDuration()) return {};
  return victim == Victim::kProcess ? ByPlaceAndMoment(layout) : OneByOne(layout, victim);
}

// One TAM and one device for all cases of a layout: the device's next version is delivered through
// the points of each in turn.
class KillTest : public ::testing::TestWithParam<KillCase> {
 protected:
  void SetUp() override {
    if (load_ != nullptr && stack().options().layout == GetParam().layout) return;
    End();
    control_ = std::make_unique<FaultControl>();
    load_ = testing::Load::Start(1, control_->Obeying(testing::OptionsOf(GetParam().layout)));
    ASSERT_NE(load_, nullptr);
    supervisor_ = std::make_unique<testing::Supervisor>(load_->stack());
  }

  static void End() {
    supervisor_.reset();
    load_.reset();
    control_.reset();
  }

  static testing::Stack& stack() { return load_->stack(); }
  static testing::Fleet& fleet() { return load_->fleet(); }

  // Processes of a service.
  static std::vector<std::string> ProcessesOf(const std::string& service) {
    if (GetParam().layout == Layout::kTogether) return stack().tam().names();
    std::vector<std::string> names;
    for (int i = 0; i < stack().options().replicas; ++i) {
      names.push_back(absl::StrCat(service, "-", i));
    }
    return names;
  }

  static bool IsKeptInMemoryByGateways(const std::string& point) {
    const PointName name(point);
    return name.method == "ResolveEndpoint" || name.method == "GetChallengeKeys";
  }

  // What is kept in memory is asked for again by a process that has just started.
  static void ForgetWhatHidesThePoints() {
    const std::vector<std::string>& points = GetParam().points;
    if (std::any_of(points.begin(), points.end(), IsKeptInMemoryByGateways)) {
      for (const std::string& name : ProcessesOf("gateway")) stack().Kill(name, SIGKILL);
      ASSERT_THAT(supervisor_->AwaitAllRunning(), IsOk());
    }
    for (const std::string& point : points) {
      const PointName name(point);
      if (name.place != "statement" || !name.method.starts_with("Sign")) continue;
      // An earlier signature of this session has loaded the keys of every process of `signing` by
      // then, so that they have to be new when they are asked for this one.
      control_->Plan({.point = absl::StrCat("serve.", name.method, ".before"),
                      .times = stack().options().replicas});
    }
  }

  static void PlanTheKills() {
    for (const std::string& point : GetParam().points) {
      FaultPlan plan{.point = point, .skip = GetParam().skip};
      if (GetParam().victim == Victim::kPostgres) {
        plan.action = FaultAction::kKillOther;
        plan.other = stack().Pid(testing::kPostgres);
      }
      control_->Plan(plan);
    }
  }

  // Those of the case, by point.
  static std::map<std::string, PointPassed> Fired() {
    std::map<std::string, PointPassed> fired;
    for (const PointPassed& one : control_->Fired()) {
      const std::vector<std::string>& points = GetParam().points;
      if (std::find(points.begin(), points.end(), one.point) == points.end()) continue;
      fired.try_emplace(one.point, one);
    }
    return fired;
  }

  static void ExpectAllFired() {
    const auto fired = Fired();
    for (const std::string& point : GetParam().points) {
      EXPECT_TRUE(fired.contains(point))
          << point << " did not fire; passed:\n"
          << absl::StrJoin(control_->Passed(), "\n", [](std::string* out, const PointPassed& one) {
               absl::StrAppend(out, one.process, " ", one.point);
             });
    }
  }

  // Messages with a stale challenge, which alone make the gateway call NoteRefusal, until that has
  // been called. Whatever comes of them, nothing is believed.
  static void SayWhatIsTurnedAway() {
    const teepsim::DeviceState& device = fleet().state(0);
    teep::QueryResponse response;
    response.attestation_payload_format = teepsim::EvidenceFormat();
    response.attestation_payload = *teepsim::MakeEvidence(device, std::string(32, 'x'), {});
    response.tc_list = {teep::SystemPropertyClaims{}};
    response.tc_list->front().component_id = {"firmware"};
    response.tc_list->front().image_digest = {-16, std::string(32, 'f')};
    const std::string payload = *teep::Encode(response);
    const std::string message = *cose::Sign1(device.agent_key(), cbor::AsBytes(payload));
    const std::vector<std::string>& points = GetParam().points;
    const auto is_open = [](const std::string& point) {
      return PointName(point).method == "NoteRefusal" && !Fired().contains(point);
    };
    const absl::Time deadline = absl::Now() + kRefusalLimit;
    while (std::any_of(points.begin(), points.end(), is_open) && absl::Now() < deadline) {
      teepsim::HttpClient client;
      client.Post(*teepsim::ParseUrl(stack().NextTamUrl(testing::kMainPath)), message)
          .status()
          .IgnoreError();
      poll(nullptr, 0, kRefusalPauseMs);
    }
  }

  static std::vector<testing::Difference> Differences(const testing::ManifestVersion& version) {
    const auto record = testing::ReadTamRecord(
        [](const std::string& sql) { return stack().Sql(sql); }, fleet().prefix());
    EXPECT_THAT(record, IsOk());
    if (!record.ok()) return {{"", "no record"}};
    return testing::Compare(fleet().ledger(), *record, {.installed_once = {version}});
  }

  static testing::FaultResult ResultSince(const testing::FleetCounts& before) {
    const KillCase& kill = GetParam();
    testing::FaultResult result;
    result.name = absl::StrCat(
        "kill -9 of ", kill.victim == Victim::kPostgres ? "PostgreSQL" : "the process",
        " at a point, services ", kill.layout == Layout::kApart ? "apart" : "together");
    result.points = kill.points;
    if (kill.skip > 0) absl::StrAppend(&result.points.front(), " ", kill.skip + 1);
    const testing::FleetCounts since = fleet().counts() - before;
    result.device_errors = since.errors;
    result.sessions_given_up = since.given_up;
    absl::Duration first = absl::InfiniteDuration();
    for (const auto& [point, fired] : Fired()) first = std::min(first, fired.at);
    testing::FaultTimes times;
    times.measured_from = first - absl::Seconds(1);
    times.fault_begin = times.fault_end = first;
    testing::AddRecovery(fleet().completions(), times, result);
    return result;
  }

  friend class EndsWithTheProgram;
  static std::unique_ptr<FaultControl> control_;
  static std::unique_ptr<testing::Load> load_;
  static std::unique_ptr<testing::Supervisor> supervisor_;
};

class EndsWithTheProgram : public ::testing::Environment {
 public:
  void TearDown() override { KillTest::End(); }
};
const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new EndsWithTheProgram);

std::unique_ptr<FaultControl> KillTest::control_;
std::unique_ptr<testing::Load> KillTest::load_;
std::unique_ptr<testing::Supervisor> KillTest::supervisor_;

TEST_P(KillTest, EndsInstalledExactlyOnce) {
  ASSERT_THAT(supervisor_->AwaitAllRunning(), IsOk());
  control_->Reset();
  const int64_t at_first = fleet().counts().completed;
  ASSERT_THAT(fleet().Settle(kLimit), IsOk());
  const testing::ManifestVersion version = load_->Publish();
  ForgetWhatHidesThePoints();
  const testing::FleetCounts before = fleet().counts();
  PlanTheKills();
  ASSERT_THAT(fleet().Settle(kLimit), IsOk()) << stack().TamdLog();
  SayWhatIsTurnedAway();
  ExpectAllFired();
  ASSERT_THAT(supervisor_->AwaitAllRunning(), IsOk());
  const int64_t during = fleet().counts().completed - before.completed;
  ASSERT_THAT(fleet().Settle(kLimit), IsOk()) << "after all was well again";

  testing::FaultResult result = ResultSince(before);
  result.sessions_before = before.completed - at_first;
  result.sessions_during = during;
  result.sessions_after = fleet().counts().completed - before.completed - during;
  const auto differences = Differences(version);
  result.ledger_differences = static_cast<int64_t>(differences.size());
  EXPECT_THAT(differences, ::testing::IsEmpty()) << stack().TamdLog();
  testing::ExpectOnlyRepeatable(result);
  EXPECT_THAT(testing::SaveFaultResult(result), IsOk());
}

std::string CaseName(const ::testing::TestParamInfo<KillCase>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(ProcessApart, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kApart, Victim::kProcess)), CaseName);
INSTANTIATE_TEST_SUITE_P(PostgresApart, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kApart, Victim::kPostgres)), CaseName);
INSTANTIATE_TEST_SUITE_P(ProcessTogether, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kTogether, Victim::kProcess)), CaseName);
INSTANTIATE_TEST_SUITE_P(PostgresTogether, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kTogether, Victim::kPostgres)),
                         CaseName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KillTest);

}  // namespace
}  // namespace tam::faults
