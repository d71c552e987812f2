// What a device asks for by itself: components, removals, manifests for what it has.
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "teep/suit/author.h"
#include "teep/suit/testing/manifest_builder.h"
#include "tests/support/status_matchers.h"
#include "tools/teepsim/device_fixture.h"

namespace tam::teepsim {
namespace {

using suit::testing::ManifestBuilder;
using ::tam::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class AgentRequestsTest : public DeviceFixture {
 protected:
  void SetUp() override { MakeDevice(keys::KeyType::kP256); }

  // The envelope without its integrated payload, as a TAM sends it to who has the binary.
  static std::string ManifestAlone(uint64_t sequence_number) {
    return *suit::SignManifest(ManifestBuilder::InstallOf(kPayload, sequence_number).Encode(), {},
                               Author());
  }
  static SessionOptions HavingBinary(std::string binary) {
    SessionOptions options;
    options.requested = {{.component_id = kTa, .manifest_sequence_number = 0, .have_binary = true}};
    options.binaries = {{kTa, std::move(binary)}};
    return options;
  }
  // As a TAM asks that goes by timestamps.
  static teep::QueryRequest Unbound() {
    teep::QueryRequest request = Request();
    request.challenge.reset();
    request.data_item_requested = teep::kRequestAttestation;
    request.supported_freshness_mechanisms = {teep::kFreshnessNonce, teep::kFreshnessTimestamp};
    return request;
  }
  static SessionOptions Timestamped() {
    SessionOptions options;
    options.attestation.timestamps = true;
    options.attestation.audience = "/tam";
    return options;
  }
};

TEST_F(AgentRequestsTest, InstallsFromItsOwnBinaryAManifestThatComesAlone) {
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result,
                           RunUpdate(UpdateWith({ManifestAlone(3)}), HavingBinary(kPayload)));
  EXPECT_TRUE(result.ok());
  const auto& requested = Response().requested_tc_list;
  ASSERT_THAT(requested, SizeIs(1));
  EXPECT_EQ(requested[0].component_id, kTa);
  EXPECT_EQ(requested[0].have_binary, true);
  EXPECT_EQ(requested[0].manifest_sequence_number, 0u);
  EXPECT_EQ(state_->ReadComponent(kTa), kPayload);
}

TEST_F(AgentRequestsTest, AnOwnBinaryThatIsAnotherFailsOnItsDigest) {
  TAM_ASSERT_OK_AND_ASSIGN(
      const SessionResult result,
      RunUpdate(UpdateWith({ManifestAlone(3)}), HavingBinary("another payload, as long!!")));
  EXPECT_THAT(result.problems, ElementsAre(HasSubstr("image-match")));
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
}

TEST_F(AgentRequestsTest, AManifestThatComesAloneUnaskedFails) {
  TAM_ASSERT_OK_AND_ASSIGN(const SessionResult result, RunUpdate(UpdateWith({ManifestAlone(3)})));
  EXPECT_THAT(result.problems, SizeIs(1));
  EXPECT_EQ(state_->ReadComponent(kTa), std::nullopt);
}

TEST_F(AgentRequestsTest, UnsolicitedOnlyAfterARequestWithoutTokenAndChallenge) {
  SessionOptions options;
  options.unsolicited = true;
  options.unneeded = {kSuit};
  EXPECT_THAT(Run({}, options), StatusIs(absl::StatusCode::kFailedPrecondition));

  ASSERT_OK(Run({SignBoth(RequestWithToken())}));
  EXPECT_THAT(Run({}, options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("token or a challenge")));
  ASSERT_OK(Run({SignBoth(Request())}));
  EXPECT_THAT(Run({}, options), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(tam_.raw, SizeIs(0));

  ASSERT_OK(Run({SignBoth(Unbound())}, Timestamped()));
  EXPECT_TRUE(std::holds_alternative<teep::QueryResponse>(tam_.received.at(0)));
  state_.reset();  // and it remembers
  TAM_ASSERT_OK_AND_ASSIGN(state_, DeviceState::Open(folder_));
  ASSERT_OK(Run({}, options));
  ASSERT_THAT(tam_.received, SizeIs(1));
  EXPECT_EQ(Response().token, std::nullopt);
  EXPECT_EQ(Response().attestation_payload, std::nullopt);
  EXPECT_THAT(Response().unneeded_manifest_list, ElementsAre(kSuit));

  options = Timestamped();
  options.unsolicited = true;
  ASSERT_OK(Run({}, options));
  EXPECT_NE(Response().attestation_payload, std::nullopt);
}

TEST_F(AgentRequestsTest, AFailureOfTheTransportEndsTheLeave) {
  ASSERT_OK(Run({SignBoth(Unbound())}, Timestamped()));
  tam_.failure = absl::UnavailableError("gone");
  EXPECT_THAT(Run({}), StatusIs(absl::StatusCode::kUnavailable));
  tam_.failure = absl::OkStatus();
  SessionOptions options;
  options.unsolicited = true;
  EXPECT_THAT(Run({}, options),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("failure")));
}

}  // namespace
}  // namespace tam::teepsim
