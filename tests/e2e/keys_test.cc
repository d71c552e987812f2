// TAM signing keys as an operator replaces them, and what devices see of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "tests/e2e/scenario.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;

class KeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto stack = Stack::Start();
    ASSERT_THAT(stack, IsOk());
    stack_ = *std::move(stack);
    scenario_.emplace(*stack_);
    scenario_->SetUpTenant();
    for (const char* device : {"one", "two"}) scenario_->AddDevice(device);
    scenario_->AddReferenceValues("one");
    scenario_->Publish(1, "first");
    scenario_->Deploy("sample");
  }

  nlohmann::json Json(std::vector<std::string> args) {
    args.insert(args.end(), {"-o", "json"});
    return nlohmann::json::parse(scenario_->Do("operator", args), nullptr, false);
  }
  static std::string Thumbprint(const nlohmann::json& key) {
    const std::string name = key.is_object() ? key.value("name", "") : "";
    return name.substr(name.rfind('/') + 1);
  }
  std::string State(const std::string& thumbprint) {
    return Json({"key", "show", thumbprint}).value("state", "");
  }
  int ExitOfSession(const std::string& device) {
    const Finished done = scenario_->Session(device);
    last_output_ = done.out + done.err;
    return done.exit_code;
  }

  std::unique_ptr<Stack> stack_;
  std::optional<Scenario> scenario_;
  std::string last_output_;
};

TEST_F(KeysTest, AKeyOnStandbySignsNothingUntilItIsActivated) {
  const std::string old_key = Thumbprint(Json({"key", "list"})["keys"][0]);
  ASSERT_EQ(ExitOfSession("one"), 0) << last_output_;
  ASSERT_EQ(ExitOfSession("two"), 0) << last_output_;
  std::vector<std::string> made;
  for (const char* suite : {"esp256", "ed25519"}) {
    made.push_back(Thumbprint(Json({"key", "create", "--suite", suite, "--standby"})));
    EXPECT_EQ(State(made.back()), "SIGNING_KEY_STATE_STANDBY");
  }
  EXPECT_EQ(State(old_key), "SIGNING_KEY_STATE_ACTIVE");
  // The one device is told of it, the other is not; both verify what the TAM signs.
  const std::string file = stack_->Path("new-tam-keys.pem");
  scenario_->Do("operator", {"key", "export", "-o", file});
  const Finished trust =
      stack_->Teepsim({"trust", "--state", scenario_->Folder("one"), "--tam-key", file});
  ASSERT_EQ(trust.exit_code, 0) << trust.out << trust.err;
  scenario_->Publish(2, "second");
  EXPECT_EQ(ExitOfSession("one"), 0) << last_output_;
  EXPECT_EQ(ExitOfSession("two"), 0) << last_output_;

  for (const std::string& key : made) scenario_->Do("operator", {"key", "activate", key});
  // Again, as by somebody whose first answer was lost: nothing more happens.
  scenario_->Do("operator", {"key", "activate", made[0]});
  for (const std::string& key : made) EXPECT_EQ(State(key), "SIGNING_KEY_STATE_ACTIVE");
  EXPECT_EQ(State(old_key), "SIGNING_KEY_STATE_RETIRED");
  EXPECT_EQ(stack_->Sql("SELECT count(*) FROM audit.entries WHERE kind = 'signing-key.activate'"),
            "2\n");
  scenario_->Publish(3, "third");
  EXPECT_EQ(ExitOfSession("one"), 0) << last_output_;
  EXPECT_EQ(scenario_->OnDisk("one"), "third");
  EXPECT_EQ(ExitOfSession("two"), 1) << last_output_;
  EXPECT_EQ(scenario_->OnDisk("two"), "second");
}

TEST_F(KeysTest, ARetiredKeyIsNotActivatedAndAnUnusedOneCanBeRetired) {
  const std::string unused = Thumbprint(Json({"key", "create", "--suite", "esp256", "--standby"}));
  scenario_->Do("operator", {"key", "retire", unused});
  const std::string before = stack_->DatabaseDigest();
  const Finished refused = stack_->Tamctl("operator", {"key", "activate", unused});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("FAILED_PRECONDITION: signing-key.state: want standby"));
  EXPECT_EQ(stack_->Tamctl("operator", {"key", "activate", "0000"}).exit_code, 1);
  EXPECT_EQ(stack_->DatabaseDigest(), before);
  EXPECT_EQ(ExitOfSession("one"), 0) << last_output_;
}

}  // namespace
}  // namespace tam::testing
