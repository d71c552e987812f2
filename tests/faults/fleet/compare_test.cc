// A comparison that cannot fail proves nothing: each test plants one difference.
#include "tests/faults/fleet/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "crypto/keys/key.h"
#include "teep/message/message.h"

namespace tam::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const ManifestVersion kFirst{"ta", std::string(32, 'a'), 1};
const ManifestVersion kSecond{"ta", std::string(32, 'b'), 2};

// A device that installed kFirst in one session and found nothing to do in the next.
class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    DeviceLedger& device = ledger_["one"];
    device.responses["challenge-1"] = {Answer::kUpdate, "token-1"};
    device.responses["challenge-2"] = {Answer::kNothing, ""};
    device.updates["token-1"] = {.reported = true, .success = true, .acknowledged = true};
    device.installs[kFirst] = 1;
    device.present = {kFirst};
    DeviceRecord& record = tam_.devices["one"];
    record.installed = {{"ta", kFirst}};
    record.accepted = {"challenge-1", "challenge-2"};
    record.closed = {{"token-1", true}};
    record.audit = {{"session.accepted", 2}, {"update.succeeded", 1}, {"device.create", 1}};
    tam_.audit_entries = tam_.audit_pending = 4;
  }

  DeviceLedger& device() { return ledger_["one"]; }
  DeviceRecord& record() { return tam_.devices["one"]; }
  // The one difference there is, of device "one".
  void ExpectOne(const std::string& reason, const CompareOptions& options = CompareOptions()) {
    EXPECT_THAT(Compare(ledger_, tam_, options),
                ElementsAre(AllOf(Field(&Difference::device, "one"),
                                  Field(&Difference::reason, HasSubstr(reason)))));
  }
  void LoseAcknowledgement() {
    device().updates["token-1"].acknowledged = false;
    record().closed.clear();
    record().audit.erase("update.succeeded");
    record().open = {"token-1"};
    record().installed.clear();
  }

  Ledger ledger_;
  TamRecord tam_;
};

TEST_F(CompareTest, AgreesWithItself) {
  EXPECT_THAT(Compare(ledger_, tam_), IsEmpty());
  EXPECT_THAT(Compare(ledger_, tam_, {.installed_once = {kFirst}}), IsEmpty());
}

TEST_F(CompareTest, AgreesThatALostAcknowledgementLeavesAnOpenUpdate) {
  LoseAcknowledgement();
  EXPECT_THAT(Compare(ledger_, tam_), IsEmpty());
}

TEST_F(CompareTest, AgreesThatTheReportOfALostAcknowledgementMayCount) {
  device().updates["token-1"].acknowledged = false;
  EXPECT_THAT(Compare(ledger_, tam_), IsEmpty());
}

TEST_F(CompareTest, FindsWhatIsNotRecorded) {
  record().installed.clear();
  ExpectOne("on the device and acknowledged, is not recorded");
}

TEST_F(CompareTest, FindsAnotherVersion) {
  record().installed["ta"] = kSecond;
  EXPECT_THAT(Compare(ledger_, tam_), ::testing::SizeIs(2));  // either side misses its own
}

TEST_F(CompareTest, FindsWhatWasNeverOnTheDevice) {
  LoseAcknowledgement();
  record().installed["ta"] = kSecond;
  ExpectOne("never was on the device");
}

TEST_F(CompareTest, FindsALostReport) {
  record().closed.clear();
  record().audit.erase("update.succeeded");
  record().open = {"token-1"};
  EXPECT_THAT(Compare(ledger_, tam_),
              ElementsAre(Field(&Difference::reason, HasSubstr("acknowledged, but is not closed")),
                          Field(&Difference::reason, HasSubstr("report was acknowledged"))));
}

TEST_F(CompareTest, FindsAReportThatCountedTwice) {
  record().closed.push_back({"token-1", true});
  record().audit["update.succeeded"] = 2;
  ExpectOne("closed more than once");
}

TEST_F(CompareTest, FindsAReportOfAnotherOutcome) {
  record().closed[0].success = false;
  ExpectOne("recorded as failed");
}

TEST_F(CompareTest, FindsAReportThatNobodySent) {
  record().closed.push_back({"token-2", true});
  record().audit["update.succeeded"] = 2;
  ExpectOne("never reported");
}

TEST_F(CompareTest, FindsAnUpdateThatNobodyAskedFor) {
  record().open = {"token-2"};
  ExpectOne("never saw");
}

TEST_F(CompareTest, AllowsAnUpdateOfALostAnswer) {
  record().open = {"token-2"};
  device().responses["challenge-3"] = {Answer::kNone, ""};
  EXPECT_THAT(Compare(ledger_, tam_), IsEmpty());
}

TEST_F(CompareTest, AllowsADroppedQueryResponseOnlyWhereAsked) {
  device().responses["challenge-3"] = {Answer::kNothing, ""};
  ExpectOne("answered with 204, but its QueryResponse is not recorded");
  EXPECT_THAT(Compare(ledger_, tam_, {.may_drop = true}), IsEmpty());
  device().responses["challenge-3"].answer = Answer::kUpdate;
  ExpectOne("answered with an Update, but its QueryResponse is not recorded", {.may_drop = true});
}

TEST_F(CompareTest, AllowsAWithheldUpdateOnlyWhereAsked) {
  record().open = {"token-2"};
  EXPECT_THAT(Compare(ledger_, tam_, {.may_withhold = true}), IsEmpty());
  ExpectOne("never saw");
}

TEST_F(CompareTest, FindsAnUpdateThatVanished) {
  device().updates["token-2"] = {};
  ExpectOne("the device has it, the TAM does not");
}

TEST_F(CompareTest, FindsAChallengeAcceptedTwice) {
  record().accepted.push_back("challenge-2");
  record().audit["session.accepted"] = 3;
  ExpectOne("accepted more than once");
}

TEST_F(CompareTest, FindsAChallengeThatNobodyAnswered) {
  record().accepted.push_back("challenge-9");
  record().audit["session.accepted"] = 3;
  ExpectOne("never answered it");
}

TEST_F(CompareTest, FindsALostSession) {
  record().accepted.pop_back();
  record().audit["session.accepted"] = 1;
  ExpectOne("answered with 204, but its QueryResponse is not recorded");
}

TEST_F(CompareTest, FindsARefusedResponseThatCounted) {
  device().responses["challenge-2"].answer = Answer::kRefused;
  ExpectOne("the device was refused");
}

TEST_F(CompareTest, FindsMissingAuditRows) {
  record().audit["session.accepted"] = 1;
  ExpectOne("1 audit rows");
}

TEST_F(CompareTest, FindsAuditRowsOfReportsThatAreTooMany) {
  record().audit["update.failed"] = 1;
  ExpectOne("2 audit rows");
}

TEST_F(CompareTest, FindsAuditRowsThatAreNotQueued) {
  tam_.audit_pending = 3;
  EXPECT_THAT(Compare(ledger_, tam_),
              ElementsAre(Field(&Difference::reason, HasSubstr("3 queued"))));
}

TEST_F(CompareTest, FindsAnInstallationThatWasDoneTwice) {
  device().installs[kFirst] = 2;
  ExpectOne("want installed once, got 2", {.installed_once = {kFirst}});
}

TEST_F(CompareTest, FindsWhatIsNotThereInTheEnd) {
  ExpectOne("is not on the device", {.present = {kSecond}});
  EXPECT_THAT(Compare(ledger_, tam_, {.present = {kFirst}}), IsEmpty());
}

TEST_F(CompareTest, FindsUnknownDevices) {
  tam_.devices["two"];
  ledger_["three"];
  EXPECT_THAT(Compare(ledger_, tam_),
              ElementsAre(Field(&Difference::device, "three"), Field(&Difference::device, "two")));
}

// What passes on the wire, signed by a key of no importance.
class MessageLogTest : public ::testing::Test {
 protected:
  std::string Sign(const teep::Message& message) {
    return *cose::Sign1(key_, cbor::AsBytes(*teep::Encode(message)));
  }
  std::string Query(const std::string& challenge) {
    teep::QueryRequest request;
    request.challenge = challenge;
    request.supported_cipher_suites = teep::MandatoryCipherSuites();
    request.supported_suit_cose_profiles = teep::MandatorySuitCoseProfiles();
    request.data_item_requested = teep::kRequestAttestation;
    return Sign(request);
  }
  std::string Update(const std::string& token) {
    teep::Update update;
    update.token = token;
    update.manifest_list = {"manifest"};
    return Sign(update);
  }
  std::string Success(const std::string& token) {
    teep::Success success;
    success.token = token;
    return Sign(success);
  }

  keys::PrivateKey key_ = *keys::PrivateKey::Generate(keys::KeyType::kP256);
  DeviceLedger ledger_;
  MessageLog log_{ledger_};
  const std::string challenge_ = std::string(32, 'c');
  const std::string token_ = std::string(16, 't');
};

TEST_F(MessageLogTest, FollowsASession) {
  log_.Sending("");
  log_.Answered(Query(challenge_));
  log_.Sending(Sign(teep::QueryResponse()));
  EXPECT_EQ(ledger_.responses.at(challenge_).answer, Answer::kNone);
  log_.Answered(Update(token_));
  EXPECT_EQ(ledger_.responses.at(challenge_).answer, Answer::kUpdate);
  EXPECT_EQ(ledger_.Outstanding(), 1);
  log_.Sending(Success(token_));
  EXPECT_TRUE(ledger_.updates.at(token_).reported);
  EXPECT_EQ(ledger_.Outstanding(), 1);
  log_.Answered(std::nullopt);
  EXPECT_EQ(ledger_.Outstanding(), 0);
}

TEST_F(MessageLogTest, KeepsWhatWasNotAnswered) {
  log_.Sending("");
  log_.Answered(Query(challenge_));
  log_.Sending(Sign(teep::QueryResponse()));
  log_.Sending("");
  log_.Answered(Query(std::string(32, 'd')));
  log_.Sending(Sign(teep::QueryResponse()));
  log_.Answered(std::nullopt);
  EXPECT_EQ(ledger_.responses.at(challenge_).answer, Answer::kNone);
  EXPECT_EQ(ledger_.responses.at(std::string(32, 'd')).answer, Answer::kNothing);
}

TEST_F(MessageLogTest, CountsRefusals) {
  log_.Sending("");
  log_.Answered(Query(challenge_));
  log_.Sending(Sign(teep::QueryResponse()));
  teep::Update refusal;
  refusal.err_code = teep::ErrorCode::kAttestationRequired;
  refusal.err_msg = "no";
  log_.Answered(Sign(refusal));
  EXPECT_EQ(ledger_.responses.at(challenge_).answer, Answer::kRefused);
  EXPECT_EQ(ledger_.errors.at("err-code 7"), 1);
}

}  // namespace
}  // namespace tam::testing
