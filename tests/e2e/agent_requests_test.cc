// What a device asks for by itself, between the programs: components from a sequence number on,
// manifests for binaries that it has, removals, and a QueryResponse that nobody asked for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "tests/e2e/layouts.h"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_state.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kPayload[] = "a payload to be recognised";

class AgentRequestsTest : public SharedTamTest {
 protected:
  StackOptions Options() const override {
    StackOptions options = OptionsOf(GetParam());
    options.flags[""] = {"--log_level=debug"};
    return options;
  }
  void SetUpTam() override {
    scenario().Do("operator", {"endpoint", "create", "open", "--no-attestation"});
    scenario().Do("operator", {"endpoint", "create", "stamped", "--attestation", "--timestamps"});
    scenario().AddDevice("one");
    scenario().AddReferenceValues("one");
    scenario().Publish(1, kPayload);
    scenario().Deploy("sample");
    scenario().Session("one");  // makes what the first of all sessions makes
  }

  static Finished SessionAt(const std::string& endpoint, const std::string& device,
                            std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"run", "--state", scenario().Folder(device), "--tam",
                                 stack().TamUrl("/tam/demo/" + endpoint), "--once"});
    return stack().Teepsim(flags);
  }
  static Finished SessionOk(const std::string& device, const std::vector<std::string>& flags = {}) {
    Finished done = scenario().Session(device, flags);
    EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
    return done;
  }
  // A device that has version 1 by an ordinary session.
  static void AddInstalled(const std::string& device) {
    scenario().AddDevice(device);
    SessionOk(device);
    ASSERT_EQ(scenario().OnDisk(device), kPayload);
    ASSERT_EQ(Installed(device), "1 INSTALL_STATE_INSTALLED");
  }

  // Sequence number and state of the one manifest that `device show` lists; "nothing" if none.
  static std::string Installed(const std::string& device) {
    const auto shown = nlohmann::json::parse(
        scenario().Do("operator", {"device", "show", device, "-o", "json"}), nullptr, false);
    if (!shown.is_object()) return "no JSON";
    const auto installed = shown.value("installed", nlohmann::json::array());
    if (installed.empty()) return "nothing";
    if (installed.size() > 1) return installed.dump();
    return installed[0]["sequence"].get<std::string>() + " " +
           installed[0]["state"].get<std::string>();
  }

  static std::string WriteBinary(const std::string& name, const std::string& content) {
    std::ofstream(stack().Path(name), std::ios::binary) << content;
    return std::string(kComponent) + "=" + stack().Path(name);
  }
  // All Updates that a session saved in `folder`.
  static std::string Updates(const std::string& folder) {
    std::string found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename();
      if (name.find("received-Update") != std::string::npos) found += ContentOf(entry.path());
    }
    EXPECT_NE(found, "") << folder;
    return found;
  }
  // As the QueryRequest of a TAM that binds nothing would leave the device.
  static void AllowUnsolicited(const std::string& device) {
    const auto state = tam::teepsim::DeviceState::Open(scenario().Folder(device));
    ASSERT_THAT(state, IsOk());
    ASSERT_THAT((*state)->SetLastRequestBound(false), IsOk());
  }
  static std::string LogSince(size_t before) { return stack().TamdLog().substr(before); }
};

INSTANTIATE_TEST_SUITE_P(Together, AgentRequestsTest,
                         ::testing::ValuesIn(OnlyIn(Layout::kTogether)), LayoutName);

TEST_P(AgentRequestsTest, ARequestedComponentComesFromItsSequenceNumberOn) {
  TAM_ROW("T-38");
  AddInstalled("asking");
  EXPECT_THAT(SessionOk("asking").out, Not(HasSubstr("Update")));
  // It has it, and still gets it when it asks.
  for (const std::string sequence : {"", "=0", "=1"}) {
    const Finished done = SessionOk("asking", {"--request", kComponent + sequence});
    EXPECT_THAT(done.out, HasSubstr("1 manifests, 0 to remove")) << sequence;
    EXPECT_THAT(done.out, HasSubstr("is installed already, and valid")) << sequence;
  }
  // By the manifest's own name too; not what is newer than all there is, nor what is no one's.
  EXPECT_THAT(SessionOk("asking", {"--request", kManifestComponent}).out, HasSubstr("1 manifests"));
  for (const std::string& wanted :
       {std::string(kComponent) + "=2", std::string(kComponent) + "=18446744073709551615",
        std::string("TEEP-Device/SecureFS/none")}) {
    EXPECT_THAT(SessionOk("asking", {"--request", wanted}).out, Not(HasSubstr("Update")));
  }
  EXPECT_EQ(scenario().OnDisk("asking"), kPayload);
  EXPECT_EQ(Installed("asking"), "1 INSTALL_STATE_INSTALLED");
}

TEST_P(AgentRequestsTest, WhoHasTheBinaryGetsTheManifestAlone) {
  scenario().AddDevice("holder");
  scenario().AddDevice("without");
  const std::string folder = stack().Path("messages-holder");
  SessionOk("holder",
            {"--have-binary", WriteBinary("own-binary", kPayload), "--save-messages", folder});
  EXPECT_THAT(Updates(folder), Not(HasSubstr(kPayload)));
  EXPECT_EQ(scenario().OnDisk("holder"), kPayload);
  EXPECT_EQ(Installed("holder"), "1 INSTALL_STATE_INSTALLED");

  const std::string whole = stack().Path("messages-without");
  SessionOk("without", {"--save-messages", whole});
  EXPECT_THAT(Updates(whole), HasSubstr(kPayload));
}

TEST_P(AgentRequestsTest, ABinaryThatIsAnotherIsNotInstalledAndTheWholeComesNext) {
  scenario().AddDevice("mistaken");
  const Finished done =
      scenario().Session("mistaken", {"--have-binary", WriteBinary("other-binary", "another")});
  EXPECT_EQ(done.exit_code, 1) << done.out;
  EXPECT_EQ(scenario().OnDisk("mistaken"), "");
  EXPECT_THAT(Installed("mistaken"), Not(HasSubstr("INSTALL_STATE_INSTALLED")));
  SessionOk("mistaken");
  EXPECT_EQ(scenario().OnDisk("mistaken"), kPayload);
  EXPECT_EQ(Installed("mistaken"), "1 INSTALL_STATE_INSTALLED");
}

TEST_P(AgentRequestsTest, WhatADeploymentWantsIsKeptThoughTheDeviceDoesNot) {
  AddInstalled("tired");
  const size_t before = stack().TamdLog().size();
  const Finished done = SessionOk("tired", {"--unneeded", kManifestComponent});
  EXPECT_THAT(done.out, Not(HasSubstr("Update")));
  EXPECT_EQ(scenario().OnDisk("tired"), kPayload);
  EXPECT_EQ(Installed("tired"), "1 INSTALL_STATE_INSTALLED");
  EXPECT_THAT(LogSince(before), HasSubstr("1 not needed by the device and kept for a deployment"));
}

// Its TAM forgot what it has: it is enrolled again. Nothing but its own word tells of the manifest.
TEST_P(AgentRequestsTest, WhatNoDeploymentWantsIsUnlinkedWhenTheDeviceSaysSo) {
  AddInstalled("weary");
  AddInstalled("content");
  scenario().Do("operator", {"device", "delete", "weary"});
  scenario().Do("operator",
                {"device", "create", "weary", scenario().Folder("weary") + "/device.json"});
  scenario().Do("operator", {"deployment", "delete", "sample"});
  EXPECT_THAT(SessionOk("weary").out, Not(HasSubstr("Update")));
  EXPECT_EQ(scenario().OnDisk("weary"), kPayload);

  const Finished done =
      SessionOk("weary", {"--unneeded", kManifestComponent, "Somewhere/else/suit"});
  EXPECT_THAT(done.out, HasSubstr("0 manifests, 1 to remove"));
  EXPECT_EQ(scenario().OnDisk("weary"), "");
  EXPECT_THAT(Installed("weary"), Not(HasSubstr("INSTALL_STATE_INSTALLED")));
  EXPECT_THAT(SessionOk("weary").out, Not(HasSubstr("Update")));
  EXPECT_EQ(scenario().OnDisk("content"), kPayload);  // which nobody spoke of
  EXPECT_EQ(Installed("content"), "1 INSTALL_STATE_INSTALLED");
  scenario().Deploy("sample");
}

TEST_P(AgentRequestsTest, NoQueryRequestOfThisTamLeavesRoomForAnUnsolicitedResponse) {
  TAM_ROW("A7");
  scenario().AddDevice("hasty");
  for (const char* endpoint : {"main", "open", "stamped"}) {
    SessionAt(endpoint, "hasty", {});
    const size_t before = stack().TamdLog().size();
    const Finished done = SessionAt(endpoint, "hasty", {"--unsolicited"});
    EXPECT_EQ(done.exit_code, 1) << done.out;
    EXPECT_THAT(done.err, HasSubstr("the last QueryRequest had a token or a challenge"));
    EXPECT_EQ(LogSince(before).find("\"teep\""), std::string::npos) << endpoint;
  }
}

TEST_P(AgentRequestsTest, AnUnsolicitedResponseThatProvesNothingGetsNothing) {
  TAM_ROW("T-25", "T-26", "T-31");
  scenario().AddDevice("forward");
  const struct {
    const char* endpoint;
    int exit_code;
    const char* outcome;
    const char* said;
  } kCases[] = {
      {"main", 1, "answered_missing_item", "attestation-payload is missing"},
      {"stamped", 1, "answered_missing_item", "attestation-payload is missing"},
      {"open", 0, "dropped_token", ""},
  };
  for (const auto& [endpoint, exit_code, outcome, said] : kCases) {
    AllowUnsolicited("forward");
    const std::string digest = stack().DatabaseDigest();
    const size_t before = stack().TamdLog().size();
    const Finished done =
        SessionAt(endpoint, "forward", {"--unsolicited", "--request", kComponent});
    EXPECT_EQ(done.exit_code, exit_code) << endpoint << done.out;
    EXPECT_THAT(done.err, HasSubstr(said)) << endpoint;
    EXPECT_THAT(LogSince(before), HasSubstr(outcome)) << endpoint;
    EXPECT_EQ(stack().DatabaseDigest(), digest) << endpoint;
    EXPECT_EQ(scenario().OnDisk("forward"), "") << endpoint;
    EXPECT_EQ(Installed("forward"), "nothing") << endpoint;
  }
}

TEST_P(AgentRequestsTest, AnUnsolicitedResponseWithATimestampIsServedWhereTheseAreTaken) {
  scenario().AddDevice("prompt");
  AllowUnsolicited("prompt");
  const Finished done =
      SessionAt("stamped", "prompt", {"--unsolicited", "--freshness", "timestamp"});
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err << stack().TamdLog();
  EXPECT_THAT(done.out, Not(HasSubstr("QueryRequest")));
  EXPECT_EQ(scenario().OnDisk("prompt"), kPayload);
  EXPECT_EQ(Installed("prompt"), "1 INSTALL_STATE_INSTALLED");
}

}  // namespace
}  // namespace tam::testing
