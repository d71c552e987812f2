// The main job, as its users see it: a device attests, installs, updates and removes. The same with
// all services in one process, and with two processes of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MainJobTest : public ::testing::TestWithParam<Layout> {
 protected:
  void SetUp() override {
    auto stack = Stack::Start(OptionsOf(GetParam()));
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    scenario_->AddDevice("one");
    scenario_->AddReferenceValues("one");
  }

  Finished SessionOk(const std::vector<std::string>& flags = {}) {
    Finished done = scenario_->Session("one", flags);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack_->TamdLog();
    return done;
  }

  // Sequence number and state of the one manifest that `device show` lists.
  std::string Installed() {
    const auto shown = nlohmann::json::parse(
        scenario_->Do("operator", {"device", "show", "one", "-o", "json"}), nullptr, false);
    if (!shown.is_object() || shown["installed"].size() != 1) return shown.dump();
    const auto& entry = shown["installed"][0];
    return entry["sequence"].get<std::string>() + " " + entry["state"].get<std::string>();
  }

  // No entry of the audit record holds a device's UUID or a key's thumbprint, in bytes or as text.
  void ExpectPseudonymousRecord() {
    EXPECT_EQ(
        stack_->Sql("WITH secret (bytes) AS ("
                    "SELECT uuid_send(device_id) FROM registry.devices UNION ALL "
                    "SELECT convert_to(device_id::text, 'UTF8') FROM registry.devices UNION ALL "
                    "SELECT thumbprint FROM registry.key_claims UNION ALL "
                    "SELECT convert_to(encode(thumbprint, 'hex'), 'UTF8') "
                    "FROM registry.key_claims UNION ALL "
                    "SELECT convert_to(encode(thumbprint, 'hex'), 'UTF8') "
                    "FROM attestation.keys) "
                    "SELECT count(*) > 0, count(*) FILTER (WHERE EXISTS (SELECT FROM secret "
                    "WHERE position(bytes IN entry) > 0)) FROM audit.entries"),
        "t|0\n");
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
};

INSTANTIATE_TEST_SUITE_P(, MainJobTest, ::testing::ValuesIn(LayoutsToTest()), LayoutName);

TEST_P(MainJobTest, DeviceInstallsUpdatesAndRemoves) {
  scenario_->Publish(1, "Hello, Secure World!");
  scenario_->Deploy("sample");

  const Finished first = SessionOk();
  EXPECT_THAT(first.out, AllOf(HasSubstr("QueryRequest"), HasSubstr("QueryResponse"),
                               HasSubstr("Update"), HasSubstr("Success")));
  EXPECT_EQ(scenario_->OnDisk("one"), "Hello, Secure World!");
  EXPECT_EQ(Installed(), "1 INSTALL_STATE_INSTALLED");

  const Finished idle = SessionOk();
  EXPECT_THAT(idle.out, AllOf(HasSubstr("204"), Not(HasSubstr("Success"))));

  scenario_->Publish(2, "Hello again!");
  SessionOk();
  EXPECT_EQ(scenario_->OnDisk("one"), "Hello again!");
  EXPECT_EQ(Installed(), "2 INSTALL_STATE_INSTALLED");
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM registry.device_manifests"), "1\n");

  scenario_->Do("operator", {"deployment", "delete", "sample"});
  SessionOk();
  EXPECT_EQ(scenario_->OnDisk("one"), "");
  EXPECT_THAT(SessionOk().out, HasSubstr("204"));
  ExpectPseudonymousRecord();
}

TEST_P(MainJobTest, Ed25519AgentDoesTheSame) {
  scenario_->AddDevice("two", {"--suite", "ed25519"});
  scenario_->Publish(1, "for both suites");
  scenario_->Deploy("sample");
  const Finished done = scenario_->Session("two");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(scenario_->OnDisk("two"), "for both suites");
}

TEST_P(MainJobTest, DeletedDeviceIsEnrolledAgainWithTheSameKeys) {
  scenario_->Publish(1, "once more");
  scenario_->Deploy("sample");
  scenario_->Do("operator", {"device", "delete", "one"});
  scenario_->Session("one");
  EXPECT_EQ(scenario_->OnDisk("one"), "");
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM attestation.keys"), "0\n");
  const std::string file = scenario_->Folder("one") + "/device.json";
  scenario_->Do("operator", {"device", "create", "one", file});
  SessionOk();
  EXPECT_EQ(scenario_->OnDisk("one"), "once more");
  EXPECT_EQ(Installed(), "1 INSTALL_STATE_INSTALLED");

  // A banned key stays banned, whatever becomes of its device.
  const auto shown = nlohmann::json::parse(
      scenario_->Do("operator", {"device", "show", "one", "-o", "json"}), nullptr, false);
  ASSERT_TRUE(shown.is_object());
  const std::string key = shown["keys"][0]["name"].get<std::string>();
  scenario_->Do("operator", {"device", "ban-key", "one", key.substr(key.rfind('/') + 1)});
  scenario_->Do("operator", {"device", "delete", "one"});
  const Finished refused = stack_->Tamctl("operator", {"device", "create", "one", file});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("banned"));
}

TEST_P(MainJobTest, SessionCompletesBeyondTheLastPartition) {
  scenario_->Publish(1, "far future");
  scenario_->Deploy("sample");
  stack_->SetClockOffset(int64_t{40} * 365 * 86400);
  stack_->StopTamd(SIGTERM);
  ASSERT_THAT(stack_->StartTamd(), IsOk());
  SessionOk();
  EXPECT_EQ(scenario_->OnDisk("one"), "far future");
}

TEST_P(MainJobTest, TerminatesCleanlyOnSigterm) { EXPECT_EQ(stack_->StopTamd(SIGTERM), 0); }

}  // namespace
}  // namespace tam::testing
