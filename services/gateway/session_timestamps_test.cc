// Freshness by timestamp, at an endpoint that takes it (draft -26 section 9; DESIGN.md).
#include <string>

#include "services/gateway/verifier_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TimestampsTest : public VerifierFixture {
 protected:
  TimestampsTest() {
    v1::Endpoint settings;
    settings.set_timestamps(true);
    UseEndpoint("stamped", settings);
  }
  // Made `ago`, for this endpoint.
  eat::Claims Stamped(absl::Duration ago = absl::ZeroDuration()) const {
    eat::Claims claims = Claims("");
    *claims.issued_at -= ago;
    claims.audience = "/tam/acme/stamped";
    return claims;
  }
  // Answered with err-code 7 before anything is appraised or written.
  void ExpectTurnedAway(const eat::Claims& claims) {
    const uint64_t before = Count(Outcome::kAnsweredChallenge);
    const teep::Update update = UpdateIn(SendHere(WithEvidence(Evidence(claims))));
    EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired);
    EXPECT_FALSE(update.token.has_value());
    EXPECT_EQ(Count(Outcome::kAnsweredChallenge), before + 1);
    EXPECT_EQ(AuditCount("session.accepted") + AuditCount("session.refused"), 0u);
  }
};

TEST_F(TimestampsTest, TheyAreOfferedBesideNoncesThereAlone) {
  TAM_ROW("T-12");
  teep::QueryRequest query = Query();
  EXPECT_THAT(query.supported_freshness_mechanisms, ElementsAre(0, 1));
  EXPECT_TRUE(query.challenge.has_value());
  endpoint_ = "main";
  EXPECT_THAT(Query().supported_freshness_mechanisms, IsEmpty());
  endpoint_ = "lax";
  EXPECT_THAT(Query().supported_freshness_mechanisms, IsEmpty());
}

TEST_F(TimestampsTest, EvidenceMayNameItsTimeInPlaceOfANonce) {
  const teep::Update update = UpdateIn(SendHere(WithEvidence(Evidence(Stamped()))));
  EXPECT_EQ(update.manifest_list.size(), 1u);
  EXPECT_EQ(appraised_.timestamp_audience(), "/tam/acme/stamped");
  EXPECT_EQ(appraised_.challenge(), "");
  Advance(absl::Seconds(1));
  EXPECT_EQ(UpdateIn(SendHere(WithResult(Result(Stamped())))).manifest_list.size(), 1u);
  EXPECT_EQ(AuditCount("session.accepted"), 2u);
}

TEST_F(TimestampsTest, NoncesAreTakenAsElsewhere) {
  const std::string challenge = *Query().challenge;
  EXPECT_EQ(UpdateIn(SendHere(WithEvidence(Evidence(Claims(challenge))))).manifest_list.size(), 1u);
  EXPECT_EQ(appraised_.challenge(), challenge);
}

TEST_F(TimestampsTest, AReplayIsRefusedByTheGuard) {
  const teep::QueryResponse response = WithEvidence(Evidence(Stamped()));
  const std::string message = Sign(response);
  const teep::Update update = UpdateIn(Send(message, endpoint_));
  EXPECT_EQ(UpdateIn(Send(message, endpoint_)), update);  // the same bytes, the same answer
  teep::QueryResponse altered = response;
  altered.selected_version = 0;
  EXPECT_TRUE(IsSilent(SendHere(altered)));
  EXPECT_TRUE(IsSilent(SendHere(WithEvidence(Evidence(Stamped(absl::Seconds(1)))))));
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 2u);
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

TEST_F(TimestampsTest, TheLastSecondsOfALifeAreTakenAndNoMore) {
  ExpectTurnedAway(Stamped(absl::Seconds(301)));
  EXPECT_EQ(UpdateIn(SendHere(WithEvidence(Evidence(Stamped(absl::Seconds(300)))))).err_code,
            std::nullopt);
}

// A time ahead is not put back to now: its replay would pass the guard once the clock is there.
TEST_F(TimestampsTest, ATimeAheadIsRefusedAndStaysSo) {
  const teep::QueryResponse response = WithEvidence(Evidence(Stamped(-absl::Seconds(2))));
  const teep::Update away = UpdateIn(SendHere(response));
  EXPECT_EQ(away.err_code, teep::ErrorCode::kAttestationRequired);
  EXPECT_EQ(attestation_.calls("Appraise"), 0);
  // One second is what the guard takes; the message counts once, then and later.
  const teep::QueryResponse ahead = WithEvidence(Evidence(Stamped(-absl::Seconds(1))));
  EXPECT_EQ(UpdateIn(SendHere(ahead)).manifest_list.size(), 1u);
  Advance(absl::Seconds(1));
  teep::QueryResponse altered = ahead;
  altered.selected_version = 0;
  EXPECT_TRUE(IsSilent(SendHere(altered)));
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

TEST_F(TimestampsTest, AnotherAudienceOrNoneIsTurnedAway) {
  eat::Claims claims = Stamped();
  claims.audience = "/tam/acme/main";
  ExpectTurnedAway(claims);
  EXPECT_THAT(Show("pump-of-stamped").last_turned_away().reason().found(), HasSubstr("aud"));
  claims.audience.reset();
  ExpectTurnedAway(claims);
  claims = Stamped();
  claims.issued_at.reset();
  ExpectTurnedAway(claims);
  claims = Stamped();
  claims.nonces = {std::string(8, 'n')};  // then it is that which counts
  ExpectTurnedAway(claims);
  endpoint_ = "main";
  CreateDevice("other", key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256));
  claims = Stamped();
  claims.audience = "/tam/acme/main";
  ExpectTurnedAway(claims);
}

TEST_F(TimestampsTest, Error3IsAnsweredByTheMechanismThatBothHave) {
  teep::Error error;
  error.err_code = teep::ErrorCode::kUnsupportedFreshnessMechanisms;
  error.supported_freshness_mechanisms = {teep::kFreshnessTimestamp};
  teep::QueryRequest query = QueryIn(SendHere(error), tam_p256_);
  EXPECT_THAT(query.supported_freshness_mechanisms, ElementsAre(1));
  EXPECT_TRUE(query.challenge.has_value());  // always one of the two, A7
  error.supported_freshness_mechanisms = {teep::kFreshnessNonce};
  query = QueryIn(SendHere(error), tam_p256_);
  EXPECT_THAT(query.supported_freshness_mechanisms, IsEmpty());
  endpoint_ = "main";
  CreateDevice("other", key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256));
  error.supported_freshness_mechanisms = {teep::kFreshnessTimestamp};
  EXPECT_TRUE(IsSilent(SendHere(error)));
}

}  // namespace
}  // namespace tam::gateway
