// Attestation Results that go back to devices in an Update (draft -26 sections 4.4 and 7.1.1.1).
#include <string>

#include "services/gateway/verifier_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

class ResultsTest : public VerifierFixture {
 protected:
  ResultsTest() {
    v1::Endpoint settings;
    settings.set_return_results(true);
    UseEndpoint("results", settings);
    plan_.clear_install();
  }
  std::string Attest() { return Sign(WithEvidence(Evidence(Claims(*Query().challenge)))); }
};

TEST_F(ResultsTest, AnUpdateOnlyHandsTheResultBackWhereNothingIsToBeInstalled) {
  const std::string message = Attest();
  const teep::Update update = UpdateIn(Send(message, endpoint_));
  const std::string result = update.attestation_payload.value_or("");
  EXPECT_FALSE(result.empty());
  teep::Update alone;
  alone.token = update.token;
  alone.attestation_payload = result;
  EXPECT_EQ(update, alone);
  teep::Success success;
  success.token = update.token;
  EXPECT_TRUE(IsSilent(SendHere(success)));
  EXPECT_EQ(Count(Outcome::kReportRecorded), 1u);
}

TEST_F(ResultsTest, TheDefaultFormatIsLeftOutAndAnotherIsSent) {
  TAM_ROW("A1", "T-14");
  teep::Update update = UpdateIn(Send(Attest(), endpoint_));
  EXPECT_TRUE(update.attestation_payload.has_value());
  EXPECT_EQ(update.attestation_payload_format, std::nullopt);
  result_profile_ = "urn:ietf:rfc:rfc9999";
  const std::string message = Attest();
  update = UpdateIn(Send(message, endpoint_));
  EXPECT_EQ(update.attestation_payload_format,
            "application/eat+cwt; eat_profile=\"urn:ietf:rfc:rfc9999\"");
  EXPECT_EQ(UpdateIn(Send(message, endpoint_)), update);
}

TEST_F(ResultsTest, TheSameMessageGetsTheSameResult) {
  const std::string message = Attest();
  const teep::Update update = UpdateIn(Send(message, endpoint_));
  Advance(absl::Minutes(5));
  EXPECT_EQ(UpdateIn(Send(message, endpoint_)), update);
  EXPECT_EQ(attestation_.calls("Appraise"), 1);
  EXPECT_EQ(Count(Outcome::kUpdateResent), 1u);
}

// Another replica accepts the message after this one looked the device up.
TEST_F(ResultsTest, ReplicasGiveTheSameResultToo) {
  const std::string message = Attest();
  std::optional<teep::Update> first;
  catalog_.Set("Resolve", [&](const auto&, auto*) {
    if (!first.has_value()) {
      first.emplace();
      Advance(absl::Seconds(2));
      *first = UpdateIn(Send(message, endpoint_));
    }
    return absl::OkStatus();
  });
  EXPECT_EQ(UpdateIn(Send(message, endpoint_)), first);
  EXPECT_EQ(attestation_.calls("Appraise"), 2);
  EXPECT_TRUE(first->attestation_payload.has_value());
}

TEST_F(ResultsTest, ItComesBesideManifestsAndAgainWithThem) {
  plan_.add_install()->set_digest(std::string(32, 'd'));
  plan_.mutable_install(0)->set_domain_uid(std::string(16, 'n'));
  plan_.mutable_install(0)->set_component_id("\x81\x41\x61");
  const std::string message = Attest();
  const teep::Update update = UpdateIn(Send(message, endpoint_));
  EXPECT_EQ(update.manifest_list.size(), 1u);
  EXPECT_TRUE(update.attestation_payload.has_value());
  EXPECT_EQ(UpdateIn(Send(message, endpoint_)), update);
}

TEST_F(ResultsTest, NothingGoesBackOfWhatIsRefusedOrAtOtherEndpoints) {
  eat::Claims claims = Claims(*Query().challenge);
  claims.cnf.reset();
  const teep::Update refused = UpdateIn(SendHere(WithEvidence(Evidence(claims))));
  EXPECT_EQ(refused.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_FALSE(refused.attestation_payload.has_value());
  UseEndpoint("usual", v1::Endpoint());
  EXPECT_TRUE(IsSilent(Send(Attest(), endpoint_)));
  EXPECT_EQ(Count(Outcome::kNothingToDo), 1u);
}

}  // namespace
}  // namespace tam::gateway
