#include "tests/faults/fleet/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "nlohmann/json.hpp"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::Optional;

constexpr FaultTimes kTimes{absl::Seconds(0), absl::Seconds(10), absl::Seconds(12)};

// Ten sessions a second, each a tenth long, in [from, to).
void Add(double from, double to, std::vector<Completion>& sessions) {
  for (int i = 1; from + i * 0.1 < to + 0.05; ++i) {
    const absl::Duration end = absl::Seconds(from + i * 0.1);
    sessions.push_back({end - absl::Milliseconds(100), end});
  }
}

TEST(RecoveryTest, TakesTheFirstSessionThatBeganAfterTheFault) {
  std::vector<Completion> sessions;
  Add(0, 10, sessions);
  sessions.push_back({absl::Seconds(9), absl::Seconds(10.5)});
  sessions.push_back({absl::Seconds(12), absl::Seconds(12.5)});
  FaultResult result;
  AddRecovery(sessions, kTimes, result);
  EXPECT_THAT(result.to_first_session, Optional(absl::Seconds(2.5)));
  EXPECT_EQ(result.to_full_rate, std::nullopt);
}

TEST(RecoveryTest, TakesTheFirstFullSecondAtTheOldRate) {
  std::vector<Completion> sessions;
  Add(0, 10, sessions);
  Add(13, 20, sessions);
  FaultResult result;
  AddRecovery(sessions, kTimes, result);
  ASSERT_TRUE(result.to_full_rate.has_value());
  EXPECT_GT(*result.to_full_rate, absl::Seconds(3.7));
  EXPECT_LT(*result.to_full_rate, absl::Seconds(4.1));
}

TEST(RecoveryTest, FindsNoneWhereNothingCameBack) {
  std::vector<Completion> sessions;
  Add(0, 10, sessions);
  FaultResult result;
  AddRecovery(sessions, kTimes, result);
  EXPECT_EQ(result.to_first_session, std::nullopt);
  EXPECT_EQ(result.to_full_rate, std::nullopt);
}

TEST(MergeTest, AddsCountsAndKeepsTheWorst) {
  FaultResult a{.name = "x", .sessions_before = 1, .device_errors = {{"503", 1}}};
  a.to_first_session = absl::Seconds(1);
  FaultResult b{.name = "x", .sessions_before = 2, .device_errors = {{"503", 2}}};
  b.to_first_session = absl::Seconds(3);
  b.to_full_rate = absl::Seconds(4);
  const FaultResult all = Merge(a, b);
  EXPECT_EQ(all.runs, 2);
  EXPECT_EQ(all.sessions_before, 3);
  EXPECT_EQ(all.device_errors.at("503"), 3);
  EXPECT_THAT(all.to_first_session, Optional(absl::Seconds(3)));
  EXPECT_EQ(all.to_full_rate, std::nullopt);
}

TEST(SaveTest, WritesOneFileForEachFault) {
  const std::string folder = ::testing::TempDir() + "/report";
  std::filesystem::create_directory(folder);
  setenv("TAM_FAULTS_REPORT", folder.c_str(), 1);
  FaultResult result{.name = "kill -9 registry-0", .sessions_during = 7};
  result.to_first_session = absl::Milliseconds(1250);
  ASSERT_THAT(SaveFaultResult(result), IsOk());
  std::ifstream file(folder + "/kill--9-registry-0.json");
  const auto json = nlohmann::json::parse(file, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["name"], "kill -9 registry-0");
  EXPECT_EQ(json["sessions_during"], 7);
  EXPECT_EQ(json["seconds_to_first_session"], 1.25);
  EXPECT_TRUE(json["seconds_to_full_rate"].is_null());
  EXPECT_TRUE(json["points"].empty());
  result.points = {"call.Lookup.before", "call.Resolve.before"};
  ASSERT_THAT(SaveFaultResult(result), IsOk());
  std::ifstream at_points(folder + "/kill--9-registry-0-call.Lookup.before.json");
  EXPECT_EQ(nlohmann::json::parse(at_points, nullptr, false)["points"].size(), 2u);
  setenv("TAM_FAULTS_REPORT", "/no/such/folder", 1);
  EXPECT_THAT(SaveFaultResult(result), StatusIs(absl::StatusCode::kInternal));
  unsetenv("TAM_FAULTS_REPORT");
  EXPECT_THAT(SaveFaultResult(result), IsOk());
}

}  // namespace
}  // namespace tam::testing
