// The Passport model at an endpoint that has it: the device brings a result of a verifier that the
// tenant accepts (draft -26 sections 4.2, 7.1.1.1 and 9; TEEP.md T-57, A7).
#include <string>

#include "services/gateway/verifier_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::testing::HasSubstr;

class PassportTest : public VerifierFixture {
 protected:
  PassportTest() {
    v1::Endpoint settings;
    settings.set_passport(true);
    UseEndpoint("passport", settings);
  }
  // A response to a new QueryRequest, which brings `result`.
  teep::QueryResponse Bring(const std::string& token, const std::string& result) {
    teep::QueryResponse response = WithResult(result);
    response.token = token;
    return response;
  }
  // The device was refused for the claim, and told so with err-code 7.
  void ExpectRefused(const teep::QueryResponse& response, const std::string& claim) {
    const teep::Update update = UpdateIn(SendHere(response));
    EXPECT_EQ(update.err_code, teep::ErrorCode::kAttestationRequired) << claim;
    EXPECT_THAT(update.err_msg.value_or(""), HasSubstr(claim));
    EXPECT_TRUE(update.manifest_list.empty()) << claim;
  }
};

TEST_F(PassportTest, TheQueryRequestBearsATokenAndNoChallenge) {
  TAM_ROW("A7");
  const teep::QueryRequest query = Query();
  EXPECT_EQ(query.data_item_requested & teep::kRequestAttestation, 1u);
  EXPECT_EQ(query.token.value_or("").size(), kChallengeSize);
  EXPECT_FALSE(query.challenge.has_value());
  EXPECT_OK(teep::CheckQueryRequest(query, teep::PassportModel::kAllowed));
  endpoint_ = "main";  // in no other than passport mode
  const teep::QueryRequest usual = Query();
  EXPECT_FALSE(usual.token.has_value());
  EXPECT_EQ(usual.challenge.value_or("").size(), kChallengeSize);
}

TEST_F(PassportTest, AResultWithTheTokenAsItsNonceIsAccepted) {
  TAM_ROW("T-57", "A7");
  const std::string token = *Query().token;
  const teep::Update update = UpdateIn(SendHere(Bring(token, Result(Claims(token)))));
  EXPECT_EQ(update.manifest_list.size(), 1u);
  EXPECT_EQ(appraised_.challenge(), token);
  EXPECT_TRUE(resolved_.attested());
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

TEST_F(PassportTest, AnotherNonceIsRefused) {
  TAM_ROW("T-57", "A7");
  const std::string old = *Query().token;
  const std::string token = *Query().token;
  ExpectRefused(Bring(token, Result(Claims(old))), "eat_nonce");
  const std::string last = *Query().token;
  ExpectRefused(Bring(last, Result(Claims(""))), "eat_nonce");
  EXPECT_EQ(AuditCount("session.accepted"), 0u);
}

TEST_F(PassportTest, AnotherKeyInCnfIsRefused) {
  TAM_ROW("T-35", "T-57");
  const std::string token = *Query().token;
  eat::Claims claims = Claims(token);
  claims.cnf = eat::Confirmation{tam_p256_.public_key(), std::nullopt, std::nullopt};
  ExpectRefused(Bring(token, Result(claims)), "cnf");
  const std::string next = *Query().token;
  claims = Claims(next);
  claims.cnf.reset();
  ExpectRefused(Bring(next, Result(claims)), "cnf");
}

TEST_F(PassportTest, AVerifierThatTheTenantDoesNotAcceptIsRefused) {
  TAM_ROW("T-34", "T-57");
  const std::string token = *Query().token;
  ExpectRefused(Bring(token, Result(Claims(token), attester_)), "signature");
}

// What names no result profile is Evidence, and is appraised as such (section 7.1.1).
TEST_F(PassportTest, EvidenceInPlaceOfAResultIsAppraised) {
  TAM_ROW("T-32", "T-33", "T-57");
  const std::string token = *Query().token;
  teep::QueryResponse response = WithEvidence(Evidence(Claims(token)));
  response.token = token;
  EXPECT_EQ(UpdateIn(SendHere(response)).manifest_list.size(), 1u);
  const std::string next = *Query().token;
  response = WithEvidence(Evidence(Claims(token)));
  response.token = next;
  ExpectRefused(response, "eat_nonce");
}

TEST_F(PassportTest, ATokenThatIsNotTheRequestsIsSilent) {
  TAM_ROW("T-25", "T-57");
  const std::string token = *Query().token;
  EXPECT_TRUE(IsSilent(SendHere(WithResult(Result(Claims(token))))));  // absent
  std::string forged = token;
  forged.back() ^= 1;
  EXPECT_TRUE(IsSilent(SendHere(Bring(forged, Result(Claims(forged))))));
  endpoint_ = "main";
  const std::string elsewhere = *Query().challenge;
  endpoint_ = "passport";
  EXPECT_TRUE(IsSilent(SendHere(Bring(elsewhere, Result(Claims(elsewhere))))));
  EXPECT_EQ(Count(Outcome::kDroppedToken), 3u);
  EXPECT_EQ(attestation_.calls("Appraise"), 0);
}

TEST_F(PassportTest, AReplayIsSilent) {
  TAM_ROW("T-18", "T-57");
  const std::string token = *Query().token;
  const teep::QueryResponse response = Bring(token, Result(Claims(token)));
  const teep::Update update = UpdateIn(SendHere(response));
  teep::QueryResponse altered = response;
  altered.selected_version = 0;
  EXPECT_TRUE(IsSilent(SendHere(altered)));  // the same result in another message
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 1u);
  teep::Success success;
  success.token = update.token;
  EXPECT_TRUE(IsSilent(SendHere(success)));
  EXPECT_EQ(AuditCount("session.accepted"), 1u);
}

}  // namespace
}  // namespace tam::gateway
