#include "services/runtime/fault_point.h"

#include <set>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tam::runtime {
namespace {

using ::testing::ElementsAre;

std::vector<std::string>& Passed() {
  static auto& passed = *new std::vector<std::string>();
  return passed;
}

TEST(FaultPointTest, TellsTheHookEachPointByName) {
  PassFaultPoint(FaultPlace::kCall, "Lookup", FaultMoment::kBefore);  // Nobody listens.
  SetFaultHook([](const std::string& point) { Passed().push_back(point); });
  PassFaultPoint(FaultPlace::kCall, "Lookup", FaultMoment::kBefore);
  PassFaultPoint(FaultPlace::kStatement, "Accept", FaultMoment::kAfter);
  SetFaultHook(nullptr);
  PassFaultPoint(FaultPlace::kSend, "ProcessConnect", FaultMoment::kAfter);
  EXPECT_THAT(Passed(), ElementsAre("call.Lookup.before", "statement.Accept.after"));
}

TEST(FaultPointTest, ListsEachPointOnce) {
  const std::vector<std::string> points = SessionFaultPoints();
  EXPECT_EQ(std::set<std::string>(points.begin(), points.end()).size(), points.size());
  EXPECT_THAT(points, ::testing::IsSupersetOf({"call.Lookup.before", "serve.Report.after",
                                               "statement.Accept.before",
                                               "send.ProcessTeepMessage.after"}));
}

TEST(FaultScopeTest, NestsAndEnds) {
  EXPECT_EQ(FaultScope::Method(), "");
  {
    const FaultScope outer("Appraise");
    {
      const FaultScope inner("SignAttestationResult");
      EXPECT_EQ(FaultScope::Method(), "SignAttestationResult");
    }
    EXPECT_EQ(FaultScope::Method(), "Appraise");
  }
  EXPECT_EQ(FaultScope::Method(), "");
}

TEST(FaultPointTest, FindsTheMethodInItsPath) {
  EXPECT_EQ(MethodOfPath("/tam.v1.RegistrySessionService/Lookup"), "Lookup");
  EXPECT_EQ(MethodOfPath("Lookup"), "Lookup");
}

}  // namespace
}  // namespace tam::runtime
