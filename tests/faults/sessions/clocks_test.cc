// Machines whose clocks are wrong: a day apart (clock_shim), and a database whose clock goes back.
// Nothing but the database's clock may decide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/challenge.h"
#include "tests/faults/sessions/session_faults.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kClockShim[] = "tests/faults/clock_shim/libclock_shim.so";

struct Wrong {
  const char* name;
  Layout layout;
  int64_t seconds;  // how far the clock of the second machine is ahead
};

class ClocksTest : public SessionFaultTest, public ::testing::WithParamInterface<Wrong> {
 protected:
  // Two machines, each with a replica of every service; the clock of the second is wrong.
  void SetUp() override {
    StackOptions options;
    options.layout = GetParam().layout;
    for (const char* service :
         {"tamd", "gateway", "registry", "attestation", "catalog", "signing", "audit"}) {
      options.environment[absl::StrCat(service, "-1")] = {
          absl::StrCat("LD_PRELOAD=", kClockShim),
          absl::StrCat("CLOCK_SHIM_OFFSET_S=", GetParam().seconds),
          "ASAN_OPTIONS=verify_asan_link_order=0"};
    }
    ASSERT_NO_FATAL_FAILURE(StartOwn(std::move(options)));
  }

  // A session of a new device, whose message n goes to the gateway of machine machines[n], ends
  // installed, once.
  void ExpectInstalls(const std::string& name, const std::vector<int>& machines) {
    SCOPED_TRACE(name);
    LedgeredDevice& device = NewDevice(name);
    std::vector<std::string> urls;
    for (const int machine : machines) urls.push_back(stack().TamUrl(kMainPath, machine));
    size_t messages = 0;
    const auto result = device.RunSession(urls, [&](size_t, std::string_view) { ++messages; });
    ASSERT_THAT(result, IsOk());
    EXPECT_TRUE(result->ok()) << result->tam_error_message;
    EXPECT_THAT(result->installed, SizeIs(1));
    EXPECT_EQ(messages, 3u);
    EXPECT_THAT(scenario().OnDisk(device.name()), HasSubstr("payload"));
    EXPECT_EQ(Count(device, "updates_history"), 1);
    EXPECT_EQ(Count(device, "updates"), 0);
  }
};

// What the process of the second machine believes: its log lines bear the wrong day.
TEST_P(ClocksTest, EveryDeviceCompletesASessionThroughEitherAndAcross) {
  BeginFault(absl::StrCat("clock of one of two machines wrong by ", GetParam().seconds, " s"));
  const std::string gateway = GetParam().layout == Layout::kApart ? "gateway-1" : "tamd-1";
  const std::string day = absl::FormatTime(
      "%Y-%m-%d", absl::Now() + absl::Seconds(GetParam().seconds), absl::UTCTimeZone());
  EXPECT_THAT(stack().tam().Log(gateway), HasSubstr(day));

  ExpectInstalls("one", {0, 0, 0});
  ExpectInstalls("two", {1, 1, 1});
  ExpectInstalls("three", {0, 1, 0});
  ExpectInstalls("four", {1, 0, 1});
  ExpectInstalls("five", {1, 1, 0});
  // Times in the database are the database's.
  EXPECT_EQ(stack().Sql("SELECT count(*) FROM audit.entries WHERE at NOT BETWEEN "
                        "clock_timestamp() - interval '1 hour' AND clock_timestamp()"),
            "0\n");
  std::cout << "clocks " << GetParam().seconds
            << " s apart: 5 sessions through either and across\n";
  EndFault();
}

// Each layout with one of both; at length, all four.
std::vector<Wrong> WrongClocks() {
  std::vector<Wrong> all = {{"ApartADayAhead", Layout::kApart, 86'400},
                            {"TogetherADayBehind", Layout::kTogether, -86'400}};
  if (LongForm() > absl::ZeroDuration()) {
    all.push_back({"ApartADayBehind", Layout::kApart, -86'400});
    all.push_back({"TogetherADayAhead", Layout::kTogether, 86'400});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Machines, ClocksTest, ::testing::ValuesIn(WrongClocks()),
                         [](const auto& info) { return std::string(info.param.name); });

// Gateway 0 reads its time while the database is ahead; then the database goes back.
class FutureTest : public SessionFaultTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(UseShared(Layout::kTogether));
    device_ = &NewDevice();
  }

  // err-code 7 without a token, and no row differs.
  void ExpectRefused(int gateway, const std::string& message) {
    const std::string before = stack().DatabaseDigest();
    const Reply reply = device_->Send(gateway, message);
    EXPECT_EQ(reply.status, 200u);
    EXPECT_EQ(reply.update().err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(reply.update().token.has_value());
    EXPECT_TRUE(reply.update().manifest_list.empty());
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  LedgeredDevice* device_ = nullptr;
};

TEST_F(FutureTest, ChallengeFromTheFutureIsRefusedByBothGateways) {
  // With the bystander's session the TAM has every key and pseudonym that a tenant's first makes.
  BeginFault("challenges from the future");
  // The first one refused would be this device's first attestation, and claims no ueid either.
  ASSERT_EQ(Count(*device_, "ueid_claims"), 0);
  for (const int64_t ahead : {10, 3'600, 86'400}) {
    SCOPED_TRACE(ahead);
    ForgetGateway(0);
    SetClock(ahead);
    const std::string challenge = device_->Challenge(0);
    SetClock(0);
    const absl::Time issued =
        absl::FromUnixMillis(gateway::ReadUnverifiedChallenge(cbor::AsBytes(challenge)).issue_ms);
    ASSERT_GT(issued, absl::Now() + absl::Seconds(ahead - 5));
    const std::string response = device_->Response(challenge);
    // At the gateway whose time is right; then at the other, which takes it for genuine until the
    // guard refuses it; then once more there, now that it has read the time anew.
    ExpectRefused(1, response);
    ExpectRefused(0, response);
    ExpectRefused(0, response);
    // It has harmed neither the device nor a gateway.
    for (const int gateway : {0, 1}) {
      const std::string good = device_->Response(device_->Challenge(gateway));
      const teep::Update update = device_->Send(gateway, good).update();
      EXPECT_TRUE(update.token.has_value());
      EXPECT_THAT(update.manifest_list, SizeIs(1));
    }
    std::cout << "challenge from " << ahead << " s ahead: refused by both gateways\n";
  }
  RestoreClock();
  EndFault();
}

}  // namespace
}  // namespace tam::testing
