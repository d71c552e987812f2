// Rules between fields that Decode leaves to who sends or obeys a message.
#include <string>

#include "crypto/cbor/cbor.h"
#include "crypto/cose/cose.h"
#include "teep/eat/eat.h"
#include "teep/message/message.h"
#include "tests/support/row.h"
#include "tests/support/status_matchers.h"

namespace tam::teep {
namespace {

using ::tam::testing::StatusIs;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// Asks for attestation and offers each way to be fresh.
QueryRequest OfferedQueryRequest() {
  QueryRequest m;
  m.challenge = std::string(32, 'c');
  m.supported_freshness_mechanisms = {kFreshnessNonce, kFreshnessTimestamp};
  m.supported_cipher_suites = MandatoryCipherSuites();
  m.supported_suit_cose_profiles = MandatorySuitCoseProfiles();
  m.data_item_requested = kRequestAttestation | kRequestTrustedComponents;
  return m;
}

// A CWT of this profile; nullopt: it names none.
std::string Token(const std::optional<std::string>& profile) {
  eat::Claims claims;
  claims.ueid = "\x01" + std::string(16, 'u');
  claims.profile = profile;
  return *cose::Sign1(*keys::PrivateKey::Generate(keys::KeyType::kEd25519),
                      cbor::AsBytes(eat::EncodeClaims(claims)));
}

template <typename M, typename Check>
void ExpectFormatUnlessTeepProfile(M message, Check check) {
  const auto wants_format =
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(".attestation-payload-format: want"));
  using Profile = std::optional<std::string>;
  for (const Profile& profile : {Profile(eat::kTeepProfile), Profile()}) {
    message.attestation_payload = Token(profile);
    EXPECT_OK(check(message));
  }
  message.attestation_payload = "\xd8\x3d" + Token(eat::kTeepProfile);
  EXPECT_OK(check(message));
  for (const std::string& other :
       {Token(eat::kEvidenceProfile), Token(eat::kTeepProfile).substr(1), std::string("quote")}) {
    message.attestation_payload = other;
    message.attestation_payload_format.reset();
    EXPECT_THAT(check(message), wants_format);
    message.attestation_payload_format = "application/octet-stream";
    EXPECT_OK(check(message));
  }
}

TEST(PayloadFormat, IsDemandedForWhatIsNoCwtOfTheTeepProfile) {
  TAM_ROW("T-14");
  ExpectFormatUnlessTeepProfile(Update(), CheckUpdate);
  QueryRequest request;
  request.token = std::string(16, 't');
  ExpectFormatUnlessTeepProfile(request,
                                [](const QueryRequest& r) { return CheckQueryRequest(r); });
}

// T-09, T-12, T-13.
TEST(CheckQueryRequest, TiesTokenAndChallengeToTheAttestationBit) {
  TAM_ROW("T-09", "T-12", "T-13");
  QueryRequest attested = OfferedQueryRequest();
  EXPECT_OK(CheckQueryRequest(attested));
  attested.token = std::string(16, 't');
  EXPECT_THAT(CheckQueryRequest(attested), StatusIs(kInvalid, HasSubstr("query-request.token")));
  attested.challenge.reset();
  EXPECT_THAT(CheckQueryRequest(attested), StatusIs(kInvalid, HasSubstr("query-request.token")));
  EXPECT_OK(CheckQueryRequest(attested, PassportModel::kAllowed));
  attested.token.reset();
  EXPECT_OK(CheckQueryRequest(attested));  // timestamps are offered
  attested.supported_freshness_mechanisms.clear();
  EXPECT_THAT(CheckQueryRequest(attested), StatusIs(kInvalid, HasSubstr("got neither")));

  QueryRequest plain = OfferedQueryRequest();
  plain.data_item_requested = kRequestTrustedComponents;
  EXPECT_THAT(CheckQueryRequest(plain), StatusIs(kInvalid, HasSubstr("want a token")));
  plain.token = std::string(16, 't');
  EXPECT_THAT(CheckQueryRequest(plain), StatusIs(kInvalid, HasSubstr("challenge")));
  plain.challenge.reset();
  EXPECT_THAT(CheckQueryRequest(plain), StatusIs(kInvalid, HasSubstr("freshness")));
  plain.supported_freshness_mechanisms.clear();
  EXPECT_OK(CheckQueryRequest(plain));
}

TEST(CheckUpdate, ErrCodeIsADefinedOneAndCarriesTheText) {
  TAM_ROW("T-39");
  Update update;
  EXPECT_OK(CheckUpdate(update));
  update.err_code = static_cast<ErrorCode>(12);
  EXPECT_THAT(CheckUpdate(update), StatusIs(kInvalid, HasSubstr("want a defined code, got 12")));
  update.err_code = ErrorCode::kAttestationRequired;
  update.err_msg = "x";
  update.err_lang = "en-GB";
  EXPECT_OK(CheckUpdate(update));
  update.err_code.reset();
  EXPECT_THAT(CheckUpdate(update), StatusIs(kInvalid, HasSubstr("want err-code")));
}

TEST(FitErrMsg, CutsAtACharacterBoundary) {
  TAM_ROW("T-40");
  EXPECT_EQ(FitErrMsg("ok"), "ok");
  EXPECT_EQ(FitErrMsg(std::string(127, 'a') + "\xc3\xa4").size(), 127u);
  EXPECT_EQ(FitErrMsg(std::string(126, 'a') + "\xc3\xa4").size(), 128u);
  EXPECT_EQ(FitErrMsg("a\nb\xff"), "a b?");
  EXPECT_EQ(FitErrMsg(""), "unspecified");
}

}  // namespace
}  // namespace tam::teep
