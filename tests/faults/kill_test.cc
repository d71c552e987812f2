// kill -9 at each named fault point of a session: of the process that passes it, and of PostgreSQL
// while it does. A supervisor starts again what was killed; the device repeats its message or
// starts again. It must end with each version installed exactly once, and the TAM's record must
// agree with what the device knows. A point that does not fire fails its test.
//
// In short: each point with its process, where the services are apart, and some with PostgreSQL. At
// length (tools/faults): all points, both victims, both layouts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
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

enum class Victim { kProcess, kPostgres };

struct KillCase {
  Layout layout;
  Victim victim;
  std::string point;
};

// "send.ProcessConnect.before" in three.
struct PointName {
  explicit PointName(const std::string& point) {
    const std::vector<std::string> parts = absl::StrSplit(point, '.');
    place = parts[0];
    method = parts[1];
  }
  std::string place;
  std::string method;
};

bool IsLong() { return testing::LongForm() > absl::ZeroDuration(); }

// A few of each place, around the two writes and the replies.
bool IsShortWithPostgres(const std::string& point) {
  static const auto& chosen = *new std::vector<std::string>{
      "statement.ResolveEndpoint.before", "statement.Lookup.after",  "statement.Accept.before",
      "statement.Accept.after",           "statement.Report.before", "statement.Report.after",
      "send.ProcessTeepMessage.before",   "call.Appraise.before"};
  return std::find(chosen.begin(), chosen.end(), point) != chosen.end();
}

std::vector<KillCase> Cases(Layout layout, Victim victim) {
  std::vector<KillCase> cases;
  for (const std::string& point : runtime::SessionFaultPoints()) {
    const bool is_short =
        layout == Layout::kApart && (victim == Victim::kProcess || IsShortWithPostgres(point));
    if (IsLong() || is_short) cases.push_back({layout, victim, point});
  }
  return cases;
}

// One TAM and one device for all points of a layout and a victim: the device's next version is
// delivered through each point in turn.
class KillTest : public ::testing::TestWithParam<KillCase> {
 protected:
  void SetUp() override {
    if (load_ != nullptr) return;
    control_ = std::make_unique<FaultControl>();
    load_ = testing::Load::Start(1, control_->Obeying(testing::OptionsOf(GetParam().layout)));
    ASSERT_NE(load_, nullptr);
    supervisor_ = std::make_unique<testing::Supervisor>(load_->stack());
  }

  static void TearDownTestSuite() {
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

  // What is kept in memory is asked for again by a process that has just started.
  static void ForgetWhatHidesThePoint(const PointName& point) {
    const int replicas = stack().options().replicas;
    if (point.method == "ResolveEndpoint" || point.method == "GetChallengeKeys") {
      for (const std::string& name : ProcessesOf("gateway")) {
        ASSERT_THAT(stack().Restart(name), IsOk());
      }
    } else if (point.place == "statement" && point.method.starts_with("Sign")) {
      // An earlier signature of this session has loaded the keys of every process of `signing` by
      // then, so that they have to be new when they are asked for this one.
      control_->Plan({.point = absl::StrCat("serve.", point.method, ".before"), .times = replicas});
    }
  }

  static void PlanTheKill() {
    FaultPlan plan{.point = GetParam().point};
    if (GetParam().victim == Victim::kPostgres) {
      plan.action = FaultAction::kKillOther;
      plan.other = stack().Pid(testing::kPostgres);
    }
    control_->Plan(plan);
  }

  // A message with a stale challenge, which alone makes the gateway call NoteRefusal. Whatever
  // comes of it, nothing is believed.
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
    teepsim::HttpClient client;
    client.Post(*teepsim::ParseUrl(stack().NextTamUrl(testing::kMainPath)), message)
        .status()
        .IgnoreError();
  }

  // Since when, and by which process.
  static PointPassed Fired() {
    for (const PointPassed& fired : control_->Fired()) {
      if (fired.point == GetParam().point) return fired;
    }
    ADD_FAILURE() << GetParam().point << " did not fire; passed:\n"
                  << absl::StrJoin(control_->Passed(), "\n",
                                   [](std::string* out, const PointPassed& passed) {
                                     absl::StrAppend(out, passed.process, " ", passed.point);
                                   });
    return {};
  }

  static std::vector<testing::Difference> Differences(const testing::ManifestVersion& version) {
    const auto record = testing::ReadTamRecord(
        [](const std::string& sql) { return stack().Sql(sql); }, fleet().prefix());
    EXPECT_THAT(record, IsOk());
    if (!record.ok()) return {{"", "no record"}};
    return testing::Compare(fleet().ledger(), *record, {.installed_once = {version}});
  }

  static testing::FaultResult ResultOf(const PointPassed& fired,
                                       const testing::FleetCounts& before) {
    const KillCase& kill = GetParam();
    testing::FaultResult result;
    result.name = absl::StrCat(
        "kill -9 of ", kill.victim == Victim::kPostgres ? "PostgreSQL" : "the process", " at ",
        kill.point, ", services ", kill.layout == Layout::kApart ? "apart" : "together");
    const testing::FleetCounts since = fleet().counts() - before;
    result.sessions_before = before.completed;
    result.device_errors = since.errors;
    result.sessions_given_up = since.given_up;
    testing::FaultTimes times;
    times.measured_from = fired.at - absl::Seconds(1);
    times.fault_begin = times.fault_end = fired.at;
    testing::AddRecovery(fleet().completions(), times, result);
    return result;
  }

  static std::unique_ptr<FaultControl> control_;
  static std::unique_ptr<testing::Load> load_;
  static std::unique_ptr<testing::Supervisor> supervisor_;
};

std::unique_ptr<FaultControl> KillTest::control_;
std::unique_ptr<testing::Load> KillTest::load_;
std::unique_ptr<testing::Supervisor> KillTest::supervisor_;

TEST_P(KillTest, EndsInstalledExactlyOnce) {
  const PointName point(GetParam().point);
  ASSERT_THAT(supervisor_->AwaitAllRunning(), IsOk());
  control_->Reset();
  const testing::ManifestVersion version = load_->Publish();
  ForgetWhatHidesThePoint(point);
  const testing::FleetCounts before = fleet().counts();
  PlanTheKill();
  if (point.method == "NoteRefusal") SayWhatIsTurnedAway();
  ASSERT_THAT(fleet().Settle(kLimit), IsOk()) << stack().TamdLog();
  const PointPassed fired = Fired();
  ASSERT_THAT(supervisor_->AwaitAllRunning(), IsOk());
  const int64_t during = fleet().counts().completed - before.completed;
  ASSERT_THAT(fleet().Settle(kLimit), IsOk()) << "after all was well again";

  testing::FaultResult result = ResultOf(fired, before);
  result.sessions_during = during;
  result.sessions_after = fleet().counts().completed - before.completed - during;
  const auto differences = Differences(version);
  result.ledger_differences = static_cast<int64_t>(differences.size());
  EXPECT_THAT(differences, ::testing::IsEmpty());
  EXPECT_THAT(testing::SaveFaultResult(result), IsOk());
}

std::string PointText(const ::testing::TestParamInfo<KillCase>& info) {
  return absl::StrReplaceAll(info.param.point, {{".", "_"}});
}

INSTANTIATE_TEST_SUITE_P(ProcessApart, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kApart, Victim::kProcess)), PointText);
INSTANTIATE_TEST_SUITE_P(PostgresApart, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kApart, Victim::kPostgres)), PointText);
INSTANTIATE_TEST_SUITE_P(ProcessTogether, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kTogether, Victim::kProcess)),
                         PointText);
INSTANTIATE_TEST_SUITE_P(PostgresTogether, KillTest,
                         ::testing::ValuesIn(Cases(Layout::kTogether, Victim::kPostgres)),
                         PointText);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KillTest);

}  // namespace
}  // namespace tam::faults
