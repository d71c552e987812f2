// Encrypted evidence (draft -26 section 8.2, TEEP.md T-55, A12).
#include "crypto/cbor/cbor.h"
#include "crypto/cose/encrypt.h"
#include "services/gateway/session_fixture.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::gateway {
namespace {

using ::tam::testing::StatusIs;
using teep::ErrorCode;
using ::testing::SizeIs;

class DecryptTest : public SessionFixture {
 protected:
  static std::string Sealed(const keys::AgreementKey& to, const std::string& inside,
                            std::string_view other = cose::kEatEncryption) {
    return *cose::Encrypt(to.public_key(), cbor::AsBytes(inside), cose::ContentAlgorithm::kA128Ctr,
                          other, secret::RandomSource::System());
  }
};

TEST_F(DecryptTest, EncryptedEvidenceIsOpenedBeforeItsChallengeIsLookedFor) {
  TAM_ROW("A12");
  const std::string challenge = Connect();
  teep::QueryResponse response = Evidence(challenge);
  const std::string inside = *response.attestation_payload;
  response.attestation_payload = Sealed(tam_agreement_, inside);
  EXPECT_THAT(UpdateIn(Send(Sign(response))).manifest_list, SizeIs(1));
  EXPECT_EQ(appraised_.payload(), inside);
  EXPECT_EQ(appraised_.challenge(), challenge);
  EXPECT_TRUE(IsSilent(Send(Sign(response))));  // ECDSA: other bytes
  EXPECT_EQ(Count(Outcome::kDroppedUsedChallenge), 1u);
}

TEST_F(DecryptTest, EvidenceThatCannotBeOpenedIsErrCode7) {
  const auto another = keys::AgreementKey::Generate(keys::AgreementCurve::kP256);
  const std::string inside = *Evidence(Connect()).attestation_payload;
  for (const std::string& payload :
       {Sealed(another, inside), Sealed(tam_agreement_, inside, cose::kSuitReportEncryption),
        Sealed(tam_agreement_, "\xa0"), std::string("\xd8\x60\x80")}) {
    teep::QueryResponse response = Evidence("");
    response.attestation_payload = payload;
    EXPECT_EQ(UpdateIn(Send(Sign(response))).err_code, ErrorCode::kAttestationRequired);
  }
  EXPECT_EQ(attestation_.calls("Appraise"), 0);
  EXPECT_EQ(registry_.calls("Accept"), 0);
}

TEST_F(DecryptTest, NothingIsOpenedForMessagesThatAreNotTheDevices) {
  teep::QueryResponse response = Evidence(Connect());
  response.attestation_payload = Sealed(tam_agreement_, *response.attestation_payload);
  std::string message = Sign(response);
  message.back() ^= 1;
  EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_EQ(signing_.calls("Decrypt"), 0);
}

// Whoever recorded a message may send it again and again.
TEST_F(DecryptTest, WhatIsOpenedForOneDeviceIsBounded) {
  teep::Success success;
  success.token = std::string(16, 't');
  success.suit_reports = {Sealed(tam_agreement_, "no report", cose::kSuitReportEncryption)};
  const std::string message = Sign(success);
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(IsSilent(Send(message)));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(signing_.calls("Decrypt"), 64);
}

TEST_F(DecryptTest, WithoutSigningTheDeviceIsToldToComeAgain) {
  teep::QueryResponse response = Evidence(Connect());
  response.attestation_payload = Sealed(tam_agreement_, *response.attestation_payload);
  const std::string message = Sign(response);
  signing_.FailWith(absl::UnavailableError("down"));
  EXPECT_THAT(Send(message), StatusIs(absl::StatusCode::kUnavailable));
  signing_.FailWith(absl::OkStatus());
  EXPECT_THAT(UpdateIn(Send(message)).manifest_list, SizeIs(1));
}

}  // namespace
}  // namespace tam::gateway
