// The main job, as its users see it: a device attests, installs, updates and removes. The same with
// all services in one process, and with two processes of each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class MainJobTest : public SharedTamTest {
 protected:
  void SetUpTam() override {
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
  }
  void TearDown() override { stack().Tamctl("operator", {"deployment", "delete", "sample"}); }

  // The next version, for all devices of the class.
  static void PublishAndDeploy(const std::string& payload) {
    scenario().Publish(++sequence_, payload);
    scenario().Deploy("sample");
  }

  Finished SessionOk(const std::string& device, const std::vector<std::string>& flags = {}) {
    Finished done = scenario().Session(device, flags);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
    return done;
  }

  // Sequence number and state of the one manifest that `device show` lists.
  static std::string Installed(const std::string& device) {
    const auto shown = nlohmann::json::parse(
        scenario().Do("operator", {"device", "show", device, "-o", "json"}), nullptr, false);
    if (!shown.is_object() || shown["installed"].size() != 1) return shown.dump();
    const auto& entry = shown["installed"][0];
    return entry["sequence"].get<std::string>() + " " + entry["state"].get<std::string>();
  }
  static std::string NowInstalled() {
    return std::to_string(sequence_) + " INSTALL_STATE_INSTALLED";
  }

  // No entry of the audit record holds a device's UUID or a key's thumbprint, in bytes or as text.
  void ExpectPseudonymousRecord() {
    EXPECT_EQ(
        stack().Sql("WITH secret (bytes) AS ("
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

  // The TAM's sequence number only grows.
  static inline int sequence_ = 0;
};

INSTANTIATE_IN_LAYOUTS(MainJobTest);

TEST_P(MainJobTest, DeviceInstallsUpdatesAndRemoves) {
  PublishAndDeploy("Hello, Secure World!");

  const Finished first = SessionOk("one");
  EXPECT_THAT(first.out, AllOf(HasSubstr("QueryRequest"), HasSubstr("QueryResponse"),
                               HasSubstr("Update"), HasSubstr("Success")));
  EXPECT_EQ(scenario().OnDisk("one"), "Hello, Secure World!");
  EXPECT_EQ(Installed("one"), NowInstalled());

  const Finished idle = SessionOk("one");
  EXPECT_THAT(idle.out, AllOf(HasSubstr("204"), Not(HasSubstr("Success"))));

  scenario().Publish(++sequence_, "Hello again!");
  SessionOk("one");
  EXPECT_EQ(scenario().OnDisk("one"), "Hello again!");
  EXPECT_EQ(Installed("one"), NowInstalled());
  EXPECT_EQ(stack().Sql("SELECT count(*) FROM registry.device_manifests"), "1\n");

  scenario().Do("operator", {"deployment", "delete", "sample"});
  SessionOk("one");
  EXPECT_EQ(scenario().OnDisk("one"), "");
  EXPECT_THAT(SessionOk("one").out, HasSubstr("204"));
  ExpectPseudonymousRecord();
}

TEST_P(MainJobTest, Ed25519AgentDoesTheSame) {
  TAM_ROW("T-49");
  scenario().AddDevice("two", {"--suite", "ed25519"});
  PublishAndDeploy("for both suites");
  const Finished done = scenario().Session("two");
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(scenario().OnDisk("two"), "for both suites");
}

TEST_P(MainJobTest, DeletedDeviceIsEnrolledAgainWithTheSameKeys) {
  const std::string others = stack().Sql("SELECT count(*) FROM attestation.keys");
  scenario().AddDevice("three");
  PublishAndDeploy("once more");
  scenario().Do("operator", {"device", "delete", "three"});
  scenario().Session("three");
  EXPECT_EQ(scenario().OnDisk("three"), "");
  EXPECT_EQ(stack().Sql("SELECT count(*) FROM attestation.keys"), others);
  const std::string file = scenario().Folder("three") + "/device.json";
  scenario().Do("operator", {"device", "create", "three", file});
  SessionOk("three");
  EXPECT_EQ(scenario().OnDisk("three"), "once more");
  EXPECT_EQ(Installed("three"), NowInstalled());

  // A banned key stays banned, whatever becomes of its device.
  const auto shown = nlohmann::json::parse(
      scenario().Do("operator", {"device", "show", "three", "-o", "json"}), nullptr, false);
  ASSERT_TRUE(shown.is_object());
  const std::string key = shown["keys"][0]["name"].get<std::string>();
  scenario().Do("operator", {"device", "ban-key", "three", key.substr(key.rfind('/') + 1)});
  scenario().Do("operator", {"device", "delete", "three"});
  const Finished refused = stack().Tamctl("operator", {"device", "create", "three", file});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("banned"));
}

TEST_P(MainJobTest, SessionCompletesBeyondTheLastPartition) {
  scenario().AddDevice("four");
  PublishAndDeploy("far future");
  stack().SetClockOffset(int64_t{40} * 365 * 86400);
  stack().StopTamd(SIGTERM);
  ASSERT_THAT(stack().StartTamd(), IsOk());
  SessionOk("four");
  EXPECT_EQ(scenario().OnDisk("four"), "far future");
  stack().SetClockOffset(0);
  stack().StopTamd(SIGTERM);
  ASSERT_THAT(stack().StartTamd(), IsOk());
}

TEST_P(MainJobTest, TerminatesCleanlyOnSigterm) {
  EXPECT_EQ(stack().StopTamd(SIGTERM), 0);
  ASSERT_THAT(stack().StartTamd(), IsOk());
}

}  // namespace
}  // namespace tam::testing
