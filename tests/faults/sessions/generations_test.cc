// One gateway with a stale endpoint or stale challenge keys, and one with the new: what was issued
// by either is understood by the other, as far as the design says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "crypto/cbor/cbor.h"
#include "services/gateway/challenge.h"
#include "tests/faults/sessions/session_faults.h"
#include "tests/support/status_matchers.h"

namespace tam::testing {
namespace {

using ::testing::SizeIs;

class GenerationsTest : public SessionFaultTest, public ::testing::WithParamInterface<Layout> {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(UseShared(GetParam()));
    device_ = &NewDevice();
  }

  // With gateways that have read neither endpoint nor keys.
  void Begin(const std::string& name) {
    BeginFault(name);
    ForgetGateways();
  }

  void UpdateEndpoint(const std::vector<std::string>& flags) {
    std::vector<std::string> args = {"endpoint", "update", "main"};
    args.insert(args.end(), flags.begin(), flags.end());
    scenario().Do("operator", args);
  }

  // Accepted at `gateway`, and its Success after that at the other one.
  void ExpectAccepted(const std::string& challenge, int gateway) {
    const Reply reply = device_->Send(gateway, device_->Response(challenge));
    const teep::Update update = reply.update();
    ASSERT_TRUE(update.token.has_value())
        << "status " << reply.status << " " << update.err_msg.value_or("");
    EXPECT_FALSE(update.err_code.has_value());
    EXPECT_THAT(update.manifest_list, SizeIs(1));
    teep::Error report;
    report.token = update.token;
    report.err_code = teep::ErrorCode::kManifestProcessingFailed;  // so that it is sent again
    EXPECT_EQ(device_->Send(1 - gateway, device_->agent().Sign(report)).status, 204u);
    EXPECT_EQ(Count(*device_, "updates"), 0);
  }

  void ExpectRefused(const std::string& challenge, int gateway) {
    const std::string before = stack().DatabaseDigest();
    const teep::Update update = device_->Send(gateway, device_->Response(challenge)).update();
    EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(update.token.has_value());
    EXPECT_TRUE(update.manifest_list.empty());
    EXPECT_EQ(stack().DatabaseDigest(), before);
  }

  static int64_t IssuedMs(const std::string& challenge) {
    return gateway::ReadUnverifiedChallenge(cbor::AsBytes(challenge)).issue_ms;
  }

  LedgeredDevice* device_ = nullptr;
};

// Gateway 1 reads the endpoint; it changes; gateway 0 reads it first after that. All of it happens
// well within the time for which gateway 1 keeps what it read.
TEST_P(GenerationsTest, OneSessionAcrossAStaleEndpointAndANewOne) {
  Begin("one gateway with a stale endpoint, one with the new");
  const std::string old = device_->Challenge(1);
  UpdateEndpoint({"--update-deadline", "7200"});
  ExpectAccepted(old, 0);  // the previous generation counts

  ForgetGateway(0);
  device_->Challenge(1);
  UpdateEndpoint({"--update-deadline", "3600"});
  const std::string fresh = device_->Challenge(0);
  ExpectAccepted(fresh, 1);  // gateway 1 reads once more before it refuses
  EndFault();
}

TEST_P(GenerationsTest, PreviousGenerationCountsOnlyIfItAskedForAll) {
  Begin("a stale endpoint that asks for less");
  UpdateEndpoint({"--data-items", "3"});  // attestation and components
  const std::string lax = device_->Challenge(1);
  UpdateEndpoint({"--data-items", "11"});  // and SUIT reports
  ExpectRefused(lax, 0);

  const std::string strict = device_->Challenge(0);
  UpdateEndpoint({"--data-items", "3"});
  ForgetGateway(0);
  ExpectAccepted(strict, 0);
  UpdateEndpoint({"--data-items", "11"});
  ForgetGateways();
  EndFault();
}

TEST_P(GenerationsTest, TwoGenerationsBackIsRefused) {
  Begin("an endpoint two generations back");
  const std::string old = device_->Challenge(1);
  UpdateEndpoint({"--update-deadline", "7200"});
  UpdateEndpoint({"--update-deadline", "3600"});
  ForgetGateway(0);
  ExpectRefused(old, 0);
  // Gateway 1 has heard of neither change, until it meets a challenge that it does not know.
  ExpectAccepted(device_->Challenge(0), 1);
  ExpectRefused(old, 1);
  EndFault();
}

// Hours pass for the database, and thus for gateway 0, which reads keys anew.
TEST_P(GenerationsTest, OneSessionAcrossAnOldKeyEpochAndANewOne) {
  Begin("challenge keys one to five epochs old");
  for (const int64_t hours : {1, 2, 5}) {
    SCOPED_TRACE(hours);
    SetClock(0);
    // A device that was never seen: the guard wants issue times to increase.
    device_ = &NewDevice(absl::StrCat("after-", hours, "-hours"));
    ForgetGateways();
    const std::string old = device_->Challenge(1);
    SetClock(hours * 3600);
    ExpectAccepted(old, 0);
    const std::string fresh = device_->Challenge(0);
    EXPECT_EQ(gateway::EpochOf(IssuedMs(fresh)) - gateway::EpochOf(IssuedMs(old)), hours);
    ExpectAccepted(fresh, 1);
  }
  RestoreClock();
  EndFault();
}

INSTANTIATE_TEST_SUITE_P(Layouts, GenerationsTest,
                         ::testing::Values(Layout::kTogether, Layout::kApart),
                         [](const auto& info) {
                           return info.param == Layout::kApart ? "Apart" : "Together";
                         });

}  // namespace
}  // namespace tam::testing
